#pragma once
#include "../../core/config.hpp"

#if OCTET_X86
#  include "../dispatch.hpp"
#  include "region.hpp"

OCTET_BEGIN
namespace detail {
#  include "x86_begin.hpp"

// The order of the includes matters.
// clang-format off
namespace avxvnni {
OCTET_TARGET_BEGIN("avx2,fma,f16c")
#include "../isa/avxvnni.hpp"
#include "../bodies/integer.inl"
OCTET_TARGET_END
OCTET_API const Kernels& table(Isa isa) noexcept {
  static const Kernels kernels = with_integer_kernels(avx2::table(Isa::avx2), isa);
  return kernels;
}
}  // namespace avxvnni
// clang-format on
#  include "x86_end.hpp"

}  // namespace detail
OCTET_END
#endif
