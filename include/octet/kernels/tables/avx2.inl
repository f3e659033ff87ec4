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
namespace avx2 {
OCTET_TARGET_BEGIN("avx2,fma,f16c")
#include "../isa/avx2.hpp"
#include "../bodies/all.inl"
OCTET_TARGET_END
}  // namespace avx2
// clang-format on
#  include "x86_end.hpp"

}  // namespace detail
OCTET_END
#endif
