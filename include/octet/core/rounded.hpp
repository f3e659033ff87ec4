#pragma once
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "config.hpp"

OCTET_BEGIN
namespace detail {

// Compilers may join a product and the sum it goes into to a fused multiply-add (FMA), which rounds once instead of
// twice: g++ by default, clang within an expression, both wherever the baseline has the instruction (every AArch64,
// x86 with -march=native). A model that was quantized by such a program would differ from that of another one in its
// last bits. So a product that is added to something is either
//   - rounded(a * b) + c: what the two operations give, on every machine, or
//   - std::fma(a, b, c) or a kernel's fma: rounded once, on every machine, or
//   - exact, so that it does not matter: of integers below 2^24 (in double: of two floats), or by a power of two.
// Pragmas cannot promise that: clang ignores its own with -ffp-contract=fast, and g++ forgets its own when it inlines a
// function into one without. An empty assembler statement costs no instruction.

/// x, rounded to its type before anything else is done with it. Of floats, doubles, and vectors of an instruction set.
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

/// sum[i] += factor * x[i], the products rounded.
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

/// As rounded, for a batch of xsimd.
template <class Batch>
OCTET_INLINE auto rounded_batch(Batch x) noexcept {
  x.data = rounded(x.data);
  return x;
}

}  // namespace detail
OCTET_END
