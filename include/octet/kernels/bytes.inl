#pragma once
#include "arguments.hpp"
#include "bytes.hpp"
#include "elements.hpp"
#include "requantize.hpp"
#include "tables/region.hpp"

OCTET_BEGIN
namespace detail {
namespace byte_elements {

// The order of the includes matters.
// clang-format off
namespace scalar {
#include "tables/scalar_begin.hpp"
#include "isa/scalar.hpp"
#include "isa/blocks_scalar.hpp"
#include "isa/fixed_scalar.hpp"
#include "isa/lookup_scalar.hpp"
#include "bodies/in_order.inl"
#include "bodies/bytes.inl"
#include "bodies/int16.inl"
#include "bodies/fixed_point.inl"
#include "bodies/byte_rows.inl"
#include "bodies/planes.inl"
#include "bodies/transpose.inl"
#include "bodies/normalize_u8.inl"
#include "bodies/byte_arithmetic.inl"
#include "tables/scalar_end.hpp"
}  // namespace scalar

#if OCTET_X86
#include "tables/x86_begin.hpp"
namespace avx2 {
OCTET_TARGET_BEGIN("avx2,fma,f16c")
#include "isa/avx2.hpp"
#include "isa/blocks_ymm.hpp"
#include "isa/fixed_ymm.hpp"
#include "isa/lookup_ymm.hpp"
#include "bodies/in_order.inl"
#include "bodies/bytes.inl"
#include "bodies/int16.inl"
#include "bodies/fixed_point.inl"
#include "bodies/byte_rows.inl"
#include "bodies/planes.inl"
#include "bodies/transpose.inl"
#include "bodies/normalize_u8.inl"
#include "bodies/byte_arithmetic.inl"
OCTET_TARGET_END
}  // namespace avx2

namespace avx512bw {
OCTET_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512cd,avx512dq,avx512bw,avx512vl")
#include "isa/avx512bw.hpp"
#include "isa/blocks_avx512.hpp"
#include "isa/fixed_avx512.hpp"
#include "isa/lookup_avx512.hpp"
#include "bodies/in_order.inl"
#include "bodies/bytes.inl"
#include "bodies/int16.inl"
#include "bodies/fixed_point.inl"
#include "bodies/byte_rows.inl"
#include "bodies/planes.inl"
#include "bodies/transpose.inl"
#include "bodies/normalize_u8.inl"
#include "bodies/byte_arithmetic.inl"
OCTET_TARGET_END
}  // namespace avx512bw
#include "tables/x86_end.hpp"
#elif OCTET_ARM
#include "tables/arm_begin.hpp"
namespace neon {
#include "isa/neon.hpp"
#include "isa/blocks_neon.hpp"
#include "isa/fixed_neon.hpp"
#include "isa/lookup_neon.hpp"
#include "bodies/in_order.inl"
#include "bodies/bytes.inl"
#include "bodies/int16.inl"
#include "bodies/fixed_point.inl"
#include "bodies/byte_rows.inl"
#include "bodies/planes.inl"
#include "bodies/transpose.inl"
#include "bodies/normalize_u8.inl"
#include "bodies/byte_arithmetic.inl"
}  // namespace neon
#include "tables/arm_end.hpp"
#endif
// clang-format on

}  // namespace byte_elements

OCTET_API const ByteKernels& byte_kernels([[maybe_unused]] Isa isa) noexcept {
  switch (isa) {
#if OCTET_X86
    case Isa::avx512bf16:
    case Isa::avx512vnni:
    case Isa::avx512bw: return byte_elements::avx512bw::kernels_of_bytes;
    case Isa::avxvnni:
    case Isa::avx2: return byte_elements::avx2::kernels_of_bytes;
#elif OCTET_ARM
    case Isa::neon_i8mm:
    case Isa::neon_dotprod:
    case Isa::neon: return byte_elements::neon::kernels_of_bytes;
#endif
    default: return byte_elements::scalar::kernels_of_bytes;
  }
}

}  // namespace detail
OCTET_END
