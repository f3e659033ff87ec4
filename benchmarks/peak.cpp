#include "peak.hpp"

#include <algorithm>
#include <chrono>

using octet::Isa;

#if OCTET_X86
// Repeats the instructions on 12 registers (\\n is the number of each), enough to hide their latency. Registers 13 to
// 15 are for operands. All registers are initially zero.
#  define OCTET_PEAK_LOOP(name, instructions)                                                                       \
    void name(long rounds) noexcept {                                                                               \
      __asm__ volatile(                                                                                             \
          ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n\t"                                        \
          "vpxor %%xmm\\n, %%xmm\\n, %%xmm\\n\n\t"                                                                  \
          ".endr\n"                                                                                                 \
          "1:\n\t"                                                                                                  \
          ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11\n\t" instructions                                           \
          "\n\t"                                                                                                    \
          ".endr\n\t"                                                                                               \
          "dec %0\n\t"                                                                                              \
          "jnz 1b\n\t"                                                                                              \
          "vzeroupper"                                                                                              \
          : "+r"(rounds)                                                                                            \
          :                                                                                                         \
          : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", \
            "xmm12", "xmm13", "xmm14", "xmm15");                                                                    \
    }

namespace {

OCTET_PEAK_LOOP(fma_ymm, "vfmadd231ps %%ymm14, %%ymm15, %%ymm\\n")
OCTET_PEAK_LOOP(fma_zmm, "vfmadd231ps %%zmm14, %%zmm15, %%zmm\\n")
OCTET_PEAK_LOOP(madd_ymm, "vpmaddwd %%ymm14, %%ymm15, %%ymm13\n\tvpaddd %%ymm13, %%ymm\\n, %%ymm\\n")
OCTET_PEAK_LOOP(madd_zmm, "vpmaddwd %%zmm14, %%zmm15, %%zmm13\n\tvpaddd %%zmm13, %%zmm\\n, %%zmm\\n")
OCTET_PEAK_LOOP(vnni_ymm, "%{vex%} vpdpbusd %%ymm14, %%ymm15, %%ymm\\n")
OCTET_PEAK_LOOP(vnni_zmm, "vpdpbusd %%zmm14, %%zmm15, %%zmm\\n")

/// The best of several runs that are short, so that most are not disturbed.
double rate(void (*loop)(long) noexcept, int macs) {
  constexpr long rounds = 100000;
  double best = 0;
  for (int run = 0; run < 100; ++run) {
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
    case Isa::avx512bf16:
    case Isa::avx512vnni: return {rate(vnni_zmm, 64), rate(fma_zmm, 16)};
    case Isa::avx512bw: return {rate(madd_zmm, 32), rate(fma_zmm, 16)};
    case Isa::avxvnni: return {rate(vnni_ymm, 32), rate(fma_ymm, 8)};
    case Isa::avx2: return {rate(madd_ymm, 16), rate(fma_ymm, 8)};
    default: return {};
  }
}
#else
Peak measure_peak(Isa) { return {}; }
#endif
