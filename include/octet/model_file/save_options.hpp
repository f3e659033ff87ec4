#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../core/config.hpp"

OCTET_BEGIN

/// How the activations of integer models are written to .onnx files. All are the same numbers.
enum class OnnxForm : std::uint8_t {
  unsigned_codes,  ///< codes are uint8: what ONNX Runtime runs with integer kernels on x86
  signed_codes,    ///< codes are int8
  symmetric  ///< int8 with zero points 0 and float biases, as TensorRT requires it; an error for models with others
};

/// Options of save.
struct SaveOptions {
  bool self_test = true;                     ///< .octet: run the model and store the results, for verify
  OnnxForm onnx = OnnxForm::unsigned_codes;  ///< .onnx: the types of quantized activations
  bool external_data = false;  ///< .onnx: large constants are in a file NAME.onnx.data beside the model, as they
                               ///< always are where there are more than `largest_file`
  std::size_t largest_file = (std::size_t{1} << 31) - (std::size_t{1} << 27);  ///< .onnx, .tflite: bytes of constants
                                                                               ///< in one file. Readers take 2 GB in
                                                                               ///< all, with the graph
  std::vector<std::string>* notes = nullptr;  ///< .onnx, .tflite: gets a message for each layer that is not written as
                                              ///< it is, such as one whose input gets another scale
};

OCTET_END
