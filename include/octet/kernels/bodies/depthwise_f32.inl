// No include guard: part of every instruction set's kernels.
// Depthwise convolution of floats.

// N vectors of channels of one output pixel. Weights: [channels / 32][taps][32].
template <int N>
void depthwise_f32_vectors(const Depthwise& d, std::int64_t channel, std::int64_t taps, std::int64_t pixel,
                           std::int64_t offset) {
  const auto* w = reinterpret_cast<const float*>(d.weights) + channel / depthwise_block * depthwise_block * taps +
                  channel % depthwise_block;
  const int last =
      static_cast<int>(d.shape.in_c - channel < N * wide::lanes ? d.shape.in_c - channel : N * wide::lanes) -
      (N - 1) * wide::lanes;  // channels of the last vector
  wide::f32 acc[N];
  OCTET_UNROLL
  for (int j = 0; j < N; ++j) acc[j] = wide::load(reinterpret_cast<const float*>(d.init) + channel + j * wide::lanes);
  for (std::int64_t t = 0; t < taps; ++t, w += depthwise_block) {
    const auto* p = reinterpret_cast<const float*>(d.taps[t] + offset) + channel;
    OCTET_UNROLL
    for (int j = 0; j < N; ++j) {
      const auto x = N > 1 || last == wide::lanes ? wide::load(p + j * wide::lanes) : wide::load_first(p, last);
      acc[j] = wide::fma(x, wide::load(w + j * wide::lanes), acc[j]);
    }
  }
  const Epilogue& e = d.epilogue;
  std::byte* out = e.out + pixel * e.out_stride + channel * 4;
  const std::byte* residual = residual_at(e, pixel, channel * 4);
  OCTET_UNROLL
  for (int j = 0; j < N; ++j)
    store_f32(e, acc[j], out + j * vector_bytes, residual ? residual + j * vector_bytes : nullptr,
              N > 1 ? wide::lanes : last);
}

// The output pixels [begin, end) of a row of a 3x3 convolution whose taps are all inside the row: computes N vectors of
// channels for pixel after pixel, with the weights in registers. Whole: `last`, the channels of the last vector, is
// wide::lanes.
template <int N, bool Whole>
void depthwise_f32_3x3(const Depthwise& d, const std::byte* const (&rows)[3], std::int64_t channel, std::int64_t y,
                       std::int64_t begin, std::int64_t end, int last) {
  const auto* weights = reinterpret_cast<const float*>(d.weights) + channel / depthwise_block * depthwise_block * 9 +
                        channel % depthwise_block;
  wide::f32 w[9][N];
  OCTET_UNROLL
  for (int t = 0; t < 9; ++t) {
    OCTET_UNROLL
    for (int j = 0; j < N; ++j) w[t][j] = wide::load(weights + t * depthwise_block + j * wide::lanes);
  }
  const Epilogue& e = d.epilogue;
  const std::ptrdiff_t pixel_bytes = d.shape.in_c * 4, tap = d.shape.dilation_w * pixel_bytes,
                       step = d.shape.stride_w * pixel_bytes;
  const std::ptrdiff_t from = begin * step - d.shape.pad_left * pixel_bytes + channel * 4;
  const std::byte *p0 = rows[0] + from, *p1 = rows[1] + from, *p2 = rows[2] + from;
  std::byte* out = e.out + (y * d.shape.out_w + begin) * e.out_stride + channel * 4;
  const std::byte* residual = residual_at(e, y * d.shape.out_w + begin, channel * 4);
  const auto* init = reinterpret_cast<const float*>(d.init) + channel;
  for (std::int64_t x = begin; x < end; ++x, p0 += step, p1 += step, p2 += step, out += e.out_stride) {
    wide::f32 acc[N];
    OCTET_UNROLL
    for (int j = 0; j < N; ++j) acc[j] = wide::load(init + j * wide::lanes);
    OCTET_UNROLL
    for (int t = 0; t < 9; ++t) {
      const std::byte* p = (t < 3 ? p0 : t < 6 ? p1 : p2) + t % 3 * tap;
      OCTET_UNROLL
      for (int j = 0; j < N; ++j) {
        const float* from_p = reinterpret_cast<const float*>(p) + j * wide::lanes;
        acc[j] = wide::fma(Whole || j + 1 < N ? wide::load(from_p) : wide::load_first(from_p, last), w[t][j], acc[j]);
      }
    }
    OCTET_UNROLL
    for (int j = 0; j < N; ++j)
      store_f32(e, acc[j], out + j * vector_bytes, residual ? residual + j * vector_bytes : nullptr,
                Whole || j + 1 < N ? wide::lanes : last);
    if (residual) residual += e.residual_stride;
  }
}

// All channels of one output pixel from the pointers to its taps.
inline void depthwise_f32_pixel(const Depthwise& d, std::int64_t pixel, std::int64_t offset) {
  constexpr int vectors = depthwise_block / wide::lanes;
  const std::int64_t taps = d.shape.taps();
  std::int64_t c = d.channel_begin;
  for (; c + depthwise_block <= d.channel_end; c += depthwise_block)
    depthwise_f32_vectors<vectors>(d, c, taps, pixel, offset);
  for (; c < d.channel_end; c += wide::lanes) depthwise_f32_vectors<1>(d, c, taps, pixel, offset);
}

inline void depthwise_f32_rows_3x3(const Depthwise& d) {
  constexpr int vectors = wide::registers >= 32 ? 2 : 1;  // they need nine vectors of weights each
  const std::int64_t reach = 2 * d.shape.dilation_w,
                     whole = d.channel_begin + (d.channel_end - d.channel_begin) / depthwise_block * depthwise_block;
  // The output pixels whose taps are all inside the row.
  const std::int64_t begin = (d.shape.pad_left + d.shape.stride_w - 1) / d.shape.stride_w;
  const std::int64_t room = d.shape.in_w - 1 - reach + d.shape.pad_left;
  const std::int64_t last = room < 0 ? begin : room / d.shape.stride_w + 1,
                     end = last < d.shape.out_w ? last : d.shape.out_w;
  for (std::int64_t y = d.row_begin; y < d.row_end; ++y) {
    const std::byte* rows[3];
    for (std::int64_t ky = 0; ky < 3; ++ky) {
      const std::int64_t iy = y * d.shape.stride_h - d.shape.pad_top + ky * d.shape.dilation_h;
      rows[ky] = iy >= 0 && iy < d.shape.in_h ? d.in + iy * d.shape.in_w * d.shape.in_c * 4 : d.padding;
    }
    for (std::int64_t c = d.channel_begin; begin < end && c < whole; c += vectors * wide::lanes)
      depthwise_f32_3x3<vectors, true>(d, rows, c, y, begin, end, wide::lanes);
    for (std::int64_t c = whole; begin < end && c < d.channel_end; c += wide::lanes) {
      const std::int64_t left = d.channel_end - c;
      if (left >= wide::lanes)
        depthwise_f32_3x3<1, true>(d, rows, c, y, begin, end, wide::lanes);
      else
        depthwise_f32_3x3<1, false>(d, rows, c, y, begin, end, static_cast<int>(left));
    }
    for (std::int64_t x = 0; x < d.shape.out_w; ++x) {
      if (x >= begin && x < end) continue;
      find_taps(d, y, x, d.shape.in_c * 4);
      depthwise_f32_pixel(d, y * d.shape.out_w + x, 0);
    }
  }
}

inline void depthwise_f32(const Depthwise& d) noexcept {
  if (d.shape.kernel_h == 3 && d.shape.kernel_w == 3) return depthwise_f32_rows_3x3(d);
  each_pixel(d, d.shape.in_c * 4,
             [&](std::int64_t pixel, std::int64_t offset) { depthwise_f32_pixel(d, pixel, offset); });
}
