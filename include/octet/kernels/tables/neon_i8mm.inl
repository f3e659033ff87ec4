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
namespace neon_i8mm {
OCTET_TARGET_BEGIN(OCTET_TARGET_I8MM)
#include "../isa/neon_i8mm.hpp"
#include "../bodies/integer.inl"
OCTET_TARGET_END
OCTET_API const Kernels& table(Isa isa) noexcept {
  static const Kernels kernels = with_integer_kernels(neon::table(Isa::neon), isa);
  return kernels;
}
}  // namespace neon_i8mm
// clang-format on
#  include "arm_end.hpp"

}  // namespace detail
OCTET_END
#endif
