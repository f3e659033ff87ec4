// No include guard: the table of elementwise kernels, the last part for every instruction set.
inline const ElementKernels& table(Isa isa) noexcept {
  static const ElementKernels kernels = [&] {
    ElementKernels k;
    k.isa = isa;
    k.quantize_f32 = quantize_f32;
    k.quantize_row = quantize_row;
    k.dequantize_u8 = dequantize_u8;
    k.minmax_f32 = minmax_f32;
    k.fp16_to_f32 = fp16_to_f32;
    k.bf16_to_f32 = bf16_to_f32;
    k.f32_to_fp16 = f32_to_half<Fp16>;
    k.f32_to_bf16 = f32_to_half<Bf16>;
    return k;
  }();
  return kernels;
}
