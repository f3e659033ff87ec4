#pragma once
#include <string>
#include <vector>

#include "../graph/graph.hpp"
#include "../runtime/options.hpp"

OCTET_BEGIN

/// How far one tensor of a quantized model is from its float original.
struct LayerError {
  std::string name, type;  // of the tensor; operator that computes it, or "weights"
  double sqnr_db = 0;      // 20 log10(|x| / |x - y|); infinite where equal
  double max_error = 0;
  double rmse_over_scale = 0;  // ideal rounding gives 0.289, above 0.7 is suspicious; 0 where there is no scale
  double saturation = 0;       // part of the elements beyond what the integers can represent
};

/// Compares every tensor that both models compute (or keep as weights) under the same name, over the batches; worst
/// first. Errors of activations include what the layers before have added.
std::vector<LayerError> error_report(const Model& float_model, const Model& quantized,
                                     const std::vector<Tensor<float>>& batches, ExecutorOptions options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "error_report.inl"
#endif
