#include "peak.hpp"

#include <algorithm>
#include <chrono>
#if OCTET_X86
#  include <immintrin.h>
#endif

using octet::Isa;

#if OCTET_X86
// A loop over 12 independent sums, enough to hide the latency of the instructions.
#  define OCTET_PEAK_LOOP(name, vector, zero, instructions)                               \
    void name(long rounds) noexcept {                                                     \
      vector sum[12], product, a = zero, b = zero;                                        \
      for (vector & s : sum) s = zero;                                                    \
      for (; rounds > 0; --rounds) {                                                      \
        OCTET_UNROLL                                                                      \
        for (int i = 0; i < 12; ++i)                                                      \
          __asm__ volatile(instructions : "+x"(sum[i]), "=&x"(product) : "x"(a), "x"(b)); \
      }                                                                                   \
    }

namespace {

OCTET_TARGET_BEGIN("avx2,fma")
OCTET_PEAK_LOOP(fma_ymm, __m256, _mm256_setzero_ps(), "vfmadd231ps %2, %3, %0")
OCTET_PEAK_LOOP(madd_ymm, __m256i, _mm256_setzero_si256(), "vpmaddwd %2, %3, %1\n\tvpaddd %1, %0, %0")
OCTET_TARGET_END

OCTET_TARGET_BEGIN("avx512f,avx512bw,avx512vnni")
OCTET_PEAK_LOOP(fma_zmm, __m512, _mm512_setzero_ps(), "vfmadd231ps %2, %3, %0")
OCTET_PEAK_LOOP(madd_zmm, __m512i, _mm512_setzero_si512(), "vpmaddwd %2, %3, %1\n\tvpaddd %1, %0, %0")
OCTET_PEAK_LOOP(vnni_zmm, __m512i, _mm512_setzero_si512(), "vpdpbusd %2, %3, %0")
OCTET_TARGET_END

/// The best of several short runs, each too short to be disturbed often.
double rate(void (*loop)(long) noexcept, int macs) {
  constexpr long rounds = 200000;
  double best = 0;
  for (int run = 0; run < 30; ++run) {
    const auto start = std::chrono::steady_clock::now();
    loop(rounds);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    best = std::max(best, 12.0 * static_cast<double>(rounds) * macs / time.count());
  }
  return best;
}

}  // namespace

Peak measure_peak(Isa isa) {
  switch (isa) {
    case Isa::avx512vnni: return {rate(vnni_zmm, 64), rate(fma_zmm, 16)};
    case Isa::avx512bw: return {rate(madd_zmm, 32), rate(fma_zmm, 16)};
    case Isa::avx2: return {rate(madd_ymm, 16), rate(fma_ymm, 8)};
    default: return {};
  }
}
#else
Peak measure_peak(Isa) { return {}; }
#endif
