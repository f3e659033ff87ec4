// No include guard: part of every instruction set's kernels.
// Products of uint8 activations with int8 weights.

struct U8S8 {
  static constexpr bool finishes = true, codes = false, paired = false, shifted = wide::shifted, quads = wide::quads;
  static constexpr int vectors = wide::vectors_u8, weight_bytes = vector_bytes;
  static constexpr int rows(int n) { return wide::rows_u8(n); }
  using acc = wide::i32;
  using weights = wide::weights;
  static acc load(const std::byte* p) { return wide::load(reinterpret_cast<const std::int32_t*>(p)); }
  static void store(std::byte* p, acc v) { wide::store(reinterpret_cast<std::int32_t*>(p), v); }
  static weights load_weights(const std::byte* p) { return wide::load_weights(p); }
  // Four steps of a row, if `quads`.
  using quad = wide::bytes;
  template <class V = wide>
  static quad load_quad(const std::byte* p) {
    return V::load_quad(p);
  }
  template <int K, int N, class V = wide>
  static void step_of_quad(acc (&row)[N], const quad& x, const weights (&b)[N]) {
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) V::template dot_element<K>(row[n], x, b[n]);
  }
  static void add_products(acc& c, wide::i32 x, const weights& w) { wide::dot(c, wide::split(x), w); }
  template <int N>
  static void step(acc (&row)[N], const std::byte* a, const weights (&b)[N]) {
    const auto x = wide::broadcast(a);
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) wide::dot(row[n], x, b[n]);
  }
};

// (No lambdas between a tile and here: they would keep its accumulators in memory.)
template <Limit L, bool Residual, int Rows, int N>
OCTET_INLINE void finish_bytes(const wide::i32 (&c)[Rows][N], const Tile& t) {
  const Epilogue& e = *t.epilogue;
  constexpr int unit = 4 / N;
  std::byte* out = e.out + t.row * e.out_stride + t.column;
  const std::byte* residual = Residual ? e.residual + t.row * e.residual_stride + t.column : nullptr;
  const float* shift = L == Limit::none ? nullptr : t.shift;
  OCTET_UNROLL
  for (int m = 0; m < Rows; m += unit) {
    wide::i32 v[4];
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i) v[i] = c[m + i / N < Rows ? m + i / N : m][i % N];
    store_unit<wide, N, L, Residual>(e, v, t.scale, shift, out + m * e.out_stride,
                                     Residual ? residual + m * e.residual_stride : nullptr, Rows - m, t.columns);
  }
}

template <int Rows, int N>
OCTET_INLINE void finish_floats(const wide::i32 (&c)[Rows][N], const Tile& t) {
  const Epilogue& e = *t.epilogue;
  std::byte* out = e.out + t.row * e.out_stride + t.column * 4;
  const std::byte* residual = residual_at(e, t.row, t.column * 4);
  Measured range;
  OCTET_UNROLL
  for (int n = 0; n < N; ++n) {
    const int left = t.columns - n * wide::lanes;
    if (left <= 0) break;
    wide::f32 v[Rows];
    OCTET_UNROLL
    for (int m = 0; m < Rows; ++m) v[m] = scaled(e, wide::to_float(c[m][n]), t.row + m, t.column + n * wide::lanes);
    store_f32(e, v, out + n * vector_bytes, residual ? residual + n * vector_bytes : nullptr,
              left < wide::lanes ? left : wide::lanes);
    OCTET_UNROLL
    for (int m = 0; m < Rows; ++m) range.take(v[m]);
  }
  range.add_to(e.range);
}

template <int Rows, int N>
OCTET_INLINE void finish(const wide::i32 (&c)[Rows][N], const Tile& t) {
  const Epilogue& e = *t.epilogue;
  if (e.store == Store::scaled_f32) return finish_floats(c, t);
  if (e.store == Store::u8_residual) return finish_bytes<Limit::clamp, true>(c, t);
  // Clamping to [0, 255] again would cost 5 % of a step, so the most frequent case without clamping has its own code.
  if (e.limit() == Limit::none && !t.shift) return finish_bytes<Limit::none, false>(c, t);
  finish_bytes<Limit::clamp, false>(c, t);
}
