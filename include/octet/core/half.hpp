#pragma once
#include <cstdint>
#include <cstring>
#include <limits>

#include "config.hpp"

/// Floating-point storage types below 32 bits: IEEE half, bfloat16 and the 8- and 4-bit floats of ONNX. Conversions
/// from float round to nearest even and handle NaN, infinities and subnormals.
OCTET_BEGIN

namespace detail {

inline std::uint32_t bits_of(float x) noexcept {
  std::uint32_t b;
  std::memcpy(&b, &x, 4);
  return b;
}

inline float float_of(std::uint32_t b) noexcept {
  float x;
  std::memcpy(&x, &b, 4);
  return x;
}

/// What the largest exponent of a small float means.
enum class Top : std::uint8_t {
  ieee,      ///< infinities and NaNs, as in IEEE 754
  nan_only,  ///< e4m3fn: finite numbers, except that all ones is NaN
  finite     ///< e2m1: every pattern is a number
};

/// A floating-point format of 1 sign bit, E exponent bits (bias 2^(E-1) - 1) and M mantissa bits.
template <int E, int M, Top top = Top::ieee>
struct SmallFloat {
  static constexpr int bias = (1 << (E - 1)) - 1;
  static constexpr std::uint32_t exponent_mask = (1u << E) - 1, mantissa_mask = (1u << M) - 1;
  static constexpr std::uint32_t sign_bit = 1u << (E + M);
  static constexpr std::uint32_t largest =  // magnitude bits of the largest finite number
      top == Top::ieee       ? (exponent_mask << M) - 1
      : top == Top::nan_only ? sign_bit - 2
                             : sign_bit - 1;
  static constexpr std::uint32_t infinity = exponent_mask << M;  // ieee only

  static float decode(std::uint32_t b) noexcept {
    const std::uint32_t sign = (b & sign_bit) ? 0x80000000u : 0, e = (b >> M) & exponent_mask, m = b & mantissa_mask;
    if (top == Top::ieee && e == exponent_mask)  // NaNs become quiet ones
      return float_of(sign | 0x7f800000u | (m ? 0x400000u : 0) | m << (23 - M));
    if (top == Top::nan_only && (b & (sign_bit - 1)) == sign_bit - 1) return float_of(sign | 0x7fc00000u);
    if (e != 0) return float_of(sign | (e + 127 - bias) << 23 | m << (23 - M));
    const float unit =
        float_of(static_cast<std::uint32_t>(127 + 1 - bias - M) << 23);  // value of one unit of a subnormal
    return float_of(sign | bits_of(static_cast<float>(m) * unit));
  }

  /// saturate: numbers that are too large become the largest finite number instead of infinity or NaN.
  static std::uint32_t encode(float x, bool saturate) noexcept {
    const std::uint32_t b = bits_of(x), sign = b >> 31 ? sign_bit : 0, magnitude = b & 0x7fffffffu;
    if (magnitude > 0x7f800000u)  // NaN; formats without NaN saturate
      return top == Top::ieee       ? sign | infinity | 1u << (M - 1) | ((magnitude >> (23 - M)) & mantissa_mask)
             : top == Top::nan_only ? sign | (sign_bit - 1)
                                    : sign | largest;
    std::uint32_t r;
    const int e = static_cast<int>(magnitude >> 23) - 127;
    if (e < 1 - bias) {  // subnormal
      const int shift = 23 - M + (1 - bias - e);
      const std::uint32_t m = (magnitude & 0x7fffffu) | (magnitude >> 23 ? 0x800000u : 0);
      r = shift > 24 ? 0 : round_shift(m, shift);
    } else {
      r = round_shift(magnitude - (static_cast<std::uint32_t>(127 - bias) << 23), 23 - M);
    }
    if (r <= largest) return sign | r;
    if (top == Top::finite || (saturate && top != Top::ieee) || (saturate && magnitude != 0x7f800000u))
      return sign | largest;
    return sign | (top == Top::ieee ? infinity : sign_bit - 1);
  }

 private:
  static std::uint32_t round_shift(std::uint32_t m, int shift) noexcept {  // to nearest, ties to even
    const std::uint32_t half = 1u << (shift - 1);
    return (m + half - 1 + ((m >> shift) & 1)) >> shift;
  }
};

}  // namespace detail

/// IEEE 754 binary16. Storage only: arithmetic is done in float.
struct fp16 {
  std::uint16_t bits = 0;  ///< sign, 5 bits of exponent, 10 bits of mantissa
  fp16() = default;
  /// Rounds to nearest, ties to even; from 65520 on to infinity. A NaN stays NaN.
  explicit fp16(float x) noexcept : bits(static_cast<std::uint16_t>(detail::SmallFloat<5, 10>::encode(x, false))) {}
  /// The same number as a float; exact.
  explicit operator float() const noexcept { return detail::SmallFloat<5, 10>::decode(bits); }
  /// Compares bits: a NaN equals itself, +0 and -0 differ.
  friend bool operator==(fp16 a, fp16 b) noexcept { return a.bits == b.bits; }
  /// Compares bits.
  friend bool operator!=(fp16 a, fp16 b) noexcept { return a.bits != b.bits; }
};

/// bfloat16: the upper 16 bits of a float. Storage only.
struct bf16 {
  std::uint16_t bits = 0;  ///< sign, 8 bits of exponent, 7 bits of mantissa
  bf16() = default;
  /// Rounds to nearest, ties to even; a NaN stays NaN.
  explicit bf16(float x) noexcept {
    const std::uint32_t b = detail::bits_of(x);
    bits = static_cast<std::uint16_t>((b & 0x7fffffffu) > 0x7f800000u ? b >> 16 | 0x40  // a quiet NaN stays NaN
                                                                      : (b + 0x7fffu + ((b >> 16) & 1)) >> 16);
  }
  /// The same number as a float; exact.
  explicit operator float() const noexcept { return detail::float_of(static_cast<std::uint32_t>(bits) << 16); }
  /// Compares bits: a NaN equals itself, +0 and -0 differ.
  friend bool operator==(bf16 a, bf16 b) noexcept { return a.bits == b.bits; }
  /// Compares bits.
  friend bool operator!=(bf16 a, bf16 b) noexcept { return a.bits != b.bits; }
};

OCTET_END
