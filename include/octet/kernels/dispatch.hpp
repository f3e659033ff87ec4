#pragma once
#include "elements.hpp"
#include "gradient.hpp"

/// Kernels, compiled once per instruction set from the same bodies, and chosen at run time.
OCTET_BEGIN
namespace detail {

/// The kernels of one instruction set. Integer results, and float results that are not sums, have the same bits on all
/// of them.
struct Kernels : ElementKernels {
  int lanes = 0, narrow_lanes = 0;      // 32-bit elements of a vector, and of the vectors for the remaining elements
  int vectors_u8 = 0, vectors_f32 = 0;  // vectors of a panel of weights, see panel_width
  int rows_u8 = 0, rows_i16 = 0, rows_f32 = 0;  // rows of a register tile; blocks of rows are multiples of them
  std::int64_t rows_u8s4 = 0;                   // up to which weights of 4 bits are faster packed than expanded
  double rate_u8 = 1, rate_i16 = 1;  // multiply-adds per cycle of bytes and of 16-bit integers, relative to floats
  bool shifted_u8 =
      false;              // activations are multiplied less 128; packed weights then contain the correction of the sums
  bool winograd = false;  // whether Winograd's algorithm is considered even if bits of floats need not match
  void (*gemm_u8s8)(const Gemm&) noexcept = nullptr;
  void (*gemm_u8s4)(const Gemm&) noexcept = nullptr;   // weights of 4 bits, also in blocks
  void (*gemm_s16s8)(const Gemm&) noexcept = nullptr;  // activations of 16 bits; panels are as wide as of gemm_u8s8
  void (*gemm_f32)(const Gemm&) noexcept = nullptr;
  void (*gemm_fp16)(const Gemm&) noexcept = nullptr;  // float activations, fp16 weights
  void (*gemm_bf16)(const Gemm&) noexcept =
      nullptr;  // both rounded to bfloat16; null where the CPU has no such products
  void (*round_bf16)(const float*, std::byte*,
                     std::int64_t n) noexcept = nullptr;  // rounds activations for gemm_bf16; null likewise
  void (*winograd_products_u8)(const Winograd&, const std::byte* weights, bool last_panel) noexcept = nullptr;
  void (*winograd_weights_u8)(const WinogradWeights&) noexcept = nullptr;
  void (*winograd_inputs_u8)(const Winograd&) noexcept = nullptr;
  void (*winograd_outputs_u8)(const Winograd&) noexcept = nullptr;
  void (*winograd_weights_f32)(const WinogradWeights&) noexcept = nullptr;
  void (*winograd_inputs_f32)(const Winograd&) noexcept = nullptr;
  void (*winograd_outputs_f32)(const Winograd&) noexcept = nullptr;
  void (*gather)(const Gather&) noexcept = nullptr;
  void (*depthwise_u8s8)(const Depthwise&) noexcept = nullptr;
  void (*depthwise_s16)(const Depthwise&) noexcept = nullptr;  // activations of 16 bits; the epilogue is custom
  void (*depthwise_f32)(const Depthwise&) noexcept = nullptr;
  void (*grouped_f32)(const Depthwise&) noexcept = nullptr;  // groups of several channels, see grouped_convolution.hpp
  void (*max_u8)(const PoolWindow&, std::uint8_t* out) noexcept = nullptr;
  void (*max_f32)(const PoolWindow&, float* out) noexcept = nullptr;
  void (*min_f32)(const PoolWindow&, float* out) noexcept = nullptr;
  void (*sum_u8)(const PoolWindow&, std::int32_t* out) noexcept = nullptr;
  void (*sum_f32)(const PoolWindow&, float factor, float* out) noexcept = nullptr;
  void (*shifted_sums_f32)(const ShiftedSums<float>&) noexcept = nullptr;
  void (*shifted_sums_i32)(const ShiftedSums<std::int32_t>&) noexcept = nullptr;
  // Of rows of `count` elements, one after another.
  void (*sum_rows_f32)(const float*, std::int64_t rows, std::int64_t count, double* sums) noexcept = nullptr;
  void (*extremum_rows_f32)(const float*, std::int64_t rows, std::int64_t count, float* out,
                            bool least) noexcept = nullptr;
  void (*normalize_rows_f32)(const NormalizeRows&) noexcept = nullptr;
  void (*column_sums_f32)(const NormalizeColumns&) noexcept = nullptr;     // adds each element
  void (*column_squares_f32)(const NormalizeColumns&) noexcept = nullptr;  // adds the square of each, less the mean
  void (*normalize_columns_f32)(const NormalizeColumns&) noexcept = nullptr;
  void (*add_f32)(const ArithmeticF32&) noexcept = nullptr;
  void (*sub_f32)(const ArithmeticF32&) noexcept = nullptr;
  void (*mul_f32)(const ArithmeticF32&) noexcept = nullptr;
  void (*div_f32)(const ArithmeticF32&) noexcept = nullptr;
  void (*affine_f32)(const float*, float*, std::int64_t n, float scale, float shift, float low,
                     float high) noexcept = nullptr;
  GradientKernels gradient;
  void (*widen_u8)(const WidenU8&) noexcept = nullptr;  // activations for gemm_u8s8; null if it takes bytes
  void (*few_u8s8)(const Gemm&) noexcept = nullptr;   // as gemm_u8s8, for few columns, see few_columns.hpp; may be null
  void (*few_s16s8)(const Gemm&) noexcept = nullptr;  // likewise, as gemm_s16s8
  void (*few_f32)(const Gemm&) noexcept = nullptr;    // likewise
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

/// The kernels for an instruction set that the CPU supports.
const Kernels& kernels(Isa isa = active_isa()) noexcept;

}  // namespace detail
OCTET_END

#if !defined(OCTET_COMPILED)
#  include "dispatch.inl"
#endif
