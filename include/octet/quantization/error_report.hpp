#pragma once
#include <string>
#include <vector>

#include "../graph/graph.hpp"
#include "../runtime/options.hpp"

OCTET_BEGIN

/// The error of one tensor of a quantized model with respect to the float model.
struct LayerError {
  std::string name;            ///< of the tensor
  std::string type;            ///< operator that computes it, or "weights"
  double sqnr_db = 0;          ///< 20 log10(|x| / |x - y|), x being the float tensor; infinite if equal
  double max_error = 0;        ///< largest |x - y|
  double rmse_over_scale = 0;  ///< RMS error / scale: about 0.289 for rounding alone; 0 if not quantized
  double saturation = 0;       ///< fraction of the elements outside the representable range, in [0, 1]
};

/// Compares every activation and weight tensor that both models have under the same name, over all batches. Sorted by
/// SQNR, worst first. Errors of activations accumulate: they include those of the layers before.
std::vector<LayerError> error_report(const Model& float_model, const Model& quantized,
                                     const std::vector<Tensor<float>>& batches, ExecutorOptions options = {});
/// The same for models with any number of inputs and outputs: each batch has a tensor for each input of the float
/// model.
std::vector<LayerError> error_report(const Model& float_model, const Model& quantized,
                                     const std::vector<std::vector<AnyTensor>>& batches, ExecutorOptions options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "error_report.inl"
#endif
