#pragma once
#include <map>

#include "../graph/operator.hpp"

OCTET_BEGIN

/// Options for reading a model file.
struct LoadOptions {
  /// Keeps the file's layout (ONNX: NCHW) at the inputs and outputs of the model. Otherwise images are [N, spatial ...,
  /// C], as octet computes them, and are not transposed.
  bool keep_layout = false;
  /// ONNX: Resize with align_corners or floor computes coordinates as ONNX's reference code. Default: as ONNX Runtime,
  /// in float32 and with output sizes that are whole numbers. They differ where scale * size is not a whole number, and
  /// where a coordinate is at the border of two pixels.
  bool onnx_reference = false;
  /// How integer layers requantize. Default: as stored in an .octet file; Rounding::fp32 for other files.
  std::optional<Rounding> rounding;
  /// Runs the self-test stored in an .octet file. Throws FormatError if its results differ from those of the machine
  /// that wrote it.
  bool self_test = false;
  /// ONNX and TFLite: shapes of inputs, by name, in the layout of the file (ONNX: [N, C, ...]), which give sizes that
  /// the file leaves open. Shape::unknown leaves a size open. Arithmetic on known sizes is done while loading, so that
  /// models load that need it for the shape of a tensor. Other sizes than those that the file fixes are an error.
  std::map<std::string, Shape> input_shapes{};
};

OCTET_END
