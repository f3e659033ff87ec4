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
inline FloatBatch absolute(const FloatBatch& x) noexcept { return xsimd::abs(x); }
inline FloatBatch select_less(const FloatBatch& a, const FloatBatch& b, const FloatBatch& yes,
                              const FloatBatch& no) noexcept {
  return xsimd::select(a < b, yes, no);
}
inline bool all_less(const FloatBatch& a, const FloatBatch& b) noexcept { return xsimd::all(a < b); }
inline FloatBatch power_of_two(const FloatBatch& n) noexcept {
  return xsimd::ldexp(FloatBatch(1.0f), xsimd::to_int(n));
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

#include "../kernels/bodies/exponentials.inl"

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

}  // namespace detail
OCTET_END
