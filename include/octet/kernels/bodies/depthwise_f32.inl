// No include guard: part of every instruction set's kernels.
// Depthwise convolution of floats.

// N vectors of channels of one output pixel. Weights: [channels / 32][taps][32]. Several vectors are whole.
template <int N>
void depthwise_f32_vectors(const Depthwise& d, std::int64_t channel, std::int64_t taps, std::int64_t pixel,
                           std::int64_t offset) {
  const auto* w = reinterpret_cast<const float*>(d.weights) + channel / depthwise_block * depthwise_block * taps +
                  channel % depthwise_block;
  const int last =
      static_cast<int>(d.shape.in_c - channel < N * wide::lanes ? d.shape.in_c - channel : N * wide::lanes) -
      (N - 1) * wide::lanes;  // channels of the last vector
  constexpr int in_block = depthwise_block / wide::lanes;
  const std::int64_t next = depthwise_block * taps;
  wide::f32 acc[N];
  OCTET_UNROLL
  for (int j = 0; j < N; ++j) acc[j] = wide::load(reinterpret_cast<const float*>(d.init) + channel + j * wide::lanes);
  for (std::int64_t t = 0; t < taps; ++t, w += depthwise_block) {
    const auto* p = reinterpret_cast<const float*>(d.taps[t] + offset) + channel;
    OCTET_UNROLL
    for (int j = 0; j < N; ++j) {
      const auto x = N > 1 || last == wide::lanes ? wide::load(p + j * wide::lanes) : wide::load_first(p, last);
      acc[j] = wide::fma(x, wide::load(w + j / in_block * next + j % in_block * wide::lanes), acc[j]);
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
// channels for pixel after pixel, with the weights in registers. Few: one vector, of the last `count` channels only.
template <int N, bool Few>
void depthwise_f32_3x3(const Depthwise& d, const std::byte* const (&rows)[3], std::int64_t channel, int count,
                       std::int64_t y, std::int64_t begin, std::int64_t end) {
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
      const auto* p = reinterpret_cast<const float*>((t < 3 ? p0 : t < 6 ? p1 : p2) + t % 3 * tap);
      OCTET_UNROLL
      for (int j = 0; j < N; ++j)
        acc[j] = wide::fma(Few ? wide::load_first(p, count) : wide::load(p + j * wide::lanes), w[t][j], acc[j]);
    }
    OCTET_UNROLL
    for (int j = 0; j < N; ++j)
      store_f32(e, acc[j], out + j * vector_bytes, residual ? residual + j * vector_bytes : nullptr,
                Few ? count : wide::lanes);
    if (residual) residual += e.residual_stride;
  }
}

// All channels of one output pixel from the pointers to its taps.
inline void depthwise_f32_pixel(const Depthwise& d, std::int64_t from, std::int64_t pixel, std::int64_t offset) {
  constexpr int vectors = depthwise_block / wide::lanes;
  const std::int64_t taps = d.shape.taps();
  std::int64_t c = from;
  if constexpr (vectors <= 4)  // enough sums to hide the latency of a multiplication
    for (; c + 2 * depthwise_block <= d.channel_end; c += 2 * depthwise_block)
      depthwise_f32_vectors<2 * vectors>(d, c, taps, pixel, offset);
  for (; c + depthwise_block <= d.channel_end; c += depthwise_block)
    depthwise_f32_vectors<vectors>(d, c, taps, pixel, offset);
  for (; c < d.channel_end; c += wide::lanes) depthwise_f32_vectors<1>(d, c, taps, pixel, offset);
}

inline void depthwise_f32_rows_3x3(const Depthwise& d) {
  constexpr int vectors = wide::registers >= 32 ? 2 : 1;  // they need nine vectors of weights each
  const std::int64_t reach = 2 * d.shape.dilation_w;
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
    for (std::int64_t c = d.channel_begin; begin < end && c < d.channel_end;) {
      const std::int64_t left = d.channel_end - c;
      if (left >= vectors * wide::lanes) {
        depthwise_f32_3x3<vectors, false>(d, rows, c, 0, y, begin, end);
        c += vectors * wide::lanes;
      } else if (left >= wide::lanes) {
        depthwise_f32_3x3<1, false>(d, rows, c, 0, y, begin, end);
        c += wide::lanes;
      } else {
        depthwise_f32_3x3<1, true>(d, rows, c, static_cast<int>(left), y, begin, end);
        break;
      }
    }
    for (std::int64_t x = 0; x < d.shape.out_w; ++x) {
      if (x >= begin && x < end) {
        x = end - 1;
        continue;
      }
      find_taps(d, y, x, d.shape.in_c * 4);
      depthwise_f32_pixel(d, d.channel_begin, y * d.shape.out_w + x, 0);
    }
  }
}

// One vector of channels of `Pixels` output pixels in a row: each vector of weights is read once for all of them.
template <int Pixels>
OCTET_INLINE void depthwise_f32_pixels(const Depthwise& d, std::int64_t channel, std::int64_t pixel,
                                       std::int64_t offset, std::int64_t step) {
  const std::int64_t taps = d.shape.taps(), left = d.channel_end - channel;
  const auto* w = reinterpret_cast<const float*>(d.weights) + channel / depthwise_block * depthwise_block * taps +
                  channel % depthwise_block;
  const bool whole = left >= wide::lanes;
  const int columns = whole ? wide::lanes : static_cast<int>(left);
  wide::f32 acc[Pixels];
  OCTET_UNROLL
  for (int p = 0; p < Pixels; ++p) acc[p] = wide::load(reinterpret_cast<const float*>(d.init) + channel);
  for (std::int64_t t = 0; t < taps; ++t, w += depthwise_block) {
    const std::byte* in = d.taps[t] + offset + channel * 4;
    const wide::f32 weights = wide::load(w);
    OCTET_UNROLL
    for (int p = 0; p < Pixels; ++p) {
      const auto* x = reinterpret_cast<const float*>(in + p * step);
      acc[p] = wide::fma(whole ? wide::load(x) : wide::load_first(x, columns), weights, acc[p]);
    }
  }
  const Epilogue& e = d.epilogue;
  store_f32(e, acc, e.out + pixel * e.out_stride + channel * 4, residual_at(e, pixel, channel * 4), columns);
}

// All rows in blocks, vector after vector of channels, so that rows that several outputs read stay in the L1 cache.
inline void depthwise_f32(const Depthwise& d) noexcept {
  if (d.shape.kernel_h == 3 && d.shape.kernel_w == 3) return depthwise_f32_rows_3x3(d);
  constexpr std::int64_t pixels = 8, few = 4;
  const std::int64_t pixel_bytes = d.shape.in_c * 4, step = d.shape.stride_w * pixel_bytes, out_w = d.shape.out_w;
  const InsideRow inside(d.shape);
  const std::int64_t begin = inside.begin, end = begin + (inside.end - begin) / few * few;
  const std::int64_t block =
      end - begin >= 3 * pixels ? 4 : 1;  // rows; with few pixels, finding their taps takes longer
  for (std::int64_t first = d.row_begin; first < d.row_end; first += block) {
    const std::int64_t last = first + block < d.row_end ? first + block : d.row_end;
    for (std::int64_t c = d.channel_begin; begin < end && c < d.channel_end; c += wide::lanes)
      for (std::int64_t y = first; y < last; ++y) {
        if (block > 1 || c == d.channel_begin) find_taps(d, y, begin, pixel_bytes);
        const std::int64_t row = y * out_w;
        std::int64_t x = begin;
        for (; x + pixels <= end; x += pixels) depthwise_f32_pixels<pixels>(d, c, row + x, (x - begin) * step, step);
        if (x < end) depthwise_f32_pixels<few>(d, c, row + x, (x - begin) * step, step);
      }
    for (std::int64_t y = first; y < last; ++y)
      for (std::int64_t x = 0; x < out_w; ++x) {
        if (x == begin && begin < end) x = end;
        if (x == out_w) break;
        find_taps(d, y, x, pixel_bytes);
        depthwise_f32_pixel(d, d.channel_begin, y * out_w + x, 0);
      }
  }
}
