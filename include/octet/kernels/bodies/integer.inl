// No include guard: the kernels that use the integer dot product, for an instruction set that takes all other kernels
// from another one.
// clang-format off
#include "epilogue.inl"
#include "codes16.inl"
#include "gemm.inl"
#include "gemm_u8.inl"
#include "gemm_i16.inl"
#include "gemm_u4.inl"
#include "few_columns.inl"
#include "depthwise_taps.inl"
#include "depthwise_u8.inl"
#include "depthwise_s16.inl"
#include "winograd_products.inl"
#include "integer_kernels.inl"
