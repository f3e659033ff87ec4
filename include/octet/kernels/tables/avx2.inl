#pragma once
#include "region.hpp"

OCTET_BEGIN
namespace detail {
#if defined(__GNUC__) && !defined(__clang__)  // g++ 12 warns about the undefined vectors of its own intrinsics
#  pragma GCC diagnostic push
#  pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#  pragma GCC diagnostic ignored "-Wuninitialized"
#endif

// The order of the includes matters.
// clang-format off
namespace avx2 {
OCTET_TARGET_BEGIN("avx2,fma,f16c")
#include "../isa/avx2.hpp"
#include "../bodies/all.inl"
OCTET_TARGET_END
}  // namespace avx2
// clang-format on
#if defined(__GNUC__) && !defined(__clang__)
#  pragma GCC diagnostic pop
#endif

}  // namespace detail
OCTET_END
