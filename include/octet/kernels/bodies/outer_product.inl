// No include guard: part of every instruction set's kernels. Gradients with respect to weights as sums of outer
// products, see ../gradient.hpp. T as in gemm.inl.

// Computes Rows x N vectors of c; `last`: number of columns in the last vector.
template <class T, int Rows, int N>
OCTET_NOINLINE void outer_tile(const OuterProduct& p, std::int64_t row, std::int64_t column, int last) {
  const float *a = p.a + row, *b = p.b + column;
  float* c = p.c + row * p.c_stride + column;
  wide::f32 acc[Rows][N];
  OCTET_UNROLL
  for (int m = 0; m < Rows; ++m) {
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) {
      const float* from = c + m * p.c_stride + n * wide::lanes;
      acc[m][n] = n + 1 < N || last == wide::lanes ? wide::load(from) : wide::load_first(from, last);
    }
  }
  constexpr int ahead = 8;  // rows of a to prefetch; they are far apart, and each needs one or two cache lines
  for (std::int64_t d = p.depth; d != 0; --d, a += p.a_stride, b += p.b_stride) {
    wide::prefetch_near(a + ahead * p.a_stride);
    wide::prefetch_near(a + ahead * p.a_stride + Rows - 1);
    typename T::weights v[N];
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) {
      const auto* from = reinterpret_cast<const std::byte*>(b + n * wide::lanes);
      v[n] = n + 1 < N || last == wide::lanes ? T::load_weights(from) : T::load_some_weights(from, last);
    }
    OCTET_UNROLL
    for (int m = 0; m < Rows; ++m) T::step(acc[m], reinterpret_cast<const std::byte*>(a + m), v);
  }
  OCTET_UNROLL
  for (int m = 0; m < Rows; ++m) {
    OCTET_UNROLL
    for (int n = 0; n < N; ++n)
      wide::store_first(c + m * p.c_stride + n * wide::lanes, acc[m][n], n + 1 < N ? wide::lanes : last);
  }
}

using OuterTile = void (*)(const OuterProduct&, std::int64_t, std::int64_t, int);
template <class T, int N, int... Rows>
OuterTile outer_tile_of(int rows, std::integer_sequence<int, Rows...>) {
  static constexpr OuterTile all[] = {outer_tile<T, Rows + 1, N>...};
  return all[rows - 1];
}

template <class T>
void outer_product(const OuterProduct& p) noexcept {
  constexpr std::make_integer_sequence<int, wide::rows_f32> all{};
  constexpr int tile_columns = 2 * wide::lanes;
  const std::int64_t tiles = (p.rows + wide::rows_f32 - 1) / wide::rows_f32;  // of similar sizes
  for (std::int64_t t = 0; t < tiles; ++t) {
    const std::int64_t row = p.rows * t / tiles;
    const int rows = static_cast<int>(p.rows * (t + 1) / tiles - row);
    for (std::int64_t column = 0; column < p.columns; column += tile_columns) {
      const int columns = static_cast<int>(p.columns - column < tile_columns ? p.columns - column : tile_columns);
      const bool half = columns <= wide::lanes;
      if (half)
        outer_tile_of<T, 1>(rows, all)(p, row, column, columns);
      else
        outer_tile_of<T, 2>(rows, all)(p, row, column, columns - wide::lanes);
    }
  }
}
