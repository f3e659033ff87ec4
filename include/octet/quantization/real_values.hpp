#pragma once
#include "../core/quant_params.hpp"
#include "../kernels/half.hpp"

OCTET_BEGIN
namespace detail {

/// The elements of a tensor as real numbers: dequantized if it is quantized.
inline Tensor<float> real_values(const TensorRef& t, const QuantParams& q) {
  Tensor<float> r = to_float(t);
  if (!q) return r;
  const ChannelWalk w(t.shape, q.axis);
  for (std::int64_t i = 0; i < r.size(); ++i) {
    const auto c = static_cast<std::size_t>(i / w.inner % w.channels);
    r[i] = (r[i] - static_cast<float>(q.zero_point[c])) * q.scale[c];
  }
  return r;
}

}  // namespace detail
OCTET_END
