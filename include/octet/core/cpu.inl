#pragma once
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cpu.hpp"
#if OCTET_ARM && defined(__linux__)
#  include <sys/auxv.h>
#endif
#if OCTET_X86
#  if defined(_MSC_VER)
#    include <intrin.h>
#  else
#    include <cpuid.h>
#  endif
#endif

OCTET_BEGIN
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

// __builtin_cpu_supports is not used: not every compiler accepts all of these names.
OCTET_API std::uint32_t detect_isas() noexcept {
  constexpr auto bit = [](std::uint32_t word, int i) { return (word >> i & 1) != 0; };
  std::uint32_t found = isa_bit(Isa::scalar);
  const CpuId basic(1), extended(7);
  if (!bit(basic.ecx, 27)) return found;  // OSXSAVE: without it xgetbv itself faults
  const auto has_more = [&](int i) { return extended.eax >= 1 && bit(CpuId(7, 1).eax, i); };
  const std::uint32_t os = saved_registers();
  const bool fma = bit(basic.ecx, 12), f16c = bit(basic.ecx, 29), avx2 = bit(extended.ebx, 5);
  if ((os & 0x06) != 0x06 || !fma || !f16c || !avx2) return found;
  found |= isa_bit(Isa::avx2);
  if (has_more(4)) found |= isa_bit(Isa::avxvnni);
  const bool avx512 = bit(extended.ebx, 16) && bit(extended.ebx, 17) && bit(extended.ebx, 28) &&  // F, DQ, CD
                      bit(extended.ebx, 30) && bit(extended.ebx, 31);                             // BW, VL
  if ((os & 0xE6) != 0xE6 || !avx512) return found;
  found |= isa_bit(Isa::avx512bw);
  if (!bit(extended.ecx, 11)) return found;
  found |= isa_bit(Isa::avx512vnni);
  if (has_more(5)) found |= isa_bit(Isa::avx512bf16);
  return found;
}
#elif OCTET_ARM
OCTET_API std::uint32_t detect_isas() noexcept {
  std::uint32_t found = isa_bit(Isa::scalar) | isa_bit(Isa::neon);
#  if defined(__linux__)
  const bool dotprod = (getauxval(AT_HWCAP) >> 20 & 1) != 0;  // HWCAP_ASIMDDP
  const bool i8mm = (getauxval(AT_HWCAP2) >> 13 & 1) != 0;    // HWCAP2_I8MM
  if (dotprod) found |= isa_bit(Isa::neon_dotprod);
  if (dotprod && i8mm) found |= isa_bit(Isa::neon_i8mm);
#  endif
  return found;
}
#else
OCTET_API std::uint32_t detect_isas() noexcept { return isa_bit(Isa::scalar); }
#endif

OCTET_API Isa wanted_isa() noexcept {
  const char* want = std::getenv("OCTET_ISA");
  if (!want || !*want) return detected_isa();
  for (Isa i : all_isas)
    if (!std::strcmp(want, name(i))) {
      if (has_isa(i)) return i;
      std::fprintf(stderr, "octet: OCTET_ISA is '%s', which this CPU does not support; using %s\n", want,
                   name(detected_isa()));
      return detected_isa();
    }
  std::fprintf(stderr, "octet: OCTET_ISA is '%s', expected one of", want);
  for (Isa i : all_isas) std::fprintf(stderr, "%s %s", i == Isa::scalar ? "" : ",", name(i));
  std::fprintf(stderr, "; using %s\n", name(detected_isa()));
  return detected_isa();
}

}  // namespace detail
OCTET_END
