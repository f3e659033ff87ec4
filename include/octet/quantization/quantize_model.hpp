#pragma once
#include "calibration.hpp"
#include "options.hpp"
#include "plan.hpp"

OCTET_BEGIN

namespace detail {

/// Biases are not corrected if calibration is null.
Model quantize_weights_of(const Model& model, PlannedForm form, const Calibration* calibration,
                          const WeightOptions& options);
Model quantize_to_integers(const Model& model, const Calibration& calibration, const Int8Options& options);

}  // namespace detail

/// Quantizes only the weights of a float model.
/// quantize<fp16>(model), quantize<bf16>(model): weights have half the size; layers compute in float. Tensors with a
/// number too large for the type stay float32 (see TooLarge).
/// quantize<dynamic_range>(model): int8 weights; layers quantize their inputs at run time and return float. Depthwise
/// convolutions do too little arithmetic for that to pay and stay float, unless the range of their input is known from
/// an activation before them (ReLU6).
/// Throws Error, naming the tensor, if weights are not finite or the model is already quantized.
template <class T>
Model quantize(const Model& model, const WeightOptions& options = {}) {
  return detail::quantize_weights_of(model, detail::weight_form<T>(), nullptr, options);
}

/// quantize<int8>(model, calibration): quantizes weights and activations to int8, see Int8Options.
/// The other types as above, with biases corrected for the mean error of the rounded weights.
/// Throws Error if the calibration lacks a tensor, or a name in keep_float matches no layer.
template <class T, class Options = std::conditional_t<std::is_same_v<T, int8>, Int8Options, WeightOptions>>
Model quantize(const Model& model, const Calibration& calibration, const Options& options = {}) {
  if constexpr (std::is_same_v<T, int8>)
    return detail::quantize_to_integers(model, calibration, options);
  else
    return detail::quantize_weights_of(model, detail::weight_form<T>(), &calibration, options);
}

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "quantize_model.inl"
#endif
