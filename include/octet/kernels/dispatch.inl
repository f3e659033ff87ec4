#pragma once
#include "dispatch.hpp"
#if !defined(OCTET_COMPILED) && defined(__GNUC__) && !defined(__OPTIMIZE__) && !defined(OCTET_NO_OPTIMIZATION_MESSAGE)
#  pragma message( \
      "octet is compiled without optimization: its kernels are many times slower (use -O2, or octet::compiled)")
#endif
#if !defined(OCTET_COMPILED)  // in octet::compiled each table is its own file: that compiles in a third of the time
#  include "tables/scalar.inl"
#  if OCTET_X86
#    include "tables/avx2.inl"
#    include "tables/avx512bf16.inl"
#    include "tables/avx512bw.inl"
#    include "tables/avx512vnni.inl"
#    include "tables/avxvnni.inl"
#  elif OCTET_ARM
#    include "tables/neon.inl"
#    include "tables/neon_dotprod.inl"
#    include "tables/neon_i8mm.inl"
#  endif
#endif

OCTET_BEGIN
namespace detail {

OCTET_API const Kernels& kernels(Isa isa) noexcept {
  switch (isa) {
#if OCTET_X86
    case Isa::avx512bf16: return avx512bf16::table(isa);
    case Isa::avx512vnni: return avx512vnni::table(isa);
    case Isa::avx512bw: return avx512bw::table(isa);
    case Isa::avxvnni: return avxvnni::table(isa);
    case Isa::avx2: return avx2::table(isa);
#elif OCTET_ARM
    case Isa::neon_i8mm: return neon_i8mm::table(isa);
    case Isa::neon_dotprod: return neon_dotprod::table(isa);
    case Isa::neon: return neon::table(isa);
#endif
    default: return scalar::table(Isa::scalar);
  }
}

}  // namespace detail
OCTET_END
