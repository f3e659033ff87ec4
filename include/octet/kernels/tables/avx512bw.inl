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
namespace avx512bw {
OCTET_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512cd,avx512dq,avx512bw,avx512vl")
#include "../isa/avx512bw.hpp"
#include "../bodies/all.inl"
OCTET_TARGET_END
}  // namespace avx512bw
// clang-format on
#  include "x86_end.hpp"

}  // namespace detail
OCTET_END
#endif
