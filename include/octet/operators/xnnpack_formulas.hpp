#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

#include "../core/config.hpp"
#include "../kernels/requantize.hpp"

/// How XNNPACK computes with quantized tensors where it differs from Rounding::fp32, found by experiment with
/// LiteRT 2.5.3. `make` gives nothing for ratios of scales that XNNPACK refuses; LiteRT's own kernels compute these
/// layers.
OCTET_BEGIN
namespace detail {

inline bool within(float x, float low, float high) noexcept { return x >= low && x < high; }

/// A sum or difference, in fixed point with 20 bits for the larger of the two ratios; ties go up.
struct XnnpackSum {
  std::int32_t factor_a = 0, factor_b = 0, bias = 0;
  int shift = 0;

  /// The codes a and b with their zero points; the result has none.
  std::int32_t operator()(std::int32_t a, std::int32_t b) const noexcept {
    return (a * factor_a + b * factor_b + bias) >> shift;
  }

  /// ra, rb: scales of the inputs divided by the output's; za, zb: zero points.
  static std::optional<XnnpackSum> make(float ra, float rb, std::int32_t za, std::int32_t zb, bool difference) {
    if (!within(ra, 0x1p-10f, 0x1p8f) || !within(rb, 0x1p-10f, 0x1p8f)) return std::nullopt;
    XnnpackSum s;
    s.shift = 20 - std::ilogb(std::max(ra, rb));
    s.factor_a = static_cast<std::int32_t>(std::lrint(std::ldexp(ra, s.shift)));
    s.factor_b = static_cast<std::int32_t>(std::lrint(std::ldexp(difference ? -rb : rb, s.shift)));
    s.bias = (std::int32_t{1} << (s.shift - 1)) - za * s.factor_a - zb * s.factor_b;
    return s;
  }
};

/// Another scale, for conversions and LEAKY_RELU: a multiplier of 8 bits after the point for each sign; ties go up.
struct XnnpackScale {
  std::int32_t positive = 256, negative = 256;

  /// A code minus its zero point.
  std::int32_t operator()(std::int32_t x) const noexcept { return (x * (x < 0 ? negative : positive) + 128) >> 8; }

  /// ratio: the input's scale divided by the output's; slope: a factor for negative numbers.
  static std::optional<XnnpackScale> make(float ratio, float slope = 1) {
    const float other = ratio * slope;
    const auto taken = [](float x) { return x >= 0x1p-8f && x <= 0x1p7f; };
    if (!taken(ratio) || !taken(std::abs(other))) return std::nullopt;
    return XnnpackScale{static_cast<std::int32_t>(std::lrint(256 * ratio)),
                        static_cast<std::int32_t>(std::lrint(256 * other))};
  }
};

}  // namespace detail
OCTET_END
