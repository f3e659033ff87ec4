#pragma once
#include "../dispatch.hpp"
#include "region.hpp"

OCTET_BEGIN
namespace detail {

// The order of the includes matters.
// clang-format off
namespace scalar {
// Its vectors are loops already: unrolling and inlining them would only take time.
#pragma push_macro("OCTET_UNROLL")
#pragma push_macro("OCTET_INLINE")
#undef OCTET_UNROLL
#undef OCTET_INLINE
#define OCTET_UNROLL
#define OCTET_INLINE inline
#include "../isa/scalar.hpp"
#include "../bodies/all.inl"
#pragma pop_macro("OCTET_UNROLL")
#pragma pop_macro("OCTET_INLINE")
}  // namespace scalar
// clang-format on

}  // namespace detail
OCTET_END
