// No include guard: the last part of every instruction set's kernels.
OCTET_KERNEL_TABLE {
  static const Kernels kernels = [&] {
    Kernels k;
    k.isa = isa;
    k.lanes = wide::lanes;
    k.panel_columns = panel_columns;
    k.rows_u8 = wide::rows_u8;
    k.rows_f32 = wide::rows_f32;
    k.gemm_u8s8 = gemm<U8S8>;
    k.gemm_f32 = gemm<F32>;
    k.gather = gather;
    k.depthwise_u8s8 = depthwise_u8s8;
    k.depthwise_f32 = depthwise_f32;
    k.max_u8 = max_u8;
    k.max_f32 = max_f32;
    k.sum_u8 = sum_u8;
    k.sum_f32 = sum_f32;
    k.quantize_f32 = quantize_f32;
    k.quantize_row = quantize_row;
    k.dequantize_u8 = dequantize_u8;
    k.minmax_f32 = minmax_f32;
    k.add_u8 = add_u8;
    k.add_f32 = binary_f32<Add>;
    k.mul_f32 = binary_f32<Mul>;
    k.affine_f32 = affine_f32;
    k.fp16_to_f32 = fp16_to_f32;
    k.gradient = gradient_kernels();
    return k;
  }();
  return kernels;
}
