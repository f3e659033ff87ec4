#pragma once
#include "affine.hpp"
#include "element.hpp"

/// Integer biases and the codes of weights: the rules that quantize<int8>, importers of quantized models, and
/// quantization-aware training share.
OCTET_BEGIN
namespace detail {

/// The unit of a sum of products.
inline double bias_unit(double input_scale, float weight_scale) noexcept {
  return input_scale * static_cast<double>(weight_scale);
}

/// The code of a bias in a sum of type T.
template <class T = std::int32_t>
T bias_code(float bias, double unit) noexcept {
  return saturate_to<T>(std::nearbyint(static_cast<double>(bias) / unit));
}

/// The codes of biases [O] in the sums of a layer, which are of type T: int32, or int64 for 16-bit activations.
template <class T = std::int32_t>
Tensor<T> bias_codes(const Tensor<float>& bias, float input_scale, const QuantParams& weights) {
  Tensor<T> q = Tensor<T>::uninitialized(bias.shape());
  for (std::int64_t c = 0; c < q.size(); ++c) {
    const float scale = weights.scale[weights.index_of(c)];
    q[c] = bias_code<T>(bias[c], bias_unit(static_cast<double>(input_scale), scale));
  }
  return q;
}

/// The code of a channel's largest weight, a multiple of the scale.
inline std::int32_t largest_code(float largest_weight, float scale) noexcept {
  return saturate_to<std::int32_t>(std::nearbyint(static_cast<double>(largest_weight / scale)));
}

}  // namespace detail
OCTET_END
