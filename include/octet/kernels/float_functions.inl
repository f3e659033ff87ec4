#pragma once
#include "elements.hpp"
#include "float_functions.hpp"
#include "tables/region.hpp"

OCTET_BEGIN
namespace detail {
#if OCTET_X86
namespace wide_floats {
#  include "tables/x86_begin.hpp"
// The order of the includes matters.
// clang-format off
namespace avx2 {
OCTET_TARGET_BEGIN("avx2,fma,f16c")
#include "isa/avx2.hpp"
#include "bodies/float_functions.inl"
OCTET_TARGET_END
}  // namespace avx2

namespace avx512bw {
OCTET_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512cd,avx512dq,avx512bw,avx512vl")
#include "isa/avx512bw.hpp"
#include "bodies/float_functions.inl"
OCTET_TARGET_END
}  // namespace avx512bw
// clang-format on
#  include "tables/x86_end.hpp"
}  // namespace wide_floats
#endif

OCTET_API const FloatFunctions& float_functions([[maybe_unused]] Isa isa) noexcept {
  static constexpr FloatFunctions none;
  switch (isa) {
#if OCTET_X86
    case Isa::avx512bf16:
    case Isa::avx512vnni:
    case Isa::avx512bw: return wide_floats::avx512bw::functions;
    case Isa::avxvnni:
    case Isa::avx2: return wide_floats::avx2::functions;
#endif
    default: return none;
  }
}

}  // namespace detail
OCTET_END
