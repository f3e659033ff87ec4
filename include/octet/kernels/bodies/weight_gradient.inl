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
  for (std::int64_t y = 0; y < d.shape.out_h; ++y) {
    const std::int64_t iy = y * d.shape.stride_h - d.shape.pad_top;
    const auto row_inside = [&](std::int64_t ky) {
      return iy + ky * d.shape.dilation_h >= 0 && iy + ky * d.shape.dilation_h < d.shape.in_h;
    };
    const bool inside[3] = {row_inside(0), row_inside(1), row_inside(2)};
    const bool all_rows = inside[0] && inside[1] && inside[2];
    const std::int64_t row = d.shape.dilation_h * d.shape.in_w * d.shape.in_c, tap = d.shape.dilation_w * d.shape.in_c;
    for (std::int64_t x = 0; x < d.shape.out_w; ++x, gradient += d.shape.in_c) {
      const std::int64_t ix = x * d.shape.stride_w - d.shape.pad_left;
      const wide::f32 g = load_some(gradient, n);
      const float* p = in + (iy * d.shape.in_w + ix) * d.shape.in_c;
      if (all_rows && ix >= 0 && ix + 2 * d.shape.dilation_w < d.shape.in_w) {
        OCTET_UNROLL
        for (int t = 0; t < 9; ++t) acc[t] = wide::fma(load_some(p + t / 3 * row + t % 3 * tap, n), g, acc[t]);
        continue;
      }
      OCTET_UNROLL
      for (int t = 0; t < 9; ++t) {
        const std::int64_t at = ix + t % 3 * d.shape.dilation_w;
        if (inside[t / 3] && at >= 0 && at < d.shape.in_w)
          acc[t] = wide::fma(load_some(p + t / 3 * row + t % 3 * tap, n), g, acc[t]);
      }
    }
  }
}

// Adds the contribution of one image to the sum of one tap, for any kernel.
template <class Count>
OCTET_INLINE wide::f32 depthwise_weight(const DepthwiseWeights& d, const float* in, const float* gradient,
                                        std::int64_t ky, std::int64_t kx, wide::f32 acc, Count n) {
  const std::int64_t oy = ky * d.shape.dilation_h - d.shape.pad_top, ox = kx * d.shape.dilation_w - d.shape.pad_left;
  const TapRange ys(oy, d.shape.in_h, d.shape.stride_h, d.shape.out_h),
      xs(ox, d.shape.in_w, d.shape.stride_w, d.shape.out_w);
  for (std::int64_t y = ys.first; y < ys.end; ++y) {
    const float* p =
        in + ((y * d.shape.stride_h + oy) * d.shape.in_w + xs.first * d.shape.stride_w + ox) * d.shape.in_c;
    const float* g = gradient + (y * d.shape.out_w + xs.first) * d.shape.in_c;
    for (std::int64_t x = xs.first; x < xs.end; ++x, p += d.shape.stride_w * d.shape.in_c, g += d.shape.in_c)
      acc = wide::fma(load_some(p, n), load_some(g, n), acc);
  }
  return acc;
}

inline void depthwise_weights(const DepthwiseWeights& d) noexcept {
  const std::int64_t in_image = d.shape.in_h * d.shape.in_w * d.shape.in_c,
                     out_image = d.shape.out_h * d.shape.out_w * d.shape.in_c;
  const bool small = d.shape.kernel_h == 3 && d.shape.kernel_w == 3;
  each_vector(d.channel_end - d.channel_begin, [&](std::int64_t i, auto n) {
    const std::int64_t c = d.channel_begin + i;
    if (small) {
      wide::f32 acc[9];
      OCTET_UNROLL
      for (int t = 0; t < 9; ++t) acc[t] = load_some(d.sums + t * d.shape.in_c + c, n);
      for (std::int64_t image = 0; image < d.shape.batch; ++image)
        depthwise_weights_3x3(d, d.in + image * in_image + c, d.gradient + image * out_image + c, acc, n);
      OCTET_UNROLL
      for (int t = 0; t < 9; ++t) store_some(d.sums + t * d.shape.in_c + c, acc[t], n);
      return;
    }
    for (std::int64_t t = 0; t < d.shape.taps(); ++t) {
      float* sum = d.sums + t * d.shape.in_c + c;
      wide::f32 acc = load_some(sum, n);
      for (std::int64_t image = 0; image < d.shape.batch; ++image)
        acc = depthwise_weight(d, d.in + image * in_image + c, d.gradient + image * out_image + c, t / d.shape.kernel_w,
                               t % d.shape.kernel_w, acc, n);
      store_some(sum, acc, n);
    }
  });
}
