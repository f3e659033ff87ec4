#pragma once
#include <cmath>

#include "../../operators/weight_rounding.hpp"

OCTET_BEGIN
namespace detail {

/// The scales with which training begins to learn those of weights [O, ...]: 2 E|w| / sqrt(largest code) (LSQ, Esser et
/// al. 2020). For weights that were integers, their scale.
inline Tensor<float> initial_scales(View<const float> values, int bits, bool were_integers) {
  const std::int64_t channels = values.shape()[0], size = values.size() / std::max<std::int64_t>(1, channels);
  WeightRounding rounding(kernels(), bits);
  rounding.plan(values.shape());
  Tensor<float> scales({channels});
  for (std::int64_t o = 0; o < channels; ++o) {
    double sum = 0;
    for (std::int64_t i = o * size; i < (o + 1) * size; ++i) sum += std::abs(static_cast<double>(values[i]));
    const double lsq = 2 * sum / static_cast<double>(std::max<std::int64_t>(1, size)) / std::sqrt(rounding.levels());
    const bool known = were_integers && bits == 8;
    scales[o] = known ? rounding.scale(values.data(), nullptr, o) : lsq > 0 ? static_cast<float>(lsq) : 1.0f;
  }
  return scales;
}

}  // namespace detail
OCTET_END
