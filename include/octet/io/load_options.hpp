#pragma once
#include "../graph/operator.hpp"

OCTET_BEGIN

/// How a model file is read.
struct LoadOptions {
  /// Keeps the file's order of dimensions (ONNX: NCHW) at the inputs and outputs of the model. Otherwise images come
  /// and go as octet computes with them, [N, spatial ..., C], and nothing is transposed on the way.
  bool keep_layout = false;
  /// How integer layers round. Unless given: as an .octet file says, fp32 where other files are read.
  std::optional<Rounding> rounding;
  /// Runs the test that an .octet file carries, and throws where the outcome is another than when it was written.
  bool self_test = false;
};

OCTET_END
