// No include guard: part of every instruction set's kernels. Gradients with respect to depthwise weights: sums over all
// pixels, see ../gradient.hpp.

// Calls f(offset, count) for the elements [0, n), one vector at a time; the last may have fewer elements.
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

// Adds the contribution of one image to the nine sums of a 3x3 kernel, for n channels (one vector) from `c` on.
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

// Adds the contribution of one image to the sum of one tap, for any kernel.
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
