// No include guard: part of every instruction set's kernels.
// Copies windows of the input into the rows of a matrix, block by block instead of for the whole input as im2col does.

// Copies n bytes in whole blocks: writes up to block_bytes - 1 bytes after them, but reads no more than n.
inline std::byte* copy_run(std::byte* to, const std::byte* from, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + wide::block_bytes <= n; i += wide::block_bytes) wide::store_block(to + i, wide::load_block(from + i));
  if (i < n) wide::store_block(to + i, wide::load_block_first(from + i, n - i));
  return to + n;
}

// The window of one output pixel, anywhere in the image. `joined`: the taps of a kernel row are contiguous.
inline void gather_window(const Gather& g, std::int64_t image, std::int64_t y, std::int64_t x, bool joined,
                          std::byte* to) {
  const std::int64_t x0 = x * g.shape.stride_w - g.shape.pad_left;
  for (std::int64_t ky = 0; ky < g.shape.kernel_h; ++ky) {
    const std::int64_t iy = y * g.shape.stride_h - g.shape.pad_top + ky * g.shape.dilation_h;
    if (iy < 0 || iy >= g.shape.in_h) {
      to = copy_run(to, g.padding, g.shape.kernel_w * g.run_bytes);
      continue;
    }
    const std::byte* line = g.in + (image * g.shape.in_h + iy) * g.shape.in_w * g.pixel_bytes;
    if (joined) {
      const std::int64_t from = x0 < 0 ? 0 : x0,
                         until = x0 + g.shape.kernel_w < g.shape.in_w ? x0 + g.shape.kernel_w : g.shape.in_w;
      const std::int64_t left = (from < x0 + g.shape.kernel_w ? from : x0 + g.shape.kernel_w) - x0;
      const std::int64_t inside = until > from ? until - from : 0;
      if (left) to = copy_run(to, g.padding, left * g.run_bytes);
      if (inside) to = copy_run(to, line + from * g.pixel_bytes, inside * g.run_bytes);
      const std::int64_t right = g.shape.kernel_w - left - inside;
      if (right) to = copy_run(to, g.padding, right * g.run_bytes);
    } else {
      for (std::int64_t kx = 0; kx < g.shape.kernel_w; ++kx) {
        const std::int64_t ix = x0 + kx * g.shape.dilation_w;
        const bool inside = ix >= 0 && ix < g.shape.in_w;
        to = copy_run(to, inside ? line + ix * g.pixel_bytes : g.padding, g.run_bytes);
      }
    }
  }
}

// `count` adjacent output pixels whose kernel rows are contiguous, at most one block of W long, or two if `Two`, and
// inside the image's rows.
constexpr std::int64_t most_short_runs = 7;
template <class W, bool Two>
void gather_short_runs(const Gather& g, std::int64_t image, std::int64_t y, std::int64_t x, std::int64_t count,
                       std::byte* rows) {
  const std::int64_t run = g.shape.kernel_w * g.run_bytes;
  const std::byte* from[most_short_runs];
  std::int64_t step[most_short_runs];
  for (std::int64_t ky = 0; ky < g.shape.kernel_h; ++ky) {
    const std::int64_t iy = y * g.shape.stride_h - g.shape.pad_top + ky * g.shape.dilation_h;
    const bool inside = iy >= 0 && iy < g.shape.in_h;
    from[ky] = inside ? g.in + ((image * g.shape.in_h + iy) * g.shape.in_w + x * g.shape.stride_w - g.shape.pad_left) *
                                   g.pixel_bytes
                      : g.padding;
    step[ky] = inside ? g.shape.stride_w * g.pixel_bytes : 0;
  }
  constexpr std::int64_t first = Two ? W::block_bytes : 0;
  const auto copy = [&](std::int64_t kernel_h) {
    for (std::int64_t i = 0; i < count; ++i, rows += g.row_stride)
      for (std::int64_t ky = 0; ky < kernel_h; ++ky) {
        const std::byte* at = from[ky] + i * step[ky];
        if (Two) W::store_block(rows + ky * run, W::load_block(at));
        W::store_block(rows + ky * run + first, W::load_block_first(at + first, run - first));
      }
  };
  if (g.shape.kernel_h == 3)
    copy(3);
  else
    copy(g.shape.kernel_h);
}

inline void gather(const Gather& g) noexcept {
  const bool joined = (g.shape.dilation_w == 1 || g.shape.kernel_w == 1) && g.run_bytes == g.pixel_bytes;
  const std::int64_t run = g.shape.kernel_w * g.run_bytes;
  const bool short_runs =
      joined && g.repeat == 1 && run <= 2 * wide::block_bytes && g.shape.kernel_h <= most_short_runs;
  const std::int64_t plane = g.shape.out_h * g.shape.out_w;
  std::int64_t image = g.first / plane, y = g.first % plane / g.shape.out_w, x = g.first % g.shape.out_w;
  std::byte* row = g.rows;
  for (std::int64_t left = g.count; left > 0;) {
    std::int64_t done = 1;
    const std::int64_t x0 = x * g.shape.stride_w - g.shape.pad_left, room = g.shape.in_w - g.shape.kernel_w - x0;
    if (short_runs && x0 >= 0 && room >= 0) {
      const std::int64_t inside = room / g.shape.stride_w + 1, in_row = g.shape.out_w - x;
      done = inside < in_row ? inside : in_row;
      if (done > left) done = left;
      const auto copy = run <= narrow::block_bytes ? gather_short_runs<narrow, false>
                        : run <= wide::block_bytes ? gather_short_runs<wide, false>
                                                   : gather_short_runs<wide, true>;
      copy(g, image, y, x, done, row);
    } else {
      gather_window(g, image, y, x, joined, row);
      std::byte* to = row + g.shape.taps() * g.run_bytes;
      for (std::int64_t r = 1, n = to - row; r < g.repeat; ++r) to = copy_run(to, row, n);
    }
    left -= done;
    row += done * g.row_stride;
    x += done;
    if (x == g.shape.out_w) {
      x = 0;
      if (++y == g.shape.out_h) {
        y = 0;
        ++image;
      }
    }
  }
}
