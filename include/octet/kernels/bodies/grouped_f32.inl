// No include guard: part of every instruction set's kernels.
// Convolution of floats in groups of few channels (see ../grouped_convolution.hpp). A vector holds the channels of
// several whole groups, of one pixel: outputs are sums of products of weights with the inputs of their groups, which
// permutations bring into their places.

// One vector of channels, from `channel` on, of `Pixels` output pixels; taps are at d.taps[t] + offset + i * step.
template <int Pixels>
OCTET_INLINE void grouped_f32_pixels(const Depthwise& d, const float* weights, std::int64_t channel, int columns,
                                     std::int64_t pixel, std::int64_t offset, std::int64_t step) {
  const std::int64_t taps = d.shape.taps(), group = d.shape.group_in();
  wide::f32 acc[Pixels];
  std::int32_t first[wide::lanes];  // of the group of each lane
  for (int i = 0; i < wide::lanes; ++i) first[i] = static_cast<std::int32_t>(i / group * group);
  const wide::i32 from = wide::load(first), one = wide::set(1);
  const auto* init = reinterpret_cast<const float*>(d.init) + channel;
  OCTET_UNROLL
  for (int p = 0; p < Pixels; ++p) acc[p] = wide::load_first(init, columns);
  for (std::int64_t t = 0; t < taps; ++t) {
    const std::byte* in = d.taps[t] + offset + channel * 4;
    wide::f32 x[Pixels];
    OCTET_UNROLL
    for (int p = 0; p < Pixels; ++p) {
      const auto* at = reinterpret_cast<const float*>(in + p * step);
      x[p] = columns == wide::lanes ? wide::load(at) : wide::load_first(at, columns);
    }
    wide::i32 place = from;
    for (std::int64_t i = 0; i < group; ++i, weights += wide::lanes, place = wide::add(place, one)) {
      const wide::f32 w = wide::load(weights);
      OCTET_UNROLL
      for (int p = 0; p < Pixels; ++p) acc[p] = wide::fma(wide::permute(x[p], place), w, acc[p]);
    }
  }
  const Epilogue& e = d.epilogue;
  std::byte* out = e.out + pixel * e.out_stride + channel * 4;
  const std::byte* residual = residual_at(e, pixel, channel * 4);
  store_f32(e, acc, out, residual, columns);
}

inline void grouped_f32(const Depthwise& d) noexcept {
  constexpr int pixels = wide::registers >= 32 ? 8 : 4;
  const ConvolutionShape& s = d.shape;
  const std::int64_t group = s.group_in(), width = wide::lanes / group * group, pixel_bytes = s.in_c * 4;
  const std::int64_t step = s.stride_w * pixel_bytes, block = s.taps() * group * wide::lanes;
  const InsideRow inside(s);
  const std::int64_t begin = inside.begin, end = inside.end;
  const auto each_vector = [&](auto f) {
    for (std::int64_t c = d.channel_begin; c < d.channel_end; c += width) {
      const std::int64_t left = d.channel_end - c;
      f(reinterpret_cast<const float*>(d.weights) + c / width * block, c,
        static_cast<int>(left < width ? left : width));
    }
  };
  for (std::int64_t y = d.row_begin; y < d.row_end; ++y) {
    const std::int64_t row = y * s.out_w;
    if (begin < end) {
      find_taps(d, y, begin, pixel_bytes);
      each_vector([&](const float* weights, std::int64_t c, int columns) {
        std::int64_t x = begin;
        for (; x + pixels <= end; x += pixels)
          grouped_f32_pixels<pixels>(d, weights, c, columns, row + x, (x - begin) * step, step);
        for (; x < end; ++x) grouped_f32_pixels<1>(d, weights, c, columns, row + x, (x - begin) * step, step);
      });
    }
    for (std::int64_t x = 0; x < s.out_w; ++x) {
      if (x == begin && begin < end) x = end;
      if (x >= s.out_w) break;
      find_taps(d, y, x, pixel_bytes);
      each_vector([&](const float* weights, std::int64_t c, int columns) {
        grouped_f32_pixels<1>(d, weights, c, columns, row + x, 0, step);
      });
    }
  }
}
