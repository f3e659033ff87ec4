#pragma once
#include "calibration.hpp"
#include "options.hpp"

OCTET_BEGIN

namespace detail {

/// `form` is f16 or bf16, or i8 for dynamic range. Without a calibration, biases are not corrected.
Model quantize_weights_of(const Model& model, DType form, const Calibration* calibration, const WeightOptions& options);
Model quantize_to_integers(const Model& model, const Calibration& calibration, const Int8Options& options);

template <class T>
constexpr DType weight_form() {
  static_assert(std::is_same_v<T, fp16> || std::is_same_v<T, bf16> || std::is_same_v<T, dynamic_range>,
                "a model becomes int8 (which needs a calibration), dynamic_range, fp16 or bf16");
  return std::is_same_v<T, fp16> ? DType::f16 : std::is_same_v<T, bf16> ? DType::bf16 : DType::i8;
}

}  // namespace detail

/// quantize<fp16>(model), quantize<bf16>(model): weights of half the size, computed with in float; tensors with a
/// number too large for the type stay float32 (see TooLarge). quantize<dynamic_range>(model): int8 weights; activations
/// are quantized as they arrive, results are float. Depthwise convolutions stay float, since their products are too few
/// to pay for that, unless an activation before them (ReLU6) tells the range. All of them throw where weights are not
/// finite, naming the tensor.
template <class T>
Model quantize(const Model& model, const WeightOptions& options = {}) {
  return detail::quantize_weights_of(model, detail::weight_form<T>(), nullptr, options);
}

/// quantize<int8>(model, calibration): the whole model in integers, see Int8Options.
/// The others as above, and biases corrected for the mean error of the rounded weights.
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
