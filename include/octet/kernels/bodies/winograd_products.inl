// No include guard: part of every instruction set's kernels.
// Convolution by Winograd's algorithm: the products of transformed inputs and weights.

// Multiplies all tiles with the weights of one panel, at 36 points. The panel always has two vectors. `Step`: channels
// of one step.
template <class Product, int Step>
void winograd_products(const Winograd& w, const std::byte* weights, bool last_panel) noexcept {
  constexpr int N = 2;
  constexpr int most = Product::rows(N);
  alignas(64) static constexpr std::byte zeros[N * vector_bytes] = {};
  Tile t{};
  t.a_stride = w.tile_stride;
  t.steps = (w.channels + Step - 1) / Step;
  t.init = zeros;
  t.sums_stride = 36 * N * vector_bytes;
  for (int point = 0; point < 36; ++point, weights += w.weight_point_bytes) {
    const WinogradTiles::Range all = w.tiles.needing(point / 6, point % 6);
    const std::int64_t first = all.first > w.first ? all.first - w.first : 0;
    const std::int64_t last = all.last - w.first < w.count ? all.last - w.first : w.count;
    if (first >= last) continue;
    const std::int64_t parts = (last - first + most - 1) / most;
    t.b = weights;
    // (Never beyond the end: prefetching from unmapped pages is slower than waiting for memory.)
    const bool more = !last_panel || point < 35;
    t.later_step = more ? N * vector_bytes / parts : 0;
    for (std::int64_t i = 0; i < parts; ++i) {
      const std::int64_t row = first + (last - first) * i / parts, end = first + (last - first) * (i + 1) / parts;
      t.a = w.inputs + point * w.point_stride + row * w.tile_stride;
      t.sums = w.products + (row * 36 + point) * N * vector_bytes;
      t.later = more ? weights + w.weight_point_bytes + w.weight_point_bytes / parts * i : weights;
      tile_of<Product, N>(static_cast<int>(end - row), std::make_integer_sequence<int, most>{})(t);
    }
  }
}
