// No include guard: the kernels of CPUs that multiply bfloat16.
// clang-format off
#include "epilogue.inl"
#include "gemm.inl"
#include "gemm_f32.inl"
// clang-format on

// Pairs of bfloat16: a float's product at twice the rate.
struct BF16 : F32 {
  using weights = wide::i32;
  static weights load_weights(const std::byte* p) { return wide::load(reinterpret_cast<const std::int32_t*>(p)); }
  template <int N>
  static void step(acc (&row)[N], const std::byte* a, const weights (&b)[N]) {
    std::int32_t x;
    std::memcpy(&x, a, 4);
    const auto pair = wide::set(x);
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) wide::dot_bf16(row[n], pair, b[n]);
  }
};

// Of an odd number of floats, a zero makes the last pair.
inline void round_bf16(const float* in, std::byte* out, std::int64_t n) noexcept {
  for (std::int64_t i = 0; i < n; i += wide::lanes) {
    const int count = static_cast<int>(n - i < wide::lanes ? n - i : wide::lanes);
    wide::round_bf16(out + 2 * i, wide::load_first(in + i, count), (count + 1) / 2 * 2);
  }
}

inline Kernels with_bfloat16_kernels(Kernels k, Isa isa) noexcept {
  k.isa = isa;
  k.gemm_bf16 = gemm<BF16>;
  k.round_bf16 = round_bf16;
  return k;
}
