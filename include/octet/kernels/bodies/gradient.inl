// No include guard: part of every instruction set's kernels. Kernels for training, elementwise and per channel (see
// ../gradient.hpp); those for gradients of weights are in other files.

// Calls f(row, count, i, n) for all rows, `count` at a time (4, then 1), and for vectors of n channels from `i` on, so
// that sums are loaded and stored once for several rows. (All products that are added use fused multiply-add
// explicitly, since compilers would fuse some of them on some instruction sets.)
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

// The gradient with respect to the numbers before the clamp, for n channels at `at`.
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
  if (a.clamps)
    normalized_sums_of<true>(a, sums, products);
  else
    normalized_sums_of<false>(a, sums, products);
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
  if (a.clamps)
    normalized_gradient_of<true>(a, mean_g, factor, dx);
  else
    normalized_gradient_of<false>(a, mean_g, factor, dx);
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

inline GradientKernels gradient_kernels() noexcept {
  GradientKernels k;
  k.outer_product = outer_product<F32>;
  k.depthwise_weights = depthwise_weights;
  k.channel_sums = channel_sums;
  k.channel_squares = channel_squares;
  k.normalize = normalize;
  k.normalized_sums = normalized_sums;
  k.normalized_gradient = normalized_gradient;
  k.clamp_gradient = clamp_gradient;
  k.add_scaled = add_scaled;
  k.fake_quantize = fake_quantize;
  k.pass_inside = pass_inside;
  k.fake_quantize_gradient = fake_quantize_gradient;
  k.round_sums = round_sums;
  k.max_gradient = max_gradient;
  return k;
}
