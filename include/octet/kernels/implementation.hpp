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
#include "../core/rounded.hpp"
#include "dispatch.hpp"
#if OCTET_X86
#  include <immintrin.h>
#endif

/// The kernels that dispatch.hpp declares: the same bodies, compiled once for each instruction set. One that has only
/// dot products of its own takes the other kernels from the one below.
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
#include "isa/scalar.hpp"
#include "bodies/all.inl"
#pragma pop_macro("OCTET_UNROLL")
#pragma pop_macro("OCTET_INLINE")
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
#  include "bodies/all.inl"
OCTET_TARGET_END
}  // namespace avx2

namespace avx512bw {
OCTET_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512cd,avx512dq,avx512bw,avx512vl")
#  include "isa/avx512bw.hpp"
#  include "bodies/all.inl"
OCTET_TARGET_END
}  // namespace avx512bw

namespace avx512vnni {
OCTET_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512cd,avx512dq,avx512bw,avx512vl,avx512vnni")
#  include "isa/avx512vnni.hpp"
#  include "bodies/integer.inl"
OCTET_TARGET_END
OCTET_KERNEL_TABLE {
  static const Kernels kernels = with_integer_kernels(avx512bw::table(Isa::avx512bw), isa);
  return kernels;
}
}  // namespace avx512vnni

namespace avx512bf16 {
OCTET_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512cd,avx512dq,avx512bw,avx512vl,avx512bf16")
#  include "isa/avx512bf16.hpp"
#  include "bodies/bfloat16.inl"
OCTET_TARGET_END
OCTET_KERNEL_TABLE {
  static const Kernels kernels = with_bfloat16_kernels(avx512vnni::table(Isa::avx512vnni), isa);
  return kernels;
}
}  // namespace avx512bf16
// clang-format on
#  if defined(__GNUC__) && !defined(__clang__)
#    pragma GCC diagnostic pop
#  endif
#endif

}  // namespace detail
OCTET_END
#undef OCTET_KERNEL_TABLE
