#pragma once
#include "../../core/config.hpp"

#if OCTET_ARM
#  include "../dispatch.hpp"
#  include "region.hpp"

OCTET_BEGIN
namespace detail {
#  include "arm_begin.hpp"

// The order of the includes matters.
// clang-format off
namespace neon {  // supported by every AArch64 CPU: no target region
#include "../isa/neon.hpp"
#include "../bodies/all.inl"
}  // namespace neon
// clang-format on
#  include "arm_end.hpp"

}  // namespace detail
OCTET_END
#endif
