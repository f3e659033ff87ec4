#pragma once
#include <atomic>
#include <cstdint>

#include "config.hpp"

OCTET_BEGIN

/// Instruction sets that kernels are compiled for. The enumerators are not ordered: has_isa says whether the CPU
/// supports one, detail::Kernels what its kernels can do.
enum class Isa : std::uint8_t {
  scalar,
  avx2,
  avxvnni,
  avx512bw,
  avx512vnni,
  avx512bf16,
  neon,
  neon_dotprod,
  neon_i8mm
};

/// All instruction sets. Of those that a CPU supports, later ones are faster.
inline constexpr Isa all_isas[] = {Isa::scalar,     Isa::avx2, Isa::avxvnni,      Isa::avx512bw, Isa::avx512vnni,
                                   Isa::avx512bf16, Isa::neon, Isa::neon_dotprod, Isa::neon_i8mm};

/// The name that OCTET_ISA takes, for example "avx512vnni".
constexpr const char* name(Isa i) noexcept {
  constexpr const char* names[] = {"scalar",     "avx2", "avxvnni",      "avx512bw", "avx512vnni",
                                   "avx512bf16", "neon", "neon_dotprod", "neon_i8mm"};
  return names[static_cast<int>(i)];
}

namespace detail {

/// Bits of a set of instruction sets.
constexpr std::uint32_t isa_bit(Isa i) noexcept { return std::uint32_t{1} << static_cast<int>(i); }

/// Bits of the instruction sets that the CPU and the operating system support.
std::uint32_t detect_isas() noexcept;

inline std::uint32_t detected_isas() noexcept {
  static const std::uint32_t all = detect_isas();
  return all;
}

}  // namespace detail

/// Whether the CPU supports an instruction set.
inline bool has_isa(Isa i) noexcept { return (detail::detected_isas() & detail::isa_bit(i)) != 0; }

/// The best instruction set that the CPU supports.
inline Isa detected_isa() noexcept {
  Isa best = Isa::scalar;
  for (Isa i : all_isas)
    if (has_isa(i)) best = i;
  return best;
}

namespace detail {
/// The instruction set named by OCTET_ISA, at most the detected one. Prints a warning if the CPU lacks it or the name
/// is unknown.
Isa wanted_isa() noexcept;

inline std::atomic<Isa>& isa_slot() noexcept {
  static std::atomic<Isa> slot{wanted_isa()};
  return slot;
}
}  // namespace detail

/// Instruction set that new executors use: the detected one, unless the environment variable OCTET_ISA
/// (one of the names above) or set_isa chooses another.
inline Isa active_isa() noexcept { return detail::isa_slot().load(std::memory_order_relaxed); }

/// Sets the instruction set of new executors. Returns false, and changes nothing, if the CPU does not support it.
inline bool set_isa(Isa i) noexcept {
  if (!has_isa(i)) return false;
  detail::isa_slot().store(i, std::memory_order_relaxed);
  return true;
}

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "cpu.inl"
#endif
