#pragma once
#include <cmath>

#include "../../operators/weight_rounding.hpp"

OCTET_BEGIN
namespace detail {

/// The scale of least squared error for n weights and codes from -levels to levels; `exact`: the one that maps the
/// largest weight to the largest code.
inline float mse_weight_scale(const float* w, std::int64_t n, float exact, int levels) {
  float best = exact;
  double least = std::numeric_limits<double>::infinity();
  for (int percent = 100; percent >= 20; percent -= 2) {
    const float scale = exact * static_cast<float>(percent) / 100, inverse = 1 / scale,
                most = static_cast<float>(levels);
    if (!is_usable_scale(static_cast<double>(scale))) break;
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const float code = std::clamp(std::nearbyint(w[i] * inverse), -most, most);
      const auto apart = static_cast<double>(w[i] - rounded(code * scale));
      sum += rounded(apart * apart);
    }
    if (sum < least) {
      least = sum;
      best = scale;
    }
  }
  return best;
}

/// The scales with which training begins to learn those of weights [O, ...]: of least squared error. (2 E|w| /
/// sqrt(largest code), as Esser et al. 2020 begin, is for networks that are not trained yet.) For weights that were
/// integers, their scale.
inline Tensor<float> initial_scales(View<const float> values, int bits, bool were_integers) {
  const std::int64_t channels = values.shape()[0], size = values.size() / std::max<std::int64_t>(1, channels);
  WeightRounding rounding(kernels(), bits);
  rounding.plan(values.shape());
  Tensor<float> scales({channels});
  default_pool()->parallel(channels, [&](std::int64_t o, int) {
    const float exact = rounding.scale(values.data(), nullptr, o);
    const bool known = (were_integers && bits == 8) || !std::isfinite(exact);
    scales[o] = known ? exact : mse_weight_scale(values.data() + o * size, size, exact, rounding.levels());
  });
  return scales;
}

}  // namespace detail
OCTET_END
