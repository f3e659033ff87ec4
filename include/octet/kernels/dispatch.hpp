#pragma once
#include "elements.hpp"
#include "gradient.hpp"

/// Kernels compiled once per instruction set, from the same bodies, and chosen at run time.
OCTET_BEGIN
namespace detail {

/// The kernels of one instruction set. On integers, and wherever nothing is added up, all of them give the same bits.
struct Kernels : ElementKernels {
  int lanes = 0, narrow_lanes = 0;              // 32-bit elements of a vector, and of the vectors for what is left over
  int vectors_u8 = 0, vectors_f32 = 0;          // of a whole panel of weights, see panel_width
  int rows_u8 = 0, rows_i16 = 0, rows_f32 = 0;  // of a register tile: blocks of rows are multiples of it
  double rate_u8 = 1, rate_i16 = 1;  // products of bytes, and of 16-bit integers, beside as many of floats, in a cycle
  bool shifted_u8 = false;           // products are of activations less 128; packed weights hold what sums lack then
  bool winograd = false;             // whether Winograd's algorithm is considered where float bits do not ask for it
  void (*gemm_u8s8)(const Gemm&) noexcept = nullptr;
  void (*gemm_f32)(const Gemm&) noexcept = nullptr;
  void (*gemm_fp16)(const Gemm&) noexcept = nullptr;  // floats with weights of half precision
  void (*gemm_bf16)(const Gemm&) noexcept =
      nullptr;  // both rounded to bfloat16; null where the CPU has no such products
  void (*round_bf16)(const float*, std::byte*, std::int64_t n) noexcept = nullptr;  // ... and what brings them there
  void (*winograd_weights_u8)(const WinogradWeights&) noexcept = nullptr;
  void (*winograd_inputs_u8)(const Winograd&) noexcept = nullptr;
  void (*winograd_outputs_u8)(const Winograd&) noexcept = nullptr;
  void (*winograd_weights_f32)(const WinogradWeights&) noexcept = nullptr;
  void (*winograd_inputs_f32)(const Winograd&) noexcept = nullptr;
  void (*winograd_outputs_f32)(const Winograd&) noexcept = nullptr;
  void (*gather)(const Gather&) noexcept = nullptr;
  void (*depthwise_u8s8)(const Depthwise&) noexcept = nullptr;
  void (*depthwise_f32)(const Depthwise&) noexcept = nullptr;
  void (*max_u8)(const PoolWindow&, std::uint8_t* out) noexcept = nullptr;
  void (*max_f32)(const PoolWindow&, float* out) noexcept = nullptr;
  void (*sum_u8)(const PoolWindow&, std::int32_t* out) noexcept = nullptr;
  void (*sum_f32)(const PoolWindow&, float factor, float* out) noexcept = nullptr;
  void (*add_u8)(const AddU8&) noexcept = nullptr;
  void (*add_f32)(const float*, const float*, float*, std::int64_t n, float low, float high) noexcept = nullptr;
  void (*mul_f32)(const float*, const float*, float*, std::int64_t n, float low, float high) noexcept = nullptr;
  void (*affine_f32)(const float*, float*, std::int64_t n, float scale, float shift, float low,
                     float high) noexcept = nullptr;
  GradientKernels gradient;
};

namespace scalar {
const Kernels& table(Isa isa) noexcept;
}
#if OCTET_X86
namespace avx2 {
const Kernels& table(Isa isa) noexcept;
}
namespace avxvnni {
const Kernels& table(Isa isa) noexcept;
}
namespace avx512bw {
const Kernels& table(Isa isa) noexcept;
}
namespace avx512vnni {
const Kernels& table(Isa isa) noexcept;
}
namespace avx512bf16 {
const Kernels& table(Isa isa) noexcept;
}
#elif OCTET_ARM
namespace neon {
const Kernels& table(Isa isa) noexcept;
}
namespace neon_dotprod {
const Kernels& table(Isa isa) noexcept;
}
namespace neon_i8mm {
const Kernels& table(Isa isa) noexcept;
}
#endif

/// The kernels for an instruction set this CPU has.
const Kernels& kernels(Isa isa = active_isa()) noexcept;

}  // namespace detail
OCTET_END

#if !defined(OCTET_COMPILED)
#  include "dispatch.inl"
#endif
