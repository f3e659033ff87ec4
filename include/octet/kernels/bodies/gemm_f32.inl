// No include guard: part of every instruction set's kernels.
// Products of floats with floats, and with weights of half precision.

struct F32 {
  static constexpr bool finishes = true, codes = false, paired = false, shifted = false, quads = wide::quads_f32;
  static constexpr int vectors = 2, weight_bytes = vector_bytes;
  static constexpr int rows(int) { return wide::rows_f32; }
  using acc = wide::f32;
  using weights = wide::f32;
  static acc load(const std::byte* p) { return wide::load(reinterpret_cast<const float*>(p)); }
  static void store(std::byte* p, acc v) { wide::store(reinterpret_cast<float*>(p), v); }
  static weights load_weights(const std::byte* p) { return load(p); }
  static weights load_some_weights(const std::byte* p, int n) {
    return wide::load_first(reinterpret_cast<const float*>(p), n);
  }
  using quad = wide::f32;  // four steps of a row, if `quads`; as in U8S8
  static quad load_quad(const std::byte* p) { return load(p); }
  template <int K, int N, class V = wide>
  static void step_of_quad(acc (&row)[N], const quad& x, const weights (&b)[N]) {
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) V::template fma_element<K>(row[n], x, b[n]);
  }
  static void add_products(acc& c, wide::i32 x, const weights& w) { c = wide::fma(wide::float_of_bits(x), w, c); }
  template <int N>
  static void step(acc (&row)[N], const std::byte* a, const weights (&b)[N]) {
    float x;
    std::memcpy(&x, a, 4);
    const auto v = wide::set(x);
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) row[n] = wide::fma(v, b[n], row[n]);
  }
};

struct F32xFp16 : F32 {
  static constexpr bool finishes = false;
  static constexpr int weight_bytes = vector_bytes / 2;
  static weights load_weights(const std::byte* p) { return wide::load_fp16(p); }
};

template <int Rows, int N>
OCTET_INLINE void finish(const wide::f32 (&c)[Rows][N], const Tile& t) {
  const Epilogue& e = *t.epilogue;
  std::byte* out = e.out + t.row * e.out_stride + t.column * 4;
  const std::byte* residual = residual_at(e, t.row, t.column * 4);
  OCTET_UNROLL
  for (int n = 0; n < N; ++n) {
    const int left = t.columns - n * wide::lanes;
    if (left <= 0) break;
    wide::f32 v[Rows];
    OCTET_UNROLL
    for (int m = 0; m < Rows; ++m) v[m] = c[m][n];
    store_f32(e, v, out + n * vector_bytes, residual ? residual + n * vector_bytes : nullptr,
              left < wide::lanes ? left : wide::lanes);
  }
}
