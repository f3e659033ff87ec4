// No include guard: the table of kernels, the last part for every instruction set.
OCTET_API const Kernels& table(Isa isa) noexcept {
  static const Kernels kernels = [&] {
    Kernels k;
    static_cast<ElementKernels&>(k) = element_kernels(isa);
    k.lanes = wide::lanes;
    k.winograd = wide::winograd;
    k.vectors_f32 = F32::vectors;
    k.rows_f32 = wide::rows_f32;
    k.gemm_f32 = gemm<F32>;
    k.few_f32 = few_columns<F32>;
    k.gemm_fp16 = gemm<F32xFp16>;
    k.winograd_weights_u8 = winograd_weights<WinogradU8>;
    k.winograd_inputs_u8 = winograd_inputs<WinogradU8>;
    k.winograd_outputs_u8 = winograd_outputs<WinogradU8>;
    k.winograd_weights_f32 = winograd_weights<WinogradF32>;
    k.winograd_inputs_f32 = winograd_inputs<WinogradF32>;
    k.winograd_outputs_f32 = winograd_outputs<WinogradF32>;
    k.gather = gather;
    k.depthwise_f32 = depthwise_f32;
    k.grouped_f32 = grouped_f32;
    k.max_u8 = max_u8;
    k.max_f32 = max_f32;
    k.min_f32 = min_f32;
    k.sum_u8 = sum_u8;
    k.sum_f32 = sum_f32;
    k.shifted_sums_f32 = shifted_sums<FloatSums>;
    k.shifted_sums_i32 = shifted_sums<IntegerSums>;
    k.sum_rows_f32 = sum_rows_f32;
    k.extremum_rows_f32 = extremum_rows_f32;
    k.normalize_rows_f32 = normalize_rows_f32;
    k.column_sums_f32 = column_sums_f32<false>;
    k.column_squares_f32 = column_sums_f32<true>;
    k.normalize_columns_f32 = normalize_columns_f32;
    k.add_f32 = binary_f32<Add>;
    k.sub_f32 = binary_f32<Sub>;
    k.mul_f32 = binary_f32<Mul>;
    k.div_f32 = binary_f32<Div>;
    k.affine_f32 = affine_f32;
    k.gradient = gradient_kernels();
    return with_integer_kernels(k, isa);
  }();
  return kernels;
}
