// No include guard: part of every instruction set's kernels (see ../dispatch.hpp).
// Matrix product of rows of activations with packed panels of weights, in register tiles.

// What differs between types: 4 bytes of a row and of each column are multiplied and added at a step.
struct U8S8 {
  static constexpr int rows = wide::rows_u8;
  using acc = wide::i32;
  using weights = wide::weights;
  static acc load(const std::byte* p) { return wide::load(reinterpret_cast<const std::int32_t*>(p)); }
  static void store(std::byte* p, acc v) { wide::store(reinterpret_cast<std::int32_t*>(p), v); }
  static weights load_weights(const std::byte* p) { return wide::load_weights(p); }
  template <int N>
  static void step(acc (&row)[N], const std::byte* a, const weights (&b)[N]) {
    const auto x = wide::broadcast(a);
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) wide::dot(row[n], x, b[n]);
  }
};

struct F32 {
  static constexpr int rows = wide::rows_f32;
  using acc = wide::f32;
  using weights = wide::f32;
  static acc load(const std::byte* p) { return wide::load(reinterpret_cast<const float*>(p)); }
  static void store(std::byte* p, acc v) { wide::store(reinterpret_cast<float*>(p), v); }
  static weights load_weights(const std::byte* p) { return load(p); }
  template <int N>
  static void step(acc (&row)[N], const std::byte* a, const weights (&b)[N]) {
    float x;
    std::memcpy(&x, a, 4);
    const auto v = wide::set(x);
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) row[n] = wide::fma(v, b[n], row[n]);
  }
};

// Memory to have in the cache later on: from `p`, `advance` bytes further at each step.
struct Prefetch {
  const std::byte* p = nullptr;
  std::ptrdiff_t advance = 0;
};

// Rows x N vectors of accumulators, from `init` over all steps to the array `acc` (row stride: a whole panel).
template <class T, int Rows, int N>
OCTET_NOINLINE void tile(const std::byte* a, std::ptrdiff_t stride, const std::byte* b, const std::byte* init,
                         std::int64_t steps, std::byte* acc, Prefetch later) {
  typename T::acc c[Rows][N];
  OCTET_UNROLL
  for (int m = 0; m < Rows; ++m) {
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) c[m][n] = T::load(init + n * vector_bytes);
  }
  // Rows in groups of 5 around one pointer each: x86 addresses base + {0, 1, 2, 4} * stride, and a second index
  // register serves 3 * stride. The asm keeps the compiler from making one pointer a row, which spills.
  constexpr int groups = (Rows + 4) / 5;
  const std::byte* p[groups];
  std::ptrdiff_t stride3 = 3 * stride;
  OCTET_UNROLL
  for (int g = 0; g < groups; ++g) {
    p[g] = a + 5 * g * stride;
    OCTET_OPAQUE(p[g]);
  }
  OCTET_OPAQUE(stride3);
  for (; steps != 0; --steps, b += N * vector_bytes) {
    typename T::weights w[N];
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) w[n] = T::load_weights(b + n * vector_bytes);
    OCTET_UNROLL
    for (int m = 0; m < Rows; ++m) T::step(c[m], p[m / 5] + (m % 5 == 3 ? stride3 : m % 5 * stride), w);
    OCTET_UNROLL
    for (int g = 0; g < groups; ++g) p[g] += 4;
    wide::prefetch(later.p);
    later.p += later.advance;
  }
  OCTET_UNROLL
  for (int m = 0; m < Rows; ++m) {
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) T::store(acc + m * acc_stride + n * vector_bytes, c[m][n]);
  }
}

using TileFunction = void (*)(const std::byte*, std::ptrdiff_t, const std::byte*, const std::byte*, std::int64_t,
                              std::byte*, Prefetch);
template <class T, int N, int... Rows>
TileFunction tile_of(int rows, std::integer_sequence<int, Rows...>) {
  static constexpr TileFunction all[] = {tile<T, Rows + 1, N>...};
  return all[rows - 1];
}

template <class T>
void gemm(const Gemm& g) noexcept {
  alignas(64) std::byte acc[T::rows * acc_stride] = {};
  const std::byte* b = g.b;
  for (std::int64_t column = 0; column < g.columns; column += panel_columns) {
    const int columns = static_cast<int>(g.columns - column < panel_columns ? g.columns - column : panel_columns);
    const bool half = columns <= wide::lanes;  // the last panel may be packed half as wide
    const std::int64_t panel_bytes = g.steps * (half ? 1 : panel_vectors) * vector_bytes,
                       tiles = g.rows > 0 ? (g.rows + T::rows - 1) / T::rows : 1;
    // While one panel is used, tile after tile, the next comes from memory.
    const std::ptrdiff_t share = panel_bytes / tiles / (g.steps > 0 ? g.steps : 1);
    const bool last = column + panel_columns >= g.columns;
    for (std::int64_t row = 0; row < g.rows; row += T::rows) {
      const int rows = static_cast<int>(g.rows - row < T::rows ? g.rows - row : T::rows);
      constexpr std::make_integer_sequence<int, T::rows> all{};
      const TileFunction f = half ? tile_of<T, 1>(rows, all) : tile_of<T, 2>(rows, all);
      const Prefetch later{last ? b : b + panel_bytes + row / T::rows * (panel_bytes / tiles), last ? 0 : share};
      f(g.a + row * g.a_stride, g.a_stride, b, g.init + column * 4, g.steps, acc, later);
      store_rows<T>(g.epilogue, acc, row, rows, column, columns);
    }
    b += panel_bytes;
  }
}
