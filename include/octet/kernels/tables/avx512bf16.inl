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
namespace avx512bf16 {
OCTET_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512cd,avx512dq,avx512bw,avx512vl,avx512bf16")
#include "../isa/avx512bf16.hpp"
#include "../bodies/bfloat16.inl"
OCTET_TARGET_END
OCTET_API const Kernels& table(Isa isa) noexcept {
  static const Kernels kernels = with_bfloat16_kernels(avx512vnni::table(Isa::avx512vnni), isa);
  return kernels;
}
}  // namespace avx512bf16
// clang-format on
#  include "x86_end.hpp"

}  // namespace detail
OCTET_END
#endif
