#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "../core/rounded.hpp"
#include "unary_kind.hpp"

/// Circular and hyperbolic functions and their inverses. They are computed in double by operations that IEEE 754
/// defines, never fused, and without the C library's functions: rounded to float, they are the same everywhere. Errors
/// are a few units in the last place of a double.
OCTET_BEGIN
namespace detail::circular {

using Function = double (*)(double);

constexpr double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
constexpr double half_pi = 1.5707963267948966, quarter_pi = 0.78539816339744831, ln2 = 0.69314718055994531;

/// ((last * x + ...) * x + first, where factors begin with the last.
template <std::size_t n>
double sum_of_powers(double x, const std::array<double, n>& factors) noexcept {
  double s = factors[0];
  for (std::size_t i = 1; i < n; ++i) s = rounded(s * x) + factors[i];
  return s;
}

/// x + x^3 / 3 + x^5 / 5 ..., the inverse of tanh, for |x| <= 0.1716.
inline double small_atanh(double x) noexcept {
  const double z = x * x;
  const double s = sum_of_powers(z, std::array<double, 11>{1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
                                                           1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3});
  return x + rounded(rounded(x * z) * s);
}

/// The natural logarithm of a number above 0.
inline double log(double x) noexcept {
  if (x == infinity) return x;
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < 0.70710678118654752) {
    m += m;
    --exponent;
  }
  return rounded(exponent * ln2) + 2 * small_atanh((m - 1) / (m + 1));
}

inline double exp(double x) noexcept {
  if (!(x <= 709)) return x > 709 ? infinity : nan;
  if (x < -740) return 0;
  const double n = std::nearbyint(rounded(x * 1.4426950408889634));
  // ln 2 in two parts: products with the first, of 32 bits, are exact.
  const double r = (x - rounded(n * 6.93147180369123816490e-01)) - rounded(n * 1.90821492927058770002e-10);
  const double p = sum_of_powers(
      r, std::array<double, 12>{1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880,
                                1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5});
  return std::ldexp((rounded(p * rounded(r * r)) + r) + 1, static_cast<int>(n));
}

/// An angle as `turns` quarters of a circle and the rest, at most an eighth.
struct Angle {
  double rest = 0;
  unsigned turns = 0;
};

inline Angle reduced(double x) noexcept {
  const double n = std::nearbyint(rounded(x * 0.63661977236758134));
  // pi / 2 in three parts: products of n with the first two, of 33 bits, are exact.
  const double r = (x - rounded(n * 1.57079632673412561417e+00)) - rounded(n * 6.07710050630396597660e-11);
  return {r - rounded(n * 2.02226624879595063154e-21), static_cast<unsigned>(static_cast<std::int64_t>(n))};
}

/// The same for floats of 2^20 or more: the bits of 2 / pi that matter times the mantissa, modulo 4.
inline Angle reduced_large(float x) noexcept {
  constexpr std::array<std::uint32_t, 8> two_over_pi{0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u,
                                                     0xdb629599u, 0x3c439041u, 0xfe5163abu, 0xdebbc561u};
  std::uint32_t bits = 0;
  std::memcpy(&bits, &x, sizeof bits);
  const std::uint64_t mantissa = (bits & 0x7fffffu) | 0x800000u;
  // x = mantissa * 2^e, and the product's bits of 4 and above do not matter: the first bit that does is number e - 2.
  const int e = static_cast<int>(bits >> 23 & 0xff) - 150, first = e - 2;
  const auto word = [&](int at) {  // 32 bits of 2 / pi after the first `at`
    const auto w = static_cast<std::size_t>((at + 32) / 32 - 1);
    const int shift = at % 32;
    const std::uint64_t two = static_cast<std::uint64_t>(two_over_pi[w]) << 32 | two_over_pi[w + 1];
    return two >> (32 - shift) & 0xffffffffu;
  };
  const auto bits_after = [&](int at) { return at >= 0 ? word(at) : two_over_pi[0] >> -at; };
  // In units of 2^-62, modulo 2^64.
  const std::uint64_t sum = mantissa * bits_after(first) << 32;
  const std::uint64_t product = sum + mantissa * bits_after(first + 32) + (mantissa * bits_after(first + 64) >> 32);
  const std::uint64_t turns = (product + (std::uint64_t{1} << 61)) >> 62;
  const double rest = static_cast<double>(static_cast<std::int64_t>(product - (turns << 62))) * (half_pi * 0x1p-62);
  return x < 0 ? Angle{-rest, static_cast<unsigned>(0 - turns)} : Angle{rest, static_cast<unsigned>(turns)};
}

inline Angle angle(double x) noexcept {
  const double a = std::abs(x);
  if (a <= quarter_pi) return {x, 0};
  if (a < 0x1p20) return reduced(x);
  if (!(a < infinity)) return {nan, 0};
  const bool is_float =
      a <= static_cast<double>(std::numeric_limits<float>::max()) && static_cast<double>(static_cast<float>(x)) == x;
  if (is_float) return reduced_large(static_cast<float>(x));
  return reduced(std::atan2(std::sin(x), std::cos(x)));
}

inline double small_sin(double x) noexcept {
  const double z = x * x;
  const double s =
      sum_of_powers(z, std::array<double, 8>{1.0 / 355687428096000, -1.0 / 1307674368000, 1.0 / 6227020800,
                                             -1.0 / 39916800, 1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6});
  return x * (1 + rounded(z * s));
}
inline double small_cos(double x) noexcept {
  const double z = x * x;
  const double s =
      sum_of_powers(z, std::array<double, 8>{-1.0 / 6402373705728000, 1.0 / 20922789888000, -1.0 / 87178291200,
                                             1.0 / 479001600, -1.0 / 3628800, 1.0 / 40320, -1.0 / 720, 1.0 / 24});
  return 1 - (0.5 * z - rounded(rounded(z * z) * s));
}

inline double sin_turned(const Angle& a) noexcept {
  const double s = a.turns % 2 == 0 ? small_sin(a.rest) : small_cos(a.rest);
  return a.turns % 4 < 2 ? s : -s;
}
inline double sin(double x) noexcept { return sin_turned(angle(x)); }
inline double cos(double x) noexcept {
  Angle a = angle(x);
  ++a.turns;
  return sin_turned(a);
}
inline double tan(double x) noexcept {
  const Angle a = angle(x);
  const double s = small_sin(a.rest), c = small_cos(a.rest);
  return a.turns % 2 == 0 ? s / c : -c / s;
}

inline double atan(double x) noexcept {
  const double a = std::abs(x), b = a > 1 ? 1 / a : a;
  // atan(b) = atan(m) + atan((b - m) / (1 + b m)), m the nearest of 0, 1/4, 1/2, 3/4, 1
  constexpr std::array<double, 5> known{0, 0.24497866312686415, 0.46364760900080612, 0.64350110879328439, quarter_pi};
  const double k = b == b ? std::nearbyint(4 * b) : 0, m = k / 4;
  const double r = (b - m) / (1 + rounded(b * m)), z = r * r;
  const double s = sum_of_powers(z, std::array<double, 9>{-1.0 / 19, 1.0 / 17, -1.0 / 15, 1.0 / 13, -1.0 / 11, 1.0 / 9,
                                                          -1.0 / 7, 1.0 / 5, -1.0 / 3});
  const double y = known[static_cast<std::size_t>(k)] + (r + rounded(rounded(r * z) * s));
  return std::copysign(a > 1 ? half_pi - y : y, x);
}
inline double asin(double x) noexcept { return atan(x / std::sqrt((1 - x) * (1 + x))); }
inline double acos(double x) noexcept { return 2 * atan(std::sqrt((1 - x) / (1 + x))); }

inline double sinh(double x) noexcept {
  const double z = x * x;
  if (z < 0.25)
    return x + rounded(rounded(x * z) *
                       sum_of_powers(z, std::array<double, 6>{1.0 / 6227020800, 1.0 / 39916800, 1.0 / 362880,
                                                              1.0 / 5040, 1.0 / 120, 1.0 / 6}));
  return 0.5 * exp(x) - 0.5 * exp(-x);
}
inline double cosh(double x) noexcept { return 0.5 * exp(x) + 0.5 * exp(-x); }

/// The inverse of tanh.
inline double atanh(double x) noexcept {
  const double a = std::abs(x);
  if (a < 0.17) return small_atanh(x);
  if (!(a <= 1)) return nan;
  return std::copysign(0.5 * log((1 + a) / (1 - a)), x);
}
inline double asinh(double x) noexcept {
  const double a = std::abs(x);
  if (!(a < infinity)) return x;
  if (a > 1e9) return std::copysign(log(a) + ln2, x);
  const double root = std::sqrt(rounded(x * x) + 1);
  return a < 0.17 ? small_atanh(x / root) : std::copysign(log(a + root), x);
}
inline double acosh(double x) noexcept {
  if (!(x >= 1)) return nan;
  if (x > 1e9) return log(x) + ln2;
  const double s = std::sqrt((x - 1) / (x + 1));
  return s < 0.17 ? 2 * small_atanh(s) : log(x + std::sqrt((x - 1) * (x + 1)));
}

/// The function of that kind; null for other kinds.
inline Function function(UnaryKind kind) noexcept {
  switch (kind) {
    case UnaryKind::sin: return sin;
    case UnaryKind::cos: return cos;
    case UnaryKind::tan: return tan;
    case UnaryKind::asin: return asin;
    case UnaryKind::acos: return acos;
    case UnaryKind::atan: return atan;
    case UnaryKind::sinh: return sinh;
    case UnaryKind::cosh: return cosh;
    case UnaryKind::asinh: return asinh;
    case UnaryKind::acosh: return acosh;
    case UnaryKind::atanh: return atanh;
    default: return nullptr;
  }
}

inline double apply(Function f, double x) noexcept { return f(x); }
inline float apply(Function f, float x) noexcept { return static_cast<float>(f(static_cast<double>(x))); }
/// Each float of a vector.
template <class Batch>
Batch apply(Function f, const Batch& x) noexcept {
  std::array<float, Batch::size> lanes;
  x.store_unaligned(lanes.data());
  for (float& v : lanes) v = apply(f, v);
  return Batch::load_unaligned(lanes.data());
}

}  // namespace detail::circular
OCTET_END
