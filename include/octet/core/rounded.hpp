#pragma once
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "config.hpp"

OCTET_BEGIN
namespace detail {

// Compilers may contract a product and a sum to a fused multiply-add (FMA), which rounds once instead of twice: g++ by
// default, clang within an expression, both if the baseline has the instruction (AArch64 always, x86 with
// -march=native). Models quantized by such a program would differ in their last bits from those of other programs. So a
// product that is added to something is either
//   - rounded(a * b) + c: rounded twice, on every machine, or
//   - std::fma(a, b, c) or a kernel's fma: rounded once, on every machine, or
//   - exact, so that it makes no difference: integers whose product is below 2^24 (in double: two floats), or a product
//     with a power of two.
// Pragmas do not guarantee that: clang ignores them with -ffp-contract=fast, and g++ drops them when it inlines a
// function into one without the pragma. An empty asm statement costs no instruction.

/// Returns x and prevents its contraction with the operation that follows. For float, double and SIMD vectors.
template <class T>
OCTET_INLINE T rounded(T x) noexcept {
#if defined(__GNUC__) && (defined(__x86_64__) || (defined(__i386__) && defined(__SSE2_MATH__)))
  __asm__("" : "+x"(x));
#elif defined(__GNUC__) && defined(__aarch64__)
  __asm__("" : "+w"(x));
#elif defined(__GNUC__)
  __asm__("" : "+m"(x));
#endif
  return x;
}

/// sum[i] += factor * x[i]; each product is rounded before it is added.
template <class T>
void add_products(float factor, const T* x, float* sum, std::int64_t n) noexcept {
  std::int64_t i = 0;
#if defined(__GNUC__)
  using Four = float __attribute__((vector_size(16)));
  for (; i + 4 <= n; i += 4) {
    Four v, s;
    if constexpr (std::is_same_v<T, float>)
      std::memcpy(&v, x + i, sizeof v);
    else
      for (int k = 0; k < 4; ++k) v[k] = static_cast<float>(x[i + k]);
    std::memcpy(&s, sum + i, sizeof s);
    s += rounded(v * factor);
    std::memcpy(sum + i, &s, sizeof s);
  }
#endif
  for (; i < n; ++i) sum[i] += rounded(factor * static_cast<float>(x[i]));
}

/// rounded() for an xsimd batch.
template <class Batch>
OCTET_INLINE auto rounded_batch(Batch x) noexcept {
  x.data = rounded(x.data);
  return x;
}

}  // namespace detail
OCTET_END
