#pragma once
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "config.hpp"
#if OCTET_X86
#  if defined(_MSC_VER)
#    include <intrin.h>
#  else
#    include <cpuid.h>
#  endif
#endif

OCTET_BEGIN

/// Instruction sets the kernels are compiled for, slowest first. Each includes all of those before it.
enum class Isa : std::uint8_t { scalar, avx2, avx512bw, avx512vnni, avx512bf16 };

constexpr const char* name(Isa i) noexcept {
  constexpr const char* names[] = {"scalar", "avx2", "avx512bw", "avx512vnni", "avx512bf16"};
  return names[static_cast<int>(i)];
}

namespace detail {

#if OCTET_X86
struct CpuId {
  std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  explicit CpuId(std::uint32_t leaf, std::uint32_t part = 0) noexcept {
#  if defined(_MSC_VER)
    int r[4];
    __cpuidex(r, static_cast<int>(leaf), static_cast<int>(part));
    eax = static_cast<std::uint32_t>(r[0]);
    ebx = static_cast<std::uint32_t>(r[1]);
    ecx = static_cast<std::uint32_t>(r[2]);
    edx = static_cast<std::uint32_t>(r[3]);
#  else
    __get_cpuid_count(leaf, part, &eax, &ebx, &ecx, &edx);  // leaves zeros if the leaf does not exist
#  endif
  }
};

/// Register sets that the operating system saves (XCR0).
inline std::uint32_t saved_registers() noexcept {
#  if defined(_MSC_VER)
  return static_cast<std::uint32_t>(_xgetbv(0));
#  else
  std::uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
#  endif
}

// __builtin_cpu_supports is not used: not every compiler knows all of these names.
inline Isa detect_isa() noexcept {
  constexpr auto bit = [](std::uint32_t word, int i) { return (word >> i & 1) != 0; };
  const CpuId basic(1), extended(7);
  if (!bit(basic.ecx, 27)) return Isa::scalar;  // OSXSAVE: without it xgetbv itself faults
  const std::uint32_t os = saved_registers();
  const bool fma = bit(basic.ecx, 12), f16c = bit(basic.ecx, 29), avx2 = bit(extended.ebx, 5);
  if ((os & 0x06) != 0x06 || !fma || !f16c || !avx2) return Isa::scalar;
  const bool avx512 = bit(extended.ebx, 16) && bit(extended.ebx, 17) && bit(extended.ebx, 28) &&  // F, DQ, CD
                      bit(extended.ebx, 30) && bit(extended.ebx, 31);                             // BW, VL
  if ((os & 0xE6) != 0xE6 || !avx512) return Isa::avx2;
  if (!bit(extended.ecx, 11)) return Isa::avx512bw;
  return extended.eax >= 1 && bit(CpuId(7, 1).eax, 5) ? Isa::avx512bf16 : Isa::avx512vnni;
}
#else
inline Isa detect_isa() noexcept { return Isa::scalar; }
#endif

}  // namespace detail

/// The best instruction set that the CPU supports.
inline Isa detected_isa() noexcept {
  static const Isa best = detail::detect_isa();
  return best;
}

namespace detail {
/// The instruction set named by OCTET_ISA, at most the detected one. Prints a warning if the CPU lacks it or the name
/// is unknown.
inline Isa wanted_isa() noexcept {
  const char* want = std::getenv("OCTET_ISA");
  if (!want || !*want) return detected_isa();
  for (int i = 0; i <= static_cast<int>(Isa::avx512bf16); ++i)
    if (!std::strcmp(want, name(static_cast<Isa>(i)))) {
      if (static_cast<Isa>(i) <= detected_isa()) return static_cast<Isa>(i);
      std::fprintf(stderr, "octet: OCTET_ISA is '%s', which this CPU does not support; using %s\n", want,
                   name(detected_isa()));
      return detected_isa();
    }
  std::fprintf(stderr, "octet: OCTET_ISA is '%s', expected one of", want);
  for (int i = 0; i <= static_cast<int>(Isa::avx512bf16); ++i)
    std::fprintf(stderr, "%s %s", i ? "," : "", name(static_cast<Isa>(i)));
  std::fprintf(stderr, "; using %s\n", name(detected_isa()));
  return detected_isa();
}

inline std::atomic<Isa>& isa_slot() noexcept {
  static std::atomic<Isa> slot{wanted_isa()};
  return slot;
}
}  // namespace detail

/// Instruction set that new executors use: the detected one, unless the environment variable OCTET_ISA
/// (scalar, avx2, avx512bw, avx512vnni, avx512bf16) or set_isa caps it.
inline Isa active_isa() noexcept { return detail::isa_slot().load(std::memory_order_relaxed); }

/// Sets the instruction set of new executors. Returns false, and changes nothing, if the CPU does not support it.
inline bool set_isa(Isa i) noexcept {
  if (i > detected_isa()) return false;
  detail::isa_slot().store(i, std::memory_order_relaxed);
  return true;
}

OCTET_END
