// No include guard: part of every instruction set's kernels. What training adds to them: see ../gradient.hpp.

// Rows x N vectors of c; `last`: columns of the last vector.
template <int Rows, int N>
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
  constexpr int ahead = 8;  // rows of a, which lie far apart: one or two lines of the cache each
  for (std::int64_t d = p.depth; d != 0; --d, a += p.a_stride, b += p.b_stride) {
    wide::prefetch_near(a + ahead * p.a_stride);
    wide::prefetch_near(a + ahead * p.a_stride + Rows - 1);
    wide::f32 v[N];
    OCTET_UNROLL
    for (int n = 0; n < N; ++n)
      v[n] = n + 1 < N || last == wide::lanes ? wide::load(b + n * wide::lanes)
                                              : wide::load_first(b + n * wide::lanes, last);
    OCTET_UNROLL
    for (int m = 0; m < Rows; ++m) {
      const wide::f32 x = wide::set(a[m]);
      OCTET_UNROLL
      for (int n = 0; n < N; ++n) acc[m][n] = wide::fma(x, v[n], acc[m][n]);
    }
  }
  OCTET_UNROLL
  for (int m = 0; m < Rows; ++m) {
    OCTET_UNROLL
    for (int n = 0; n < N; ++n)
      wide::store_first(c + m * p.c_stride + n * wide::lanes, acc[m][n], n + 1 < N ? wide::lanes : last);
  }
}

using OuterTile = void (*)(const OuterProduct&, std::int64_t, std::int64_t, int);
template <int N, int... Rows>
OuterTile outer_tile_of(int rows, std::integer_sequence<int, Rows...>) {
  static constexpr OuterTile all[] = {outer_tile<Rows + 1, N>...};
  return all[rows - 1];
}

inline void outer_product(const OuterProduct& p) noexcept {
  constexpr std::make_integer_sequence<int, wide::rows_f32> all{};
  const std::int64_t tiles = (p.rows + wide::rows_f32 - 1) / wide::rows_f32;  // of about the same size
  for (std::int64_t t = 0; t < tiles; ++t) {
    const std::int64_t row = p.rows * t / tiles;
    const int rows = static_cast<int>(p.rows * (t + 1) / tiles - row);
    for (std::int64_t column = 0; column < p.columns; column += panel_columns) {
      const int columns = static_cast<int>(p.columns - column < panel_columns ? p.columns - column : panel_columns);
      const bool half = columns <= wide::lanes;
      half ? outer_tile_of<1>(rows, all)(p, row, column, columns)
           : outer_tile_of<2>(rows, all)(p, row, column, columns - wide::lanes);
    }
  }
}

// Calls f(offset, count) for the elements [0, n) in vectors; the last may have fewer than all lanes.
template <class F>
OCTET_INLINE void each_vector(std::int64_t n, F f) {
  std::int64_t i = 0;
  for (; i + wide::lanes <= n; i += wide::lanes) f(i, std::integral_constant<int, wide::lanes>());
  if (i < n) f(i, static_cast<int>(n - i));
}
template <class Count>
OCTET_INLINE wide::f32 load_some(const float* p, Count n) {
  if constexpr (std::is_same_v<Count, int>)
    return wide::load_first(p, n);
  else
    return wide::load(p);
}
template <class Count>
OCTET_INLINE void store_some(float* p, wide::f32 v, Count n) {
  if constexpr (std::is_same_v<Count, int>)
    wide::store_first(p, v, n);
  else
    wide::store(p, v);
}

// Calls f(row, count, i, n) for all rows, `count` at a time (4, then 1), and for vectors of n channels from `i` on:
// sums are loaded and stored once for several rows. (A product that is added is always a fused one, as compilers would
// make some of them on some instruction sets.)
template <class F>
OCTET_INLINE void each_rows(const ChannelRows& in, F f) {
  std::int64_t r = 0;
  for (; r + 4 <= in.rows; r += 4) each_vector(in.channels, [&](std::int64_t i, auto n) { f(r, 4, i, n); });
  for (; r < in.rows; ++r) each_vector(in.channels, [&](std::int64_t i, auto n) { f(r, 1, i, n); });
}

inline void channel_sums(const ChannelRows& in, float* sums) noexcept {
  each_rows(in, [&](std::int64_t r, int count, std::int64_t i, auto n) {
    wide::f32 sum = load_some(sums + i, n);
    for (int k = 0; k < count; ++k) sum = wide::add(sum, load_some(in.x + (r + k) * in.channels + i, n));
    store_some(sums + i, sum, n);
  });
}

inline void channel_squares(const ChannelRows& in, const float* mean, float* squares) noexcept {
  each_rows(in, [&](std::int64_t r, int count, std::int64_t i, auto n) {
    const wide::f32 m = load_some(mean + i, n);
    wide::f32 sum = load_some(squares + i, n);
    for (int k = 0; k < count; ++k) {
      const wide::f32 d = wide::sub(load_some(in.x + (r + k) * in.channels + i, n), m);
      sum = wide::fma(d, d, sum);
    }
    store_some(squares + i, sum, n);
  });
}

inline wide::f32 within(wide::f32 y, wide::f32 value, wide::f32 low, wide::f32 high) {
  const wide::f32 zero = wide::set(0.0f);
  return wide::select_greater(y, low, wide::select_greater(high, y, value, zero), zero);
}

inline void normalize(const Normalized& a, float* y) noexcept {
  const std::int64_t channels = a.in.channels;
  const wide::f32 low = wide::set(a.low), high = wide::set(a.high);
  for (std::int64_t r = 0; r < a.in.rows; ++r)
    each_vector(channels, [&](std::int64_t i, auto n) {
      const wide::f32 x = load_some(a.in.x + r * channels + i, n);
      const wide::f32 v = wide::fma(x, load_some(a.scale + i, n), load_some(a.shift + i, n));
      store_some(y + r * channels + i, wide::clamp(v, low, high), n);
    });
}

// The gradient before the clamp, of n channels at `at`.
template <bool Clamps, class Count>
OCTET_INLINE wide::f32 unclamped(const Normalized& a, wide::f32 x, std::int64_t at, std::int64_t i, Count n) {
  const wide::f32 g = load_some(a.gradient + at, n);
  if (!Clamps) return g;
  const wide::f32 y = wide::fma(x, load_some(a.scale + i, n), load_some(a.shift + i, n));
  return within(y, g, wide::set(a.low), wide::set(a.high));
}

template <bool Clamps>
void normalized_sums_of(const Normalized& a, float* sums, float* products) {
  const std::int64_t channels = a.in.channels;
  each_rows(a.in, [&](std::int64_t r, int count, std::int64_t i, auto n) {
    const wide::f32 mean = load_some(a.mean + i, n);
    wide::f32 sum = load_some(sums + i, n), product = load_some(products + i, n);
    for (int k = 0; k < count; ++k) {
      const std::int64_t at = (r + k) * channels + i;
      const wide::f32 x = load_some(a.in.x + at, n), g = unclamped<Clamps>(a, x, at, i, n);
      sum = wide::add(sum, g);
      product = wide::fma(g, wide::sub(x, mean), product);
    }
    store_some(sums + i, sum, n);
    store_some(products + i, product, n);
  });
}
inline void normalized_sums(const Normalized& a, float* sums, float* products) noexcept {
  a.clamps ? normalized_sums_of<true>(a, sums, products) : normalized_sums_of<false>(a, sums, products);
}

template <bool Clamps>
void normalized_gradient_of(const Normalized& a, const float* mean_g, const float* factor, float* dx) {
  const std::int64_t channels = a.in.channels;
  for (std::int64_t r = 0; r < a.in.rows; ++r)
    each_vector(channels, [&](std::int64_t i, auto n) {
      const std::int64_t at = r * channels + i;
      const wide::f32 x = load_some(a.in.x + at, n);
      const wide::f32 g = wide::sub(unclamped<Clamps>(a, x, at, i, n), load_some(mean_g + i, n));
      const wide::f32 d = wide::fma(load_some(factor + i, n), wide::sub(load_some(a.mean + i, n), x), g);
      store_some(dx + at, wide::mul(load_some(a.scale + i, n), d), n);
    });
}
inline void normalized_gradient(const Normalized& a, const float* mean_g, const float* factor, float* dx) noexcept {
  a.clamps ? normalized_gradient_of<true>(a, mean_g, factor, dx) : normalized_gradient_of<false>(a, mean_g, factor, dx);
}

inline void clamp_gradient(const float* y, const float* dy, float* dx, std::int64_t n, float low, float high) noexcept {
  const wide::f32 l = wide::set(low), h = wide::set(high);
  each_vector(n, [&](std::int64_t i, auto count) {
    store_some(dx + i, within(load_some(y + i, count), load_some(dy + i, count), l, h), count);
  });
}

inline void add_scaled(const float* from, float factor, float* to, std::int64_t n) noexcept {
  const wide::f32 f = wide::set(factor);
  each_vector(n, [&](std::int64_t i, auto count) {
    store_some(to + i, wide::fma(load_some(from + i, count), f, load_some(to + i, count)), count);
  });
}

inline void max_gradient(const PoolWindow& w, const float* y, const float* dy, std::ptrdiff_t offset) noexcept {
  const wide::f32 zero = wide::set(0.0f);
  each_vector(w.channels, [&](std::int64_t i, auto n) {
    const wide::f32 largest = load_some(y + i, n);
    wide::f32 left = load_some(dy + i, n);
    for (std::int64_t k = 0; k < w.count; ++k) {
      const wide::f32 x = load_some(reinterpret_cast<const float*>(w.pixels[k]) + i, n);
      float* dx = reinterpret_cast<float*>(const_cast<std::byte*>(w.pixels[k]) + offset) + i;
      store_some(dx, wide::add(load_some(dx, n), wide::select_greater(largest, x, zero, left)), n);
      left = wide::select_greater(largest, x, left, zero);
    }
  });
}

// One image's contribution to the nine sums of a 3x3 kernel, for n channels (one vector) from `c` on.
template <class Count>
OCTET_INLINE void depthwise_weights_3x3(const DepthwiseWeights& d, const float* in, const float* gradient,
                                        wide::f32 (&acc)[9], Count n) {
  for (std::int64_t y = 0; y < d.out_h; ++y) {
    const std::int64_t iy = y * d.stride_h - d.pad_top;
    const auto row_inside = [&](std::int64_t ky) {
      return iy + ky * d.dilation_h >= 0 && iy + ky * d.dilation_h < d.height;
    };
    const bool inside[3] = {row_inside(0), row_inside(1), row_inside(2)};
    const bool all_rows = inside[0] && inside[1] && inside[2];
    const std::int64_t row = d.dilation_h * d.width * d.channels, tap = d.dilation_w * d.channels;
    for (std::int64_t x = 0; x < d.out_w; ++x, gradient += d.channels) {
      const std::int64_t ix = x * d.stride_w - d.pad_left;
      const wide::f32 g = load_some(gradient, n);
      const float* p = in + (iy * d.width + ix) * d.channels;
      if (all_rows && ix >= 0 && ix + 2 * d.dilation_w < d.width) {
        OCTET_UNROLL
        for (int t = 0; t < 9; ++t) acc[t] = wide::fma(load_some(p + t / 3 * row + t % 3 * tap, n), g, acc[t]);
        continue;
      }
      OCTET_UNROLL
      for (int t = 0; t < 9; ++t) {
        const std::int64_t at = ix + t % 3 * d.dilation_w;
        if (inside[t / 3] && at >= 0 && at < d.width)
          acc[t] = wide::fma(load_some(p + t / 3 * row + t % 3 * tap, n), g, acc[t]);
      }
    }
  }
}

// Outputs [first, end) along one direction whose tap lies inside the image.
struct TapRange {
  std::int64_t first, end;
  TapRange(std::int64_t offset, std::int64_t size, std::int64_t stride, std::int64_t out) {
    first = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
    end = offset >= size ? 0 : (size - 1 - offset) / stride + 1;
    if (end > out) end = out;
  }
};

// ... to the sum of one tap of any kernel.
template <class Count>
OCTET_INLINE wide::f32 depthwise_weight(const DepthwiseWeights& d, const float* in, const float* gradient,
                                        std::int64_t ky, std::int64_t kx, wide::f32 acc, Count n) {
  const std::int64_t oy = ky * d.dilation_h - d.pad_top, ox = kx * d.dilation_w - d.pad_left;
  const TapRange ys(oy, d.height, d.stride_h, d.out_h), xs(ox, d.width, d.stride_w, d.out_w);
  for (std::int64_t y = ys.first; y < ys.end; ++y) {
    const float* p = in + ((y * d.stride_h + oy) * d.width + xs.first * d.stride_w + ox) * d.channels;
    const float* g = gradient + (y * d.out_w + xs.first) * d.channels;
    for (std::int64_t x = xs.first; x < xs.end; ++x, p += d.stride_w * d.channels, g += d.channels)
      acc = wide::fma(load_some(p, n), load_some(g, n), acc);
  }
  return acc;
}

inline void depthwise_weights(const DepthwiseWeights& d) noexcept {
  const std::int64_t in_image = d.height * d.width * d.channels, out_image = d.out_h * d.out_w * d.channels;
  const bool small = d.kernel_h == 3 && d.kernel_w == 3;
  each_vector(d.channel_end - d.channel_begin, [&](std::int64_t i, auto n) {
    const std::int64_t c = d.channel_begin + i;
    if (small) {
      wide::f32 acc[9];
      OCTET_UNROLL
      for (int t = 0; t < 9; ++t) acc[t] = load_some(d.sums + t * d.channels + c, n);
      for (std::int64_t image = 0; image < d.images; ++image)
        depthwise_weights_3x3(d, d.in + image * in_image + c, d.gradient + image * out_image + c, acc, n);
      OCTET_UNROLL
      for (int t = 0; t < 9; ++t) store_some(d.sums + t * d.channels + c, acc[t], n);
      return;
    }
    for (std::int64_t t = 0; t < d.kernel_h * d.kernel_w; ++t) {
      float* sum = d.sums + t * d.channels + c;
      wide::f32 acc = load_some(sum, n);
      for (std::int64_t image = 0; image < d.images; ++image)
        acc = depthwise_weight(d, d.in + image * in_image + c, d.gradient + image * out_image + c, t / d.kernel_w,
                               t % d.kernel_w, acc, n);
      store_some(sum, acc, n);
    }
  });
}

inline GradientKernels gradient_kernels() noexcept {
  GradientKernels k;
  k.outer_product = outer_product;
  k.depthwise_weights = depthwise_weights;
  k.channel_sums = channel_sums;
  k.channel_squares = channel_squares;
  k.normalize = normalize;
  k.normalized_sums = normalized_sums;
  k.normalized_gradient = normalized_gradient;
  k.clamp_gradient = clamp_gradient;
  k.add_scaled = add_scaled;
  k.max_gradient = max_gradient;
  return k;
}
