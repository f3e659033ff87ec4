#pragma once
#include <algorithm>
#include <cmath>
#include <limits>

#include "quant_params.hpp"
#include "range.hpp"

/// From ranges to scales and zero points.
OCTET_BEGIN
namespace detail {

/// One scale and zero point.
struct ScaleAndZero {
  float scale = 1;
  std::int32_t zero_point = 0;
};

/// Scale and zero point for a range (widened to hold zero) on the integers of a type. Symmetric: zero point 0 (or
/// the middle of an unsigned type) and one code less on the negative side.
inline ScaleAndZero scale_and_zero(Range r, DType type, bool symmetric) noexcept {
  r.low = std::min(r.low, 0.0f), r.high = std::max(r.high, 0.0f);
  const IntegerRange q = integer_range(type);
  if (symmetric) {
    const auto levels = static_cast<double>((q.high - q.low) / 2);  // 127 for 8 bits
    const double magnitude = static_cast<double>(std::max(-r.low, r.high));
    return {static_cast<float>(magnitude / levels), static_cast<std::int32_t>(is_signed(type) ? 0 : (q.high + 1) / 2)};
  }
  const double step = (static_cast<double>(r.high) - static_cast<double>(r.low)) / static_cast<double>(q.high - q.low);
  const auto scale = static_cast<float>(step);
  if (!(scale > 0) || scale > std::numeric_limits<float>::max()) return {scale, 0};
  const double zero = static_cast<double>(q.low) - static_cast<double>(r.low) / static_cast<double>(scale);
  return {scale, static_cast<std::int32_t>(
                     std::clamp(std::nearbyint(zero), static_cast<double>(q.low), static_cast<double>(q.high)))};
}

inline QuantParams params_for(Range r, DType type, bool symmetric) {
  const ScaleAndZero p = scale_and_zero(r, type, symmetric);
  return {p.scale, p.zero_point};
}

/// The scale of activations of that range, on the integers of a type.
inline ScaleAndZero activation_scale(Range r, DType type, bool symmetric) noexcept {
  if (!(r.high > r.low) && r.low == 0) r.high = 1;  // all zeros: any scale will do
  return scale_and_zero(r, type, symmetric);
}

/// Whether numbers can be divided by a scale: below the smallest normal float, reciprocals overflow.
inline bool is_usable_scale(double scale) noexcept {
  return scale >= static_cast<double>(std::numeric_limits<float>::min()) &&
         scale <= static_cast<double>(std::numeric_limits<float>::max());
}

/// The scale of a channel of symmetric weights of that range whose largest code is `levels`, but not below `least`.
/// Of weights that are zeros for every purpose: 1.
inline float weight_scale(Range r, std::int64_t levels, double least = 0) noexcept {
  const double magnitude = static_cast<double>(std::max(-r.low, r.high));
  const double exact =
      levels > 0 ? static_cast<double>(static_cast<float>(magnitude / static_cast<double>(levels))) : 0;
  const double scale = std::max(exact, least);
  return scale < static_cast<double>(std::numeric_limits<float>::min()) ? 1.0f : static_cast<float>(scale);
}

/// The smallest scale of weights with which a bias stays well within 32 bits.
inline double least_scale(float bias, double input_scale) noexcept {
  constexpr double largest_bias = 1 << 30;
  return std::abs(static_cast<double>(bias)) / (largest_bias * input_scale);
}

}  // namespace detail
OCTET_END
