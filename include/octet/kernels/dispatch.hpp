#pragma once
#include "../core/cpu.hpp"
#include "gradient.hpp"

/// Kernels compiled once per instruction set, from the same bodies, and chosen at run time.
OCTET_BEGIN
namespace detail {

/// The kernels of one instruction set. On integers, and wherever nothing is added up, all of them give the same bits.
struct Kernels {
  Isa isa = Isa::scalar;
  int lanes = 0, narrow_lanes = 0;              // 32-bit elements of a vector, and of the vectors for what is left over
  int vectors_u8 = 0, vectors_f32 = 0;          // of a whole panel of weights, see panel_width
  int rows_u8 = 0, rows_i16 = 0, rows_f32 = 0;  // of a register tile: blocks of rows are multiples of it
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
  bool (*quantize_f32)(const QuantizeF32&) noexcept = nullptr;  // whether all are finite
  void (*quantize_row)(const float*, std::int64_t n, std::uint8_t*, float* scale, float* shift) noexcept = nullptr;
  void (*dequantize_u8)(const std::uint8_t*, float*, std::int64_t n, float scale, std::int32_t zero) noexcept = nullptr;
  void (*minmax_f32)(const float*, std::int64_t n, float* low_high) noexcept = nullptr;
  void (*add_u8)(const AddU8&) noexcept = nullptr;
  void (*add_f32)(const float*, const float*, float*, std::int64_t n, float low, float high) noexcept = nullptr;
  void (*mul_f32)(const float*, const float*, float*, std::int64_t n, float low, float high) noexcept = nullptr;
  void (*affine_f32)(const float*, float*, std::int64_t n, float scale, float shift, float low,
                     float high) noexcept = nullptr;
  void (*fp16_to_f32)(const std::byte*, float*, std::int64_t n) noexcept = nullptr;
  void (*bf16_to_f32)(const std::byte*, float*, std::int64_t n) noexcept = nullptr;
  void (*f32_to_fp16)(const float*, std::byte*, std::int64_t n) noexcept = nullptr;
  void (*f32_to_bf16)(const float*, std::byte*, std::int64_t n) noexcept = nullptr;
  GradientKernels gradient;
};

// Kernels take longest to compile. A program of many files may define OCTET_SEPARATE_KERNELS in all of them and
// include implementation.hpp in one; all have to be compiled for the same baseline (-march).
#if defined(OCTET_SEPARATE_KERNELS)
#  define OCTET_KERNEL_TABLE const Kernels& table(Isa isa) noexcept
#else
#  define OCTET_KERNEL_TABLE inline const Kernels& table(Isa isa) noexcept
#endif
namespace scalar {
OCTET_KERNEL_TABLE;
}
#if OCTET_X86
namespace avx2 {
OCTET_KERNEL_TABLE;
}
namespace avx512bw {
OCTET_KERNEL_TABLE;
}
namespace avx512vnni {
OCTET_KERNEL_TABLE;
}
namespace avx512bf16 {
OCTET_KERNEL_TABLE;
}
#endif

/// The kernels for an instruction set this CPU has.
inline const Kernels& kernels(Isa isa = active_isa()) noexcept {
  switch (isa) {
#if OCTET_X86
    case Isa::avx512bf16: return avx512bf16::table(isa);
    case Isa::avx512vnni: return avx512vnni::table(isa);
    case Isa::avx512bw: return avx512bw::table(isa);
    case Isa::avx2: return avx2::table(isa);
#endif
    default: return scalar::table(Isa::scalar);
  }
}

}  // namespace detail
OCTET_END

#if !defined(OCTET_SEPARATE_KERNELS)
#  include "implementation.hpp"
#endif
