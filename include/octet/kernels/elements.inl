#pragma once
#include "elements.hpp"
#include "tables/region.hpp"

OCTET_BEGIN
namespace detail {
namespace elements {

// The order of the includes matters.
// clang-format off
namespace scalar {
#include "tables/scalar_begin.hpp"
#include "isa/scalar.hpp"
#include "bodies/quotient.inl"
#include "bodies/in_order.inl"
#include "bodies/elementwise.inl"
#include "bodies/half.inl"
#include "bodies/element_table.inl"
#include "tables/scalar_end.hpp"
}  // namespace scalar

#if OCTET_X86
#include "tables/x86_begin.hpp"
namespace avx2 {
OCTET_TARGET_BEGIN("avx2,fma,f16c")
#include "isa/avx2.hpp"
#include "bodies/quotient.inl"
#include "bodies/in_order.inl"
#include "bodies/elementwise.inl"
#include "bodies/half.inl"
OCTET_TARGET_END
#include "bodies/element_table.inl"
}  // namespace avx2

namespace avx512bw {
OCTET_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512cd,avx512dq,avx512bw,avx512vl")
#include "isa/avx512bw.hpp"
#include "bodies/quotient.inl"
#include "bodies/in_order.inl"
#include "bodies/elementwise.inl"
#include "bodies/half.inl"
OCTET_TARGET_END
#include "bodies/element_table.inl"
}  // namespace avx512bw
#include "tables/x86_end.hpp"
#elif OCTET_ARM
#include "tables/arm_begin.hpp"
namespace neon {
#include "isa/neon.hpp"
#include "bodies/quotient.inl"
#include "bodies/in_order.inl"
#include "bodies/elementwise.inl"
#include "bodies/half.inl"
#include "bodies/element_table.inl"
}  // namespace neon
#include "tables/arm_end.hpp"
#endif
// clang-format on

}  // namespace elements

OCTET_API const ElementKernels& element_kernels([[maybe_unused]] Isa isa) noexcept {
  switch (isa) {
#if OCTET_X86
    case Isa::avx512bf16:
    case Isa::avx512vnni:
    case Isa::avx512bw: return elements::avx512bw::table(Isa::avx512bw);
    case Isa::avxvnni:
    case Isa::avx2: return elements::avx2::table(Isa::avx2);
#elif OCTET_ARM
    case Isa::neon_i8mm:
    case Isa::neon_dotprod:
    case Isa::neon: return elements::neon::table(Isa::neon);
#endif
    default: return elements::scalar::table(Isa::scalar);
  }
}

}  // namespace detail
OCTET_END
