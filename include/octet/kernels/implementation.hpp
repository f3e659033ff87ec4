#pragma once
// Every foreign header comes first: none may be included inside a target region.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "../core/half.hpp"
#include "dispatch.hpp"
#if OCTET_X86
#  include <immintrin.h>
#endif

/// The kernels that dispatch.hpp declares: the same bodies, compiled once for each instruction set.
OCTET_BEGIN
namespace detail {

#define OCTET_KERNEL_BODIES "bodies/all.inl"

namespace scalar {
#include "isa/scalar.hpp"
#include OCTET_KERNEL_BODIES
}  // namespace scalar

#if OCTET_X86
#  if defined(__GNUC__) && !defined(__clang__)  // g++ 12 warns about the undefined vectors of its own intrinsics
#    pragma GCC diagnostic push
#    pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#    pragma GCC diagnostic ignored "-Wuninitialized"
#  endif
namespace avx2 {
OCTET_TARGET_BEGIN("avx2,fma,f16c")
#  include "isa/avx2.hpp"
#  include OCTET_KERNEL_BODIES
OCTET_TARGET_END
}  // namespace avx2

namespace avx512bw {
OCTET_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512cd,avx512dq,avx512bw,avx512vl")
#  include "isa/avx512bw.hpp"
#  include OCTET_KERNEL_BODIES
OCTET_TARGET_END
}  // namespace avx512bw

namespace avx512vnni {
OCTET_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512cd,avx512dq,avx512bw,avx512vl,avx512vnni")
#  include "isa/avx512vnni.hpp"
#  include OCTET_KERNEL_BODIES
OCTET_TARGET_END
}  // namespace avx512vnni
#  if defined(__GNUC__) && !defined(__clang__)
#    pragma GCC diagnostic pop
#  endif
#endif

#undef OCTET_KERNEL_BODIES

}  // namespace detail
OCTET_END
#undef OCTET_KERNEL_TABLE
