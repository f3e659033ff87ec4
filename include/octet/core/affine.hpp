#pragma once
#include <algorithm>
#include <cmath>
#include <limits>

#include "quant_params.hpp"
#include "range.hpp"

/// Computes scales and zero points from ranges.
OCTET_BEGIN
namespace detail {

/// Scale and zero point that map a range to the integers of a type. The range is first widened to contain zero.
/// Symmetric: the zero point is 0 (for unsigned types 2^(bits - 1)) and the lowest code is not used.
inline ScaleAndZero scale_and_zero(Range r, DType type, bool symmetric) noexcept {
  r.low = std::min(r.low, 0.0f);
  r.high = std::max(r.high, 0.0f);
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

/// Scale and zero point with which the codes of a type divide the range evenly: code `lowest` is `low`, and the first
/// one above the largest would be `high`.
inline QuantParams params_dividing(Range r, DType type) {
  const float scale = (r.high - r.low) / static_cast<float>(std::int64_t{1} << bits(type));
  return {scale, static_cast<std::int32_t>(integer_range(type).low - std::lrint(r.low / scale))};
}

/// Scale and zero point of activations with that range. A range that holds only zeros is taken as [0, 1].
inline ScaleAndZero activation_scale(Range r, DType type, bool symmetric) noexcept {
  if (!(r.high > r.low) && r.low == 0) r.high = 1;  // any scale represents zeros
  return scale_and_zero(r, type, symmetric);
}

/// The real number of a channel's code.
inline double real_value(double code, const QuantParams& p, std::size_t channel = 0) noexcept {
  return (code - p.zero_point[channel]) * static_cast<double>(p.scale[channel]);
}
/// The code of a real number, rounded half to even. Not clamped.
inline double code_of(double real, const QuantParams& p, std::size_t channel = 0) noexcept {
  return std::nearbyint(real / static_cast<double>(p.scale[channel])) + p.zero_point[channel];
}

/// Whether the scale is a normal, finite float. The reciprocal of a subnormal one would overflow.
inline bool is_usable_scale(double scale) noexcept {
  return scale >= static_cast<double>(std::numeric_limits<float>::min()) &&
         scale <= static_cast<double>(std::numeric_limits<float>::max());
}

/// The scale of one channel of symmetric weights: max(|low|, |high|) / levels, where `levels` is the largest code, and
/// at least `least`. Returns 1 where that would be zero or subnormal.
inline float weight_scale(Range r, std::int64_t levels, double least = 0) noexcept {
  const double magnitude = static_cast<double>(std::max(-r.low, r.high));
  const double exact =
      levels > 0 ? static_cast<double>(static_cast<float>(magnitude / static_cast<double>(levels))) : 0;
  const double scale = std::max(exact, least);
  return scale < static_cast<double>(std::numeric_limits<float>::min()) ? 1.0f : static_cast<float>(scale);
}

/// The smallest weight scale with which the bias, divided by input scale * weight scale, is at most 2^30 in magnitude.
inline double least_scale(float bias, double input_scale) noexcept {
  constexpr double largest_bias = 1 << 30;
  return std::abs(static_cast<double>(bias)) / (largest_bias * input_scale);
}

}  // namespace detail
OCTET_END
