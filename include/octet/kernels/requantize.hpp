#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "../core/config.hpp"

/// Fixed-point multiplication as TFLite defines it, for models that need TFLite's rounding.
OCTET_BEGIN
namespace detail {

/// A positive real number as mantissa * 2^(shift - 31), mantissa in [2^30, 2^31). Numbers that are too large or
/// infinite become the largest such number; those that are too small, negative or NaN become 0.
struct FixedPointMultiplier {
  std::int32_t mantissa = 0;
  int shift = 0;

  explicit FixedPointMultiplier(double real = 0) {
    if (!(real > 0)) return;
    if (real >= 0x1p30) {
      mantissa = std::numeric_limits<std::int32_t>::max();
      shift = 30;
      return;
    }
    auto m =
        static_cast<std::int64_t>(std::round(std::frexp(real, &shift) * static_cast<double>(std::int64_t{1} << 31)));
    if (m == std::int64_t{1} << 31) m /= 2, ++shift;
    if (shift < -31) {
      m = 0;
      shift = 0;
    }
    if (shift > 30) m = (std::int64_t{1} << 31) - 1, shift = 30;
    mantissa = static_cast<std::int32_t>(m);
  }
};

/// a * b / c of scales as TFLite computes it: in single precision, from left to right.
inline float tflite_ratio(float a, float b, float c) noexcept {
  const auto product = static_cast<float>(a * b);
  return product / c;
}

/// a * b / 2^31, rounded half up (-0.5 to 0, -1.5 to -1), saturating: gemmlowp's SaturatingRoundingDoublingHighMul.
inline std::int32_t rounding_doubling_high_multiply(std::int32_t a, std::int32_t b) noexcept {
  if (a == b && a == std::numeric_limits<std::int32_t>::min()) return std::numeric_limits<std::int32_t>::max();
  const std::int64_t ab = std::int64_t{a} * b;
  const std::int64_t nudge = ab >= 0 ? std::int64_t{1} << 30 : 1 - (std::int64_t{1} << 30);
  return static_cast<std::int32_t>((ab + nudge) / (std::int64_t{1} << 31));
}

/// x / 2^exponent, rounded half away from zero; exponent in [0, 31]: gemmlowp's RoundingDivideByPOT.
inline std::int32_t rounding_divide_by_power_of_two(std::int32_t x, int exponent) noexcept {
  const auto mask = static_cast<std::int32_t>((std::int64_t{1} << exponent) - 1);
  const std::int32_t remainder = x & mask, threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

/// TFLite's reference rounding in two steps ("double rounding"): the first rounds half up, the second half away from
/// zero.
inline std::int32_t multiply_double_rounding(std::int32_t x, FixedPointMultiplier m) noexcept {
  const int left = std::max(m.shift, 0), right = std::max(-m.shift, 0);
  const auto shifted = static_cast<std::int32_t>(static_cast<std::uint32_t>(x) << left);
  return rounding_divide_by_power_of_two(rounding_doubling_high_multiply(shifted, m.mantissa), right);
}

/// TFLite built with single rounding: one step, half up.
inline std::int32_t multiply_single_rounding(std::int32_t x, FixedPointMultiplier m) noexcept {
  const int total = 31 - m.shift;
  const std::int64_t r = (std::int64_t{x} * m.mantissa + (std::int64_t{1} << (total - 1))) >> total;
  return static_cast<std::int32_t>(
      std::clamp<std::int64_t>(r, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()));
}

/// The mantissa of 15 bits that TFLite multiplies 64-bit sums with; a real number is that times 2^(shift - 15).
inline std::int32_t reduced_mantissa(FixedPointMultiplier m) noexcept {
  return m.mantissa < 0x7fff0000 ? (m.mantissa + (1 << 15)) >> 16 : 0x7fff;
}
inline double wide_factor(FixedPointMultiplier m) noexcept { return std::ldexp(reduced_mantissa(m), m.shift - 15); }

/// TFLite's product of a 64-bit sum, of magnitude less than 2^47, with the reduced mantissa, rounded once, half up.
/// m.shift <= largest_wide_shift.
inline std::int64_t multiply_wide(std::int64_t x, FixedPointMultiplier m) noexcept {
  const int total = 15 - m.shift;
  return (x * reduced_mantissa(m) + (std::int64_t{1} << (total - 1))) >> total;
}
constexpr int largest_wide_shift = 7;

/// A factor as a finite float, so that 0 times it is 0.
inline float finite_factor(double x) noexcept {
  return static_cast<float>(std::min(x, static_cast<double>(std::numeric_limits<float>::max())));
}

/// clamp(round_half_even(v)), also for v outside the range of integers. For NaN: low, as in the kernels. The limits are
/// less than 2^22.
inline std::int32_t round_clamped(float v, float low, float high) noexcept {
  constexpr float shift = 12582912;                            // 1.5 * 2^23: sums are integers
  const float sum = std::min(std::max(low, v), high) + shift;  // this order of arguments turns NaN into low
  return static_cast<std::int32_t>(sum - shift);
}

}  // namespace detail
OCTET_END
