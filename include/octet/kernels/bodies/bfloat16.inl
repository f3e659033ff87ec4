// No include guard: the kernels of CPUs that can multiply bfloat16.
// clang-format off
#include "epilogue.inl"
#include "codes16.inl"
#include "gemm.inl"
#include "gemm_f32.inl"
#include "outer_product.inl"
// clang-format on

// Products of pairs of bfloat16, at twice the rate of floats.
struct BF16 : F32 {
  using weights = wide::i32;
  static weights load_weights(const std::byte* p) { return wide::load(reinterpret_cast<const std::int32_t*>(p)); }
  static weights load_some_weights(const std::byte* p, int) { return load_weights(p); }  // padded, see RowPairs
  template <int N>
  static void step(acc (&row)[N], const std::byte* a, const weights (&b)[N]) {
    std::int32_t x;
    std::memcpy(&x, a, 4);
    const auto pair = wide::set(x);
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) wide::dot_bf16(row[n], pair, b[n]);
  }
};

// If n is odd, the last pair is completed with a zero.
inline void round_bf16(const float* in, std::byte* out, std::int64_t n) noexcept {
  for (std::int64_t i = 0; i < n; i += wide::lanes) {
    const int count = static_cast<int>(n - i < wide::lanes ? n - i : wide::lanes);
    wide::round_bf16(out + 2 * i, wide::load_first(in + i, count), (count + 1) / 2 * 2);
  }
}

inline void pack_pairs(const RowPairs& p) noexcept {
  for (std::int64_t r = 0; r < p.rows; r += 2) {
    const float *first = p.x + r * p.stride, *second = first + p.stride;
    std::byte* out = p.out + r / 2 * p.out_stride * 4;
    for (std::int64_t c = 0; c < p.columns; c += wide::lanes, out += vector_bytes) {
      const int n = static_cast<int>(p.columns - c < wide::lanes ? p.columns - c : wide::lanes);
      const wide::f32 b = r + 1 < p.rows ? wide::load_first(second + c, n) : wide::set(0.0f);
      wide::store_pairs_bf16(out, wide::load_first(first + c, n), b);
    }
  }
}

inline Kernels with_bfloat16_kernels(Kernels k, Isa isa) noexcept {
  k.isa = isa;
  k.gemm_bf16 = gemm<BF16>;
  k.round_bf16 = round_bf16;
  k.gradient.outer_product_bf16 = outer_product<BF16>;
  k.gradient.pack_pairs = pack_pairs;
  return k;
}
