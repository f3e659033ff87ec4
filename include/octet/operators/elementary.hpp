#pragma once
#include <cmath>
#include <limits>
#include <xsimd/xsimd.hpp>

#include "../core/rounded.hpp"

/// Elementary functions of float batches whose results do not depend on the compiler, instruction set or C library, so
/// that calibrated ranges do not, either. They use only operations that IEEE 754 defines, never fused (see
/// rounded.hpp); those of xsimd may be fused. The approximations are from Cephes (S. Moshier), with errors of a few
/// units in the last place.
OCTET_BEGIN
namespace detail {

// Functions of xsimd 8 do not compile for AVX-512.
#if defined(__AVX512F__) && XSIMD_VERSION_MAJOR < 13
using FloatBatch = xsimd::batch<float, xsimd::avx2>;
#else
using FloatBatch = xsimd::batch<float>;
#endif

inline FloatBatch rounded(const FloatBatch& x) noexcept { return rounded_batch(x); }

/// ((first * x + second) * x + ...) + last
template <class... C>
FloatBatch polynomial(const FloatBatch& x, float first, C... rest) noexcept {
  FloatBatch p(first);
  ((p = rounded(p * x) + FloatBatch(rest)), ...);
  return p;
}

inline FloatBatch exp_of(const FloatBatch& argument) noexcept {
  using V = FloatBatch;
  // Outside, the result is infinite, or 0 (below 1.7e-38, close to the subnormals). NaN is kept.
  V x = xsimd::select(argument > V(89.0f), V(89.0f), argument);
  x = xsimd::select(x < V(-87.5f), V(-87.5f), x);
  const V shift(12582912.0f), one(1.0f);  // 1.5 * 2^23: sums are integers
  const V n = (rounded(x * V(1.44269504f)) + shift) - shift;
  // ln 2 in two parts: products with the first, of 9 bits, are exact.
  const V r = (x - rounded(n * V(0.693359375f))) - rounded(n * V(-2.12194440e-4f));
  const V p = polynomial(r, 1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f,
                         5.0000001201e-1f);
  const V y = (rounded(p * rounded(r * r)) + r) + one;
  // Times 2^n, where n may be one more than the exponents of floats.
  return (y + y) * xsimd::ldexp(one, xsimd::to_int(n - one));
}

/// The natural logarithm: -inf of 0, NaN of negative numbers.
inline FloatBatch log_of(const FloatBatch& argument) noexcept {
  using V = FloatBatch;
  constexpr float inf = std::numeric_limits<float>::infinity(), smallest = std::numeric_limits<float>::min();
  const auto small = argument < V(smallest);  // subnormal numbers are scaled
  const V x = xsimd::select(small, argument * V(0x1p23f), argument);
  xsimd::batch<std::int32_t, typename V::arch_type> exponent;
  V m = xsimd::frexp(x, exponent);
  V e = xsimd::to_float(exponent) - xsimd::select(small, V(23.0f), V(0.0f));
  const auto low = m < V(0.707106781f);  // m becomes the mantissa in [sqrt(1/2), sqrt(2)) minus 1
  e = xsimd::select(low, e - V(1.0f), e);
  m = xsimd::select(low, m + m, m) - V(1.0f);
  const V z = rounded(m * m);
  V y = rounded(
      rounded(polynomial(m, 7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f,
                         -1.6668057665e-1f, 2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f) *
              m) *
      z);
  y = (y + rounded(e * V(-2.12194440e-4f))) - rounded(z * V(0.5f));
  y = (m + y) + rounded(e * V(0.693359375f));
  y = xsimd::select(argument == V(inf), argument, y);
  y = xsimd::select(argument == V(0.0f), V(-inf), y);
  y = xsimd::select(argument < V(0.0f), V(std::numeric_limits<float>::quiet_NaN()), y);
  return xsimd::select(argument == argument, y, argument);
}

inline FloatBatch tanh_of(const FloatBatch& x) noexcept {
  using V = FloatBatch;
  const V a = xsimd::abs(x), z = rounded(x * x);
  const V p =
      polynomial(z, -5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f, -3.33332819422e-1f);
  const V near = rounded(rounded(p * z) * x) + x;
  const V far = V(1.0f) - V(2.0f) / (exp_of(a + a) + V(1.0f));
  return xsimd::select(a < V(0.625f), near, xsimd::select(x < V(0.0f), -far, far));
}

/// The error function.
inline FloatBatch erf_of(const FloatBatch& x) noexcept {
  using V = FloatBatch;
  const V a = xsimd::abs(x), z = rounded(x * x), one(1.0f);
  const V near =
      x * polynomial(z, 7.853861353153693e-5f, -8.010193625184903e-4f, 5.188327685732524e-3f, -2.685381193529856e-2f,
                     1.128358514861418e-1f, -3.761262582423300e-1f, 1.128379165726710f);
  if (xsimd::all(a < one)) return near;
  // Above 4, the result is 1 in float.
  const V b = xsimd::select(a > V(4.0f), V(4.0f), xsimd::select(a < one, one, a)), q = one / b, y = rounded(q * q);
  const V middle = polynomial(y, 2.326819970068386e-2f, -1.387039388740657e-1f, 3.687424674597105e-1f,
                              -5.824733027278666e-1f, 6.210004621745983e-1f, -4.944515323274145e-1f,
                              3.404879937665872e-1f, -2.741127028184656e-1f, 5.638259427386472e-1f);
  const V end = polynomial(y, -1.047766399936249e+1f, 1.297719955372516e+1f, -7.495518717768503f, 2.921019019210786f,
                           -1.015265279202700f, 4.218463358204948e-1f, -2.820767439740514e-1f, 5.641895067754075e-1f);
  const V p = xsimd::select(b < V(2.0f), middle, end);
  const V far = one - rounded(rounded(exp_of(-rounded(b * b)) * q) * p);
  const V result = xsimd::select(a < one, near, xsimd::select(x < V(0.0f), -far, far));
  return xsimd::select(x == x, result, x);
}

// Scalar versions.
inline float exp_of(float x) noexcept { return std::exp(x); }
inline float log_of(float x) noexcept { return std::log(x); }
inline float tanh_of(float x) noexcept { return std::tanh(x); }
inline float erf_of(float x) noexcept { return std::erf(x); }
inline double exp_of(double x) noexcept { return std::exp(x); }
inline double log_of(double x) noexcept { return std::log(x); }
inline double tanh_of(double x) noexcept { return std::tanh(x); }
inline double erf_of(double x) noexcept { return std::erf(x); }

}  // namespace detail
OCTET_END
