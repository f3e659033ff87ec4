// No include guard: part of every instruction set's kernels.
inline Kernels with_integer_kernels(Kernels k, Isa isa) noexcept {
  k.isa = isa;
  k.narrow_lanes = narrow::lanes;
  k.vectors_u8 = ByteProduct::vectors;
  k.rows_u8 = 2 * ByteProduct::rows(ByteProduct::vectors);
  k.rows_i16 = wide::rows_i16;
  k.shifted_u8 = ByteProduct::shifted;
  k.rate_u8 = wide::rate_u8;
  k.rate_i16 = wide::rate_i16;
  k.gemm_u8s8 = gemm<ByteProduct>;
  if constexpr (!ByteProduct::shifted) k.few_u8s8 = few_columns<ByteProduct>;
  k.widen_u8 = wide::widens ? widen_u8 : nullptr;
  k.gemm_s16s8 = gemm<S16S8>;
  k.few_s16s8 = few_columns<S16S8>;
  k.gemm_u8s4 = gemm_u8s4;
  k.rows_u8s4 = U8S4::most_rows;
  k.depthwise_u8s8 = depthwise_u8s8;
  k.depthwise_s16 = depthwise_s16;
  k.winograd_products_u8 = winograd_products<S16, 2>;
  return k;
}
