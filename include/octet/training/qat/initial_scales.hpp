#pragma once
#include <cmath>

#include "../../core/rounded.hpp"
#include "../../operators/weight_rounding.hpp"

OCTET_BEGIN
namespace detail {

/// The squared error of n weights with a scale, and the scale that is best for the codes they then have: sum(w q) /
/// sum(q q).
struct ScaleError {
  double error = 0, better = 0;

  ScaleError(const float* w, std::int64_t n, double scale, double most) {
    double products = 0, squares = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const auto x = static_cast<double>(w[i]);
      const double code = std::clamp(std::nearbyint(x / scale), -most, most), apart = x - rounded(code * scale);
      error += rounded(apart * apart);
      products += rounded(x * code);
      squares += code * code;  // integers
    }
    better = squares > 0 ? products / squares : scale;
  }
};

/// The scale of least squared error for n weights and codes from -levels to levels: the best of some, and of what they
/// become with the codes fixed. `exact`: the one that maps the largest weight to the largest code.
inline float mse_weight_scale(const float* w, std::int64_t n, float exact, int levels) {
  double best = static_cast<double>(exact), least = std::numeric_limits<double>::infinity();
  const auto consider = [&](double scale) {
    const ScaleError e(w, n, scale, levels);
    if (e.error < least) {
      least = e.error;
      best = scale;
    }
    return e.better;
  };
  for (int percent = 200; percent >= 20; percent -= 4) {
    const double scale = static_cast<double>(exact) * percent / 100, better = consider(scale);
    if (is_usable_scale(better)) consider(better);
  }
  return is_usable_scale(best) ? static_cast<float>(best) : exact;
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
