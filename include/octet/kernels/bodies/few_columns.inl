// No include guard: part of every instruction set's kernels.
// Products with few columns (see ../few_columns.hpp): a vector of weights has P steps of each of lanes / P columns, and
// is multiplied with P steps of a row, repeated for each column.

constexpr int few_rows = 8;  // of a tile: enough sums to hide the latency of a multiplication

// Adds the sums of the steps: N vectors, of which each has P sums for each column of a row, become one sum for each
// column, without gaps.
template <int P, int N, int Rows, class V>
OCTET_INLINE void add_steps(V (&c)[Rows]) {
  if constexpr (P > 1) {
    constexpr int half = (N + 1) / 2;
    OCTET_UNROLL
    for (int i = 0; i < half; ++i) c[i] = wide::pair_sums(c[2 * i], c[2 * i + 1 < N ? 2 * i + 1 : 2 * i]);
    add_steps<P / 2, half>(c);
  }
}

// The first n of P steps of a row, and zeros, repeated.
template <int P>
OCTET_INLINE wide::i32 first_steps(const std::byte* p, std::int64_t n) {
  const wide::block steps = wide::load_block_first(p, 4 * n);
  if constexpr (P == wide::lanes) return wide::as_i32(steps);
  alignas(64) std::byte all[wide::block_bytes];
  wide::store_block(all, steps);
  return wide::template repeat<P>(all);
}

// The sums of `Rows` rows: [row][column].
template <class T, int P, int Rows>
OCTET_NOINLINE void few_columns_tile(const Gemm& g, const std::byte* a, const std::byte* init, std::byte* sums) {
  typename T::acc c[Rows];
  OCTET_UNROLL
  for (int m = 0; m < Rows; ++m) c[m] = T::load(init);
  constexpr int groups = (Rows + 4) / 5;  // pointers as in `tile`
  std::ptrdiff_t stride = g.a_stride, stride3 = 3 * stride;
  OCTET_OPAQUE(stride3);
  const std::byte* b = g.b;
  for (std::int64_t part = 0; part < g.parts; ++part, a += g.part_stride) {
    const std::byte* p[groups];
    OCTET_UNROLL
    for (int i = 0; i < groups; ++i) {
      p[i] = a + 5 * i * stride;
      OCTET_OPAQUE(p[i]);
    }
    std::int64_t steps = g.steps;
    for (; steps >= P; steps -= P, b += T::weight_bytes) {
      const auto w = T::load_weights(b);
      OCTET_UNROLL
      for (int m = 0; m < Rows; ++m)
        T::add_products(c[m], wide::template repeat<P>(p[m / 5] + (m % 5 == 3 ? stride3 : m % 5 * stride)), w);
      OCTET_UNROLL
      for (int i = 0; i < groups; ++i) p[i] += 4 * P;
    }
    if (steps == 0) continue;
    const auto w = T::load_weights(b);  // those of the steps beyond the last are zero
    b += T::weight_bytes;
    OCTET_UNROLL
    for (int m = 0; m < Rows; ++m)
      T::add_products(c[m], first_steps<P>(p[m / 5] + (m % 5 == 3 ? stride3 : m % 5 * stride), steps), w);
  }
  add_steps<P, Rows>(c);
  constexpr int vectors = (Rows + P - 1) / P;
  OCTET_UNROLL
  for (int i = 0; i < vectors; ++i) T::store(sums + i * vector_bytes, c[i]);
}

// Stores sums [row][column] as an epilogue says: at once, if the results are next to each other in memory.
template <int Width>
class FewColumnsStore {
 public:
  FewColumnsStore(const Epilogue& e, int columns) : e_(e), out_(e.out), columns_(columns) {
    const std::ptrdiff_t row_bytes = Width * (stores_bytes(e.store) ? 1 : 4);
    const bool together = columns == Width && e.out_stride == row_bytes;
    floats_ = together && e.store == Store::f32 && (!e.residual || e.residual_stride == row_bytes);
    bytes_ = together && (e.store == Store::u8 || e.store == Store::u8_shifted);
    codes_ = e.store == Store::i16 && columns == Width && e.out_stride == Width * 2;
    if (codes_) {
      e_.out_stride = wide::lanes * 2;
      e_.wide_scale = wide_scale_;
      for (int i = 0; i < wide::lanes; ++i) wide_scale_[i] = e.wide_scale[i % Width];
    }
    if (!bytes_) return;
    e_.out_stride = wide::lanes;
    for (int i = 0; i < wide::lanes; ++i) {
      scale_[i] = e.scale[i % Width];
      if (e.store == Store::u8_shifted) shift_[i] = e.shift[i % Width];
    }
  }

  void store(const std::byte* sums, std::int64_t row, int rows) {
    const int n = rows * Width;
    if (floats_) {
      std::byte* out = e_.out + row * Width * 4;
      const std::byte* residual = residual_at(e_, row, 0);
      for (int i = 0; i < n; i += wide::lanes)
        store_f32(e_, wide::load(reinterpret_cast<const float*>(sums) + i), out + i * 4,
                  residual ? residual + i * 4 : nullptr, n - i < wide::lanes ? n - i : wide::lanes);
      return;
    }
    // (The interleaved order of one vector is that of the columns.)
    if (bytes_)
      return store_units_with<wide, 1, false>(
          e_, sums, vector_bytes, scale_, e_.store == Store::u8_shifted ? shift_ : nullptr, e_.out + row * Width,
          nullptr, (n + wide::lanes - 1) / wide::lanes, n < wide::lanes ? n : wide::lanes);
    if (codes_) {
      e_.out = out_ + row * Width * 2;
      for (int i = 0; i < n; i += wide::lanes)
        store_codes<1>(e_, sums + i * 4, 0, i / wide::lanes, 1, 0, n - i < wide::lanes ? n - i : wide::lanes);
      return;
    }
    for (int m = 0; m < rows; ++m) std::memcpy(spread_ + m * acc_stride, sums + m * Width * 4, Width * 4);
    if (e_.store == Store::i16) return store_codes<1>(e_, spread_, acc_stride, row, rows, 0, columns_);
    if (!stores_bytes(e_.store)) return store_rows(e_, spread_, row, rows, 0, columns_);
    store_units<wide, 1>(e_, spread_, acc_stride, e_.scale, e_.store == Store::u8_shifted ? e_.shift : nullptr,
                         e_.out + row * e_.out_stride, residual_at(e_, row, 0), rows, columns_);
  }

 private:
  Epilogue e_;
  std::byte* out_;
  int columns_;
  bool floats_ = false, bytes_ = false, codes_ = false;  // together
  alignas(64) float scale_[wide::lanes] = {}, shift_[wide::lanes] = {};
  alignas(64) double wide_scale_[wide::lanes] = {};
  alignas(64) std::byte spread_[few_rows * acc_stride] = {};
};

template <class T, int P>
void few_columns_of(const Gemm& g) {
  alignas(64) std::byte sums[(few_rows + P - 1) / P * vector_bytes], init[vector_bytes] = {};
  const int columns = static_cast<int>(g.columns);
  for (int c = 0; c < columns; ++c) std::memcpy(init + c * P * 4, g.init + c * 4, 4);
  FewColumnsStore<wide::lanes / P> results(g.epilogue, columns);
  for (std::int64_t row = 0; row < g.rows;) {
    const int rows = g.rows - row >= few_rows ? few_rows : 1;
    const auto tile_of_rows = rows == 1 ? few_columns_tile<T, P, 1> : few_columns_tile<T, P, few_rows>;
    tile_of_rows(g, g.a + row * g.a_stride, init, sums);
    results.store(sums, row, rows);
    row += rows;
  }
}

template <class T>
void few_columns(const Gemm& g) noexcept {
  const std::int64_t steps = wide::lanes / few_columns_width(g.columns);
  if (steps == 2) return few_columns_of<T, 2>(g);
  if (steps == 4) return few_columns_of<T, 4>(g);
  if constexpr (wide::lanes >= 8)
    if (steps == 8) return few_columns_of<T, 8>(g);
  if constexpr (wide::lanes >= 16) few_columns_of<T, 16>(g);
}
