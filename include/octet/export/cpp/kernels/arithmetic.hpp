#pragma once
#include "../../../core/config.hpp"

/// Text of generated programs: kernels as plain loops that need nothing but a freestanding compiler. Each has the
/// results of the kernels that the executor uses; the tests compile and compare them.
OCTET_BEGIN
namespace detail::cpp {

constexpr const char* rounding_source = R"cpp(
  /// The bits of a float.
  inline std::uint32_t bits_of(float x) noexcept {
    std::uint32_t bits = 0;
#  if defined(__GNUC__)
    __builtin_memcpy(&bits, &x, sizeof bits);
#  else
    const auto* from = reinterpret_cast<const unsigned char*>(&x);
    auto* to = reinterpret_cast<unsigned char*>(&bits);
    for (std::size_t i = 0; i < sizeof bits; ++i) to[i] = from[i];
#  endif
    return bits;
  }

  /// x rounded to an integer, half to even; at most 2^20 in magnitude. Integer arithmetic, so that x is a rounded
  /// product whatever the compiler contracts to multiply-adds.
  inline std::int32_t rounded(float x) noexcept {
    const std::uint32_t bits = bits_of(x);
    const std::int32_t exponent = static_cast<std::int32_t>(bits >> 23 & 255u) - 127;
    std::int32_t q = 0;
    if (exponent >= 20) {
      q = std::int32_t{1} << 20;
    } else if (exponent >= -1) {
      const std::uint32_t mantissa = (bits & 0x7fffffu) | 0x800000u, whole = mantissa >> (23 - exponent),
                          rest = mantissa << (9 + exponent), half = 0x80000000u;
      q = static_cast<std::int32_t>(whole + (rest > half || (rest == half && (whole & 1u) != 0) ? 1u : 0u));
    }
    return bits >> 31 != 0 ? -q : q;
  }

  /// How results become codes.
  struct Codes {
    std::int32_t zero, low, high;
    code operator()(std::int32_t q) const noexcept {
      q += zero;
      return static_cast<code>(q < low ? low : q > high ? high : q);
    }
  };
)cpp";

constexpr const char* fused_source = R"cpp(
  /// a * b + c, rounded once.
  inline float fused(float a, float b, float c) noexcept {
#  if defined(__FP_FAST_FMAF)
    return __builtin_fmaf(a, b, c);
#  else
    static_assert(sizeof(double) == 8, "double has to have 64 bits");
    // The product is exact. The sum is rounded to odd, so that the second rounding, to float, has the result of one.
    const double product = static_cast<double>(a) * static_cast<double>(b), term = static_cast<double>(c);
    double sum = product + term;
    const double added = sum - product, error = (product - (sum - added)) + (term - added);
    if (error < 0 || error > 0) {
      std::uint64_t bits = 0;
      const auto* from = reinterpret_cast<const unsigned char*>(&sum);
      auto* to = reinterpret_cast<unsigned char*>(&bits);
      for (std::size_t i = 0; i < sizeof bits; ++i) to[i] = from[i];
      if ((bits & 1u) == 0) {
        bits = (error > 0) == (sum > 0) ? bits + 1 : bits - 1;
        auto* back = reinterpret_cast<unsigned char*>(&sum);
        for (std::size_t i = 0; i < sizeof bits; ++i) back[i] = to[i];
      }
    }
    return static_cast<float>(sum);
#  endif
  }
)cpp";

constexpr const char* limited_source = R"cpp(
  /// Leaves room for a zero point.
  inline std::int32_t limited(std::int64_t q) noexcept {
    constexpr std::int32_t most = std::int32_t{1} << 20;
    return q < -most ? -most : q > most ? most : static_cast<std::int32_t>(q);
  }
)cpp";

/// TFLite's fixed-point multiplications, as in kernels/requantize.hpp.
constexpr const char* fixed_twice_source = R"cpp(
  /// A factor: mantissa * 2^(shift - 31).
  struct Fixed {
    std::int32_t mantissa, shift;
  };

  /// The product, rounded twice: half up, and half away from zero.
  inline std::int32_t multiplied(std::int32_t x, Fixed f) noexcept {
    const std::int32_t left = f.shift > 0 ? f.shift : 0, right = f.shift < 0 ? -f.shift : 0;
    const auto shifted = static_cast<std::int32_t>(static_cast<std::uint32_t>(x) << left);
    const std::int64_t product = std::int64_t{shifted} * f.mantissa;
    const std::int64_t nudge = product >= 0 ? std::int64_t{1} << 30 : 1 - (std::int64_t{1} << 30);
    const auto high = static_cast<std::int32_t>((product + nudge) / (std::int64_t{1} << 31));
    const auto mask = static_cast<std::int32_t>((std::int64_t{1} << right) - 1);
    return (high >> right) + ((high & mask) > (mask >> 1) + (high < 0 ? 1 : 0) ? 1 : 0);
  }
)cpp";

constexpr const char* fixed_once_source = R"cpp(
  /// A factor: mantissa * 2^(shift - 31).
  struct FixedOnce {
    std::int32_t mantissa, shift;
  };

  /// The product, rounded half up.
  inline std::int32_t multiplied(std::int32_t x, FixedOnce f) noexcept {
    const std::int32_t total = 31 - f.shift;
    const std::int64_t r = (std::int64_t{x} * f.mantissa + (std::int64_t{1} << (total - 1))) >> total;
    constexpr std::int64_t most = 2147483647;
    return static_cast<std::int32_t>(r > most ? most : r < -most - 1 ? -most - 1 : r);
  }
)cpp";

}  // namespace detail::cpp
OCTET_END
