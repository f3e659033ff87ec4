// No include guard: part of every instruction set's kernels.
// Convolution by Winograd's algorithm: inputs and outputs of tiles. winograd_transforms.inl says what they are.

// Finds the 36 input pixels of a tile; for those outside the image, the padding.
template <class T>
void find_pixels(const Winograd& w, const WinogradTiles::Tile& t, const std::byte* (&pixels)[36]) {
  const std::int64_t y0 = t.y - w.pad_top, x0 = t.x - w.pad_left, pixel = w.channels * T::element;
  const std::byte* in = w.in + t.image * w.height * w.width * pixel;
  for (std::int64_t y = 0; y < 6; ++y)
    for (std::int64_t x = 0; x < 6; ++x) {
      const bool inside = y0 + y >= 0 && y0 + y < w.height && x0 + x >= 0 && x0 + x < w.width;
      pixels[y * 6 + x] = inside ? in + ((y0 + y) * w.width + x0 + x) * pixel : w.padding;
    }
}

template <class T>
OCTET_INLINE void store_points(const Winograd& w, std::byte* to, int row, const typename T::in (&column)[6]) {
  typename T::in t[6];
  input_points<T>(column, t);
  OCTET_UNROLL
  for (int j = 0; j < 6; ++j) T::store(to + (row * 6 + j) * w.point_stride, t[j]);
}

// Transforms a whole tile, n channels of one vector.
template <class T>
OCTET_NOINLINE void input_tile(const Winograd& w, const std::byte* const (&pixels)[36], std::int64_t channel, int n,
                               std::byte* to) {
  const auto load = [&](int y, int x) { return T::load(pixels[y * 6 + x] + channel * T::element, n); };
  // Rows 1 to 4 of B^T d need no more than 24 vectors at a time; rows 0 and 5 load the pixels again.
  typename T::in r1[6], r2[6], r3[6], r4[6];
  OCTET_UNROLL
  for (int x = 0; x < 6; ++x) {
    const auto d1 = load(1, x), d2 = load(2, x), d3 = load(3, x), d4 = load(4, x);
    const auto even = T::sub(d4, d2), odd = T::twice(T::sub(d3, d1));
    const auto s = T::sub(T::four_times(d2), d4), u = T::sub(T::four_times(d1), d3);
    r1[x] = T::add(s, u);
    r2[x] = T::sub(s, u);
    r3[x] = T::add(even, odd);
    r4[x] = T::sub(even, odd);
  }
  store_points<T>(w, to, 1, r1);
  store_points<T>(w, to, 2, r2);
  store_points<T>(w, to, 3, r3);
  store_points<T>(w, to, 4, r4);
  OCTET_UNROLL
  for (int x = 0; x < 6; ++x) {
    const auto d1 = load(1, x), d2 = load(2, x), d3 = load(3, x), d4 = load(4, x);
    r1[x] = T::add(T::four_times(T::sub(load(0, x), d2)), T::sub(d4, d2));
    r2[x] = T::sub(T::sub(load(5, x), d3), T::four_times(T::sub(d3, d1)));
  }
  store_points<T>(w, to, 0, r1);
  store_points<T>(w, to, 5, r2);
}

// Transforms a smaller tile at the right or bottom border.
template <class T>
OCTET_NOINLINE void input_rest(const Winograd& w, const WinogradTiles::Tile& tile, const std::byte* const (&pixels)[36],
                               std::int64_t channel, int n, std::byte* to) {
  typename T::in rows[6][6], d[6], t[6];
  for (int x = 0; x < tile.columns + 2; ++x) {
    for (int y = 0; y < tile.rows + 2; ++y) d[y] = T::load(pixels[y * 6 + x] + channel * T::element, n);
    input_points<T>(tile.rows, d, t);
    for (int i = 0; i < 6; ++i) rows[i][x] = t[i];
  }
  for (int i = 0; i < 6; ++i) {
    if (!WinogradTiles::needs(tile.rows, i)) continue;
    input_points<T>(tile.columns, rows[i], t);
    for (int j = 0; j < 6; ++j)
      if (WinogradTiles::needs(tile.columns, j)) T::store(to + (i * 6 + j) * w.point_stride, t[j]);
  }
}

template <class T>
void winograd_inputs(const Winograd& w) noexcept {
  for (std::int64_t i = 0; i < w.count; ++i) {
    const WinogradTiles::Tile tile = w.tiles.tile(w.first + i);
    const std::byte* pixels[36];
    find_pixels<T>(w, tile, pixels);
    std::byte* to = w.inputs + i * w.tile_stride;
    for (std::int64_t c = 0; c < w.channels; c += T::channels, to += T::channels * T::point_element) {
      const int n = static_cast<int>(w.channels - c < T::channels ? w.channels - c : T::channels);
      if (tile.rows == 4 && tile.columns == 4)
        input_tile<T>(w, pixels, c, n, to);
      else
        input_rest<T>(w, tile, pixels, c, n, to);
    }
  }
}

// Computes the outputs of a tile for one vector of channels from its products. `bias` is added. Whole: the tile is 4 x
// 4.
template <class T, bool Whole>
OCTET_NOINLINE void output_tile(const WinogradTiles::Tile& tile, const std::byte* products, const std::byte* bias,
                                typename T::sum (&out)[4][4]) {
  using Sum = typename T::sum;
  Sum t[4][6];
  const auto load = [&](int i, int j) {
    if (!Whole && !(WinogradTiles::needs(tile.rows, i) && WinogradTiles::needs(tile.columns, j))) return T::zero_sum();
    const Sum m = T::load_sum(products + (i * 6 + j) * 2 * vector_bytes);
    return i == 1 && j == 1
               ? T::add_sums(m, T::load_sum(bias))
               : m;  // A^T takes the product at point (1, 1) once for every output, so the bias is added there
  };
  OCTET_UNROLL
  for (int j = 0; j < 6; ++j) {
    const Sum m[6] = {load(0, j), load(1, j), load(2, j), load(3, j), load(4, j), load(5, j)};
    Sum y[4];
    outputs_of<T>(m, y);
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i) t[i][j] = y[i];
    if (!Whole && tile.rows < 4) t[tile.rows - 1][j] = T::add_sums(t[tile.rows - 1][j], T::twice_sum(m[5]));
  }
  OCTET_UNROLL
  for (int i = 0; i < 4; ++i) {
    outputs_of<T>(t[i], out[i]);
    if (!Whole && tile.columns < 4)
      out[i][tile.columns - 1] = T::add_sums(out[i][tile.columns - 1], T::twice_sum(t[i][5]));
  }
}

// Computes the outputs of all tiles for one of the two vectors of a panel.
template <class T, class Store>
void output_tiles(const Winograd& w, const std::byte* products, const Store& store) {
  alignas(64) std::byte bias[vector_bytes];
  T::store_sum(bias, T::scaled_bias(w.init + store.column * 4));
  constexpr std::ptrdiff_t stride = 2 * vector_bytes;
  constexpr int step = Store::pooled ? 2 : 1;  // with 2 x 2 pooling, one of two rows and columns is stored
  const std::int64_t height = w.tiles.out_h() / step, width = w.tiles.out_w() / step;
  for (std::int64_t k = 0; k < w.count; ++k, products += 36 * stride) {
    const WinogradTiles::Tile tile = w.tiles.tile(w.first + k);
    typename T::sum y[4][4];
    if (tile.rows == 4 && tile.columns == 4)
      output_tile<T, true>(tile, products, bias, y);
    else
      output_tile<T, false>(tile, products, bias, y);
    for (int i = 0; i < tile.rows; i += step) {
      const std::int64_t pixel = (tile.image * height + (tile.y + i) / step) * width + tile.x / step;
      if constexpr (Store::pooled)
        store.rows(pixel, y[i], y[i + 1], tile.columns / step);
      else
        store.row(pixel, y[i], tile.columns);
    }
  }
}

template <class T>
void winograd_outputs(const Winograd& w) noexcept {
  const std::byte* weights = w.weights;
  for (std::int64_t column = 0; column < w.columns; weights += w.panel_bytes) {
    T::products(w, weights, column + 2 * wide::lanes >= w.columns);
    for (int n = 0; n < 2 && column < w.columns; ++n, column += wide::lanes) {
      const std::int64_t left = w.columns - column;
      T::outputs(w, w.products + n * vector_bytes, w.column + column,
                 static_cast<int>(left < wide::lanes ? left : wide::lanes));
    }
  }
}
