// No include guard: part of every instruction set's kernels (see ../dispatch.hpp).
// Matrix product of rows of activations with packed panels of weights, in register tiles.
//
// A struct T holds what differs between types: `vectors` in a panel, `rows(n)` in a tile of n vectors, the types of
// accumulators and weights, `weight_bytes` in a vector of weights, and a step, which multiplies 4 bytes of a row by the
// weights of each column and adds the products. `paired`: weights of 4 bits, see gemm_u4.inl. `finish` stores the
// accumulators of a tile as the epilogue says, if T::finishes; with T::codes, Store::i16 is possible.

// One tile: its operands and its destination.
struct Tile {
  const std::byte* a;
  std::ptrdiff_t a_stride;
  const std::byte* b;
  std::int64_t steps;
  const std::uint8_t* multipliers;  // of blocks of weights of 4 bits
  std::int64_t block_steps;
  const std::byte* init;       // initial accumulators, the same for all rows
  const std::byte* later;      // memory to prefetch
  std::ptrdiff_t later_step;   // distance of what two steps prefetch, in bytes
  std::byte* sums;             // where to store the accumulators, in rows of sums_stride bytes;
  std::ptrdiff_t sums_stride;  // null: the epilogue stores them
  const Epilogue* epilogue;
  const float *scale, *shift;  // of the tile's columns, interleaved for bytes; shift may be null
  std::int64_t row, column;
  int columns;
};

// Whether the epilogue takes accumulators from registers. Tiles with less than half of the rows, and panels of a single
// vector, are too rare for code of their own.
template <class T>
constexpr bool finishes_in_registers(std::int64_t rows, int n) {
  return (T::finishes || T::codes) && n > 1 && 2 * rows >= T::rows(n);
}

// One step of a tile, with element K of four steps of each row.
template <int K, class T, int Rows, int N>
OCTET_INLINE void step_of_quads(typename T::acc (&c)[Rows][N], const typename T::quad (&x)[Rows], const std::byte* b) {
  typename T::weights w[N];
  OCTET_UNROLL
  for (int n = 0; n < N; ++n) w[n] = T::load_weights(b + (K * N + n) * T::weight_bytes);
  OCTET_UNROLL
  for (int m = 0; m < Rows; ++m) T::template step_of_quad<K>(c[m], x[m], w);
}

// Stores the accumulators of a tile.
template <class T, int Rows, int N>
OCTET_INLINE void finish_tile(const typename T::acc (&c)[Rows][N], const Tile& t) {
  const Tile* now = &t;
  OCTET_OPAQUE(now);  // load what follows here instead of keeping it in registers during the loop
  if constexpr (finishes_in_registers<T>(Rows, N))
    if (!now->sums) {
      if constexpr (T::codes)
        if (!T::finishes || now->epilogue->store == Store::i16)
          return finish_codes(c, *now->epilogue, now->row, now->column, now->columns);
      if constexpr (T::finishes) return finish(c, *now);
    }
  OCTET_UNROLL
  for (int m = 0; m < Rows; ++m) {
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) T::store(now->sums + m * now->sums_stride + n * vector_bytes, c[m][n]);
  }
}

// Computes Rows x N vectors of accumulators: `init` plus the products of all steps.
template <class T, int Rows, int N>
OCTET_NOINLINE void tile(const Tile& t) {
  typename T::acc c[Rows][N];
  const std::byte* init = t.init;
  OCTET_UNROLL
  for (int m = 0; m < Rows; ++m) {
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) c[m][n] = T::load(init + n * vector_bytes);
  }
  // Each pointer serves a group of 5 rows: x86 can address base + {0, 1, 2, 4} * stride, and a second index register
  // holds 3 * stride. The asm prevents the compiler from making one pointer per row, which it would spill.
  constexpr int groups = (Rows + 4) / 5;
  const std::byte* p[groups];
  std::ptrdiff_t stride = t.a_stride, stride3 = 3 * stride;
  OCTET_UNROLL
  for (int g = 0; g < groups; ++g) {
    p[g] = t.a + 5 * g * stride;
    OCTET_OPAQUE(p[g]);
  }
  OCTET_OPAQUE(stride3);
  const std::byte *b = t.b, *later = t.later;
  const std::ptrdiff_t later_step = t.later_step, later_half = later_step / 2;
  std::int64_t steps = t.steps;
  if constexpr (T::quads) {  // a vector holds four steps of a row, and weights are multiplied by its elements
    for (; steps >= 4; steps -= 4, b += 4 * N * T::weight_bytes) {
      typename T::quad x[Rows];
      OCTET_UNROLL
      for (int m = 0; m < Rows; ++m) x[m] = T::load_quad(p[m / 5] + (m % 5 == 3 ? stride3 : m % 5 * stride));
      step_of_quads<0, T>(c, x, b);
      step_of_quads<1, T>(c, x, b);
      step_of_quads<2, T>(c, x, b);
      step_of_quads<3, T>(c, x, b);
      OCTET_UNROLL
      for (int g = 0; g < groups; ++g) p[g] += 16;
      // (One cache line per step as below, but spread over the next panel, so that no line is prefetched twice.)
      OCTET_UNROLL
      for (int i = 0; i < N; ++i) wide::prefetch(later + i * later_step * 4 / N);
      later += 4 * later_step;
    }
  }
  for (; steps != 0; --steps, b += N * T::weight_bytes) {
    typename T::weights w[N];
    OCTET_UNROLL
    for (int n = 0; n < N; ++n) w[n] = T::load_weights(b + n * T::weight_bytes);
    OCTET_UNROLL
    for (int m = 0; m < Rows; ++m) T::step(c[m], p[m / 5] + (m % 5 == 3 ? stride3 : m % 5 * stride), w);
    OCTET_UNROLL
    for (int g = 0; g < groups; ++g) p[g] += 4;
    // With few rows, the loop waits for weights: prefetch every cache line. (With small steps, both addresses are often
    // in the same line.)
    constexpr int lines = Rows <= 2 ? (N * T::weight_bytes + 63) / 64 : 2;
    OCTET_UNROLL
    for (int i = 0; i < lines; ++i) wide::prefetch(later + (lines == 2 ? i * later_half : i * 64));
    later += later_step;
  }
  finish_tile<T>(c, t);
}

// The same for weights of 4 bits, of which a vector holds two steps. See gemm_u4.inl.
template <class T, int Rows, int N>
OCTET_NOINLINE void paired_tile(const Tile& t);

using TileFunction = void (*)(const Tile&);
template <class T, int N, int... Rows>
TileFunction tile_of(int rows, std::integer_sequence<int, Rows...>) {
  if constexpr (T::paired) {
    static constexpr TileFunction all[] = {paired_tile<T, Rows + 1, N>...};
    return all[rows - 1];
  } else {
    static constexpr TileFunction all[] = {tile<T, Rows + 1, N>...};
    return all[rows - 1];
  }
}

// Bytes of a vector of columns of so many steps.
template <class T>
constexpr std::int64_t bytes_of_steps(std::int64_t steps) {
  return (T::paired ? (steps + 1) / 2 * 2 : steps) * T::weight_bytes;
}

// The same with the multipliers of their blocks.
template <class T>
std::int64_t panel_bytes_of_vector(const Gemm& g) {
  const std::int64_t blocks = T::paired && g.block_steps ? (g.steps + g.block_steps - 1) / g.block_steps : 0;
  return bytes_of_steps<T>(g.steps) + blocks * wide::lanes;
}

// Multiplies all rows with one panel of N vectors.
template <class T, int N>
void gemm_panel(const Gemm& g, const std::byte* b, std::int64_t column, bool last) {
  constexpr int most = T::rows(N);
  static_assert(most % 2 == 0, "so that of several tiles none is less than half a one");
  alignas(64) std::byte sums[most * acc_stride], init[N * vector_bytes];
  alignas(64) float scale[N * wide::lanes], shift[N * wide::lanes];
  const Epilogue& e = g.epilogue;
  Tile t;
  t.a_stride = g.a_stride;
  t.b = b;
  t.steps = g.steps;
  t.multipliers = reinterpret_cast<const std::uint8_t*>(b + N * bytes_of_steps<T>(g.steps));
  t.block_steps = g.block_steps;
  t.init = g.init + column * 4;
  t.epilogue = &e;
  const bool bytes = stores_bytes(e.store), shifted = e.store == Store::u8_shifted;
  if (bytes) {
    interleave<wide, N>(t.init, init);
    interleave<wide, N>(e.scale + column, scale);
    if (shifted) interleave<wide, N>(e.shift + column, shift);
    t.init = init;
  }
  if constexpr (T::shifted) {  // the panel is followed by the corrections of its sums, see pack.hpp
    const std::byte* lacking = b + N * panel_bytes_of_vector<T>(g);
    OCTET_UNROLL
    for (int n = 0; n < N; ++n)
      T::store(init + n * vector_bytes,
               wide::add(T::load(t.init + n * vector_bytes), T::load(lacking + n * vector_bytes)));
    t.init = init;
  }
  t.scale = scale;
  t.shift = shifted ? shift : nullptr;
  const bool in_registers = finishes_in_registers<T>(g.rows, N) &&
                            ((T::codes && e.store == Store::i16) ||
                             (T::finishes && (bytes || e.store == Store::f32 || e.store == Store::scaled_f32)));
  t.sums = in_registers ? nullptr : sums;
  t.sums_stride = acc_stride;
  t.column = column;
  t.columns = static_cast<int>(g.columns - column < N * wide::lanes ? g.columns - column : N * wide::lanes);
  // While one panel is used, tile after tile, the next one is prefetched; a single tile prefetches its own panel. Never
  // beyond the last panel: prefetching from unmapped pages is slower than waiting for memory.
  const std::int64_t tiles = (g.rows + most - 1) / most;
  const std::ptrdiff_t step_bytes = N * T::weight_bytes, panel_bytes = N * panel_bytes_of_vector<T>(g);
  const std::ptrdiff_t ahead = last ? 0 : tiles == 1 ? 6144 : panel_bytes;
  t.later_step = last ? 0 : step_bytes / tiles;
  for (std::int64_t i = 0; i < tiles; ++i) {
    const std::int64_t row = g.rows * i / tiles;
    const int rows = static_cast<int>(g.rows * (i + 1) / tiles - row);
    t.a = g.a + row * g.a_stride;
    t.later = b + ahead + (last ? 0 : panel_bytes / tiles * i);
    t.row = row;
    tile_of<T, N>(rows, std::make_integer_sequence<int, most>{})(t);
    if (in_registers) continue;
    if (bytes)
      store_units<wide, N>(e, sums, acc_stride, scale, t.shift, e.out + row * e.out_stride + column,
                           residual_at(e, row, column), rows, t.columns);
    else if (T::codes && e.store == Store::i16)
      store_codes<N>(e, sums, acc_stride, row, rows, column, t.columns);
    else
      store_rows(e, sums, row, rows, column, t.columns);
  }
}

template <class T>
void gemm(const Gemm& g) noexcept {
  const std::byte* b = g.b;
  for (std::int64_t column = 0; column < g.columns;) {
    const std::int64_t width = panel_width(g.columns - column, wide::lanes, T::vectors);
    const bool last = column + width >= g.columns;
    if (T::vectors == 4 && width == 4 * wide::lanes)
      gemm_panel<T, T::vectors>(g, b, column, last);
    else if (width == 2 * wide::lanes)
      gemm_panel<T, 2>(g, b, column, last);
    else
      gemm_panel<T, 1>(g, b, column, last);
    b += width / wide::lanes * (panel_bytes_of_vector<T>(g) + (T::shifted ? vector_bytes : 0));
    column += width;
  }
}
