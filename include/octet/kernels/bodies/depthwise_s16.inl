// No include guard: part of every instruction set's kernels.
// Depthwise convolution of 16-bit integers. A vector holds 2 taps for each of its channels; interleaving two pixels
// gives two such vectors. They are a block of channels.

constexpr int s16_channels = 2 * wide::lanes;
constexpr int s16_outputs = wide::registers >= 32 ? 8 : wide::registers >= 16 ? 4 : 2;  // at a time, along a row

// What all pixels of a block of channels have in common.
template <bool Whole>
struct DepthwiseS16 {
  const Depthwise& d;
  const std::byte* weights;
  std::int64_t channel;
  int channels;  // number of channels of the block that exist
  alignas(64) std::int32_t init[s16_channels];
  alignas(64) double scale[s16_channels];  // (both in interleaved order)

  DepthwiseS16(const Depthwise& all, const std::byte* w, std::int64_t first, int count)
      : d(all), weights(w), channel(first), channels(count) {
    for (int c = 0; c < s16_channels; c += 4) {
      const std::int64_t at = interleaved(c, wide::lanes, 2);
      std::memcpy(init + at, d.init + (channel + c) * 4, 16);
      if (d.epilogue.wide_scale) std::memcpy(scale + at, d.epilogue.wide_scale + channel + c, 32);
    }
  }

  wide::block load(const std::byte* pixel) const {
    return Whole ? wide::load_block(pixel + 2 * channel) : wide::load_block_first(pixel + 2 * channel, 2 * channels);
  }
  OCTET_INLINE void start(wide::i32 (&sums)[2]) const {
    sums[0] = wide::load(init);
    sums[1] = wide::load(init + wide::lanes);
  }
  // Stores the sums of `count` adjacent pixels.
  template <int N>
  OCTET_INLINE void store(const wide::i32 (&sums)[N][2], std::int64_t pixel, int count) const {
    const Epilogue& e = d.epilogue;
    if (e.store == Store::i16) {  // packing puts the channels in order
      const codes16::limits limits(e.low, e.high);
      const doubles first = doubles::load(scale), second = doubles::load(scale + wide::lanes),
                    nudge = doubles::set(e.nudge);
      OCTET_UNROLL
      for (int o = 0; o < N; ++o)
        if (o < count)
          codes16::store_first(codes_at(e, pixel + o, channel),
                               codes_of(sums[o][0], sums[o][1], first, second, nudge, limits), channels);
      return;
    }
    alignas(64) std::int32_t acc[N][s16_channels];
    OCTET_UNROLL
    for (int o = 0; o < N; ++o) {
      wide::i32 first, second;
      wide::in_order(sums[o][0], sums[o][1], first, second);
      wide::store(acc[o], first);
      wide::store(acc[o] + wide::lanes, second);
    }
    e.custom(e, reinterpret_cast<const std::byte*>(acc), sizeof(acc[0]), e.first_row + pixel, count,
             e.first_column + channel, channels);
  }
};

// Adds the products of two taps.
OCTET_INLINE void dot_taps(wide::i32 (&sums)[2], wide::i32 low, wide::i32 high, const std::byte* w) {
  wide::dot_i16(sums[0], low, wide::load(reinterpret_cast<const std::int32_t*>(w)));
  wide::dot_i16(sums[1], high, wide::load(reinterpret_cast<const std::int32_t*>(w + vector_bytes)));
}

// Several adjacent outputs of kernels of size K x K: taps of two kernel rows are multiplied together, so that all
// outputs with a pixel in their windows use what is interleaved of it. `outside`: the rows for columns that do not
// exist.
template <int K, int S, bool Whole>
OCTET_NOINLINE void s16_row_outputs(const DepthwiseS16<Whole>& b, const std::byte* const (&rows)[K],
                                    const std::byte* const (&outside)[K], std::int64_t pixel, std::int64_t x,
                                    int count) {
  constexpr int columns = S * (s16_outputs - 1) + K, pairs = (K + 1) / 2;
  wide::i32 sums[s16_outputs][2];
  OCTET_UNROLL
  for (int o = 0; o < s16_outputs; ++o) b.start(sums[o]);
  const std::int64_t first = x * S - b.d.shape.pad_left;
  OCTET_UNROLL
  for (int i = 0; i < columns; ++i) {
    const bool exists = first + i >= 0 && first + i < b.d.shape.in_w;
    const auto& row = exists ? rows : outside;
    const std::int64_t at = exists ? (first + i) * b.d.shape.in_c * 2 : 0;
    OCTET_UNROLL
    for (int j = 0; j < pairs; ++j) {
      const wide::block upper = b.load(row[2 * j] + at), lower = 2 * j + 1 < K ? b.load(row[2 * j + 1] + at) : upper;
      const wide::i32 low = wide::as_i32(wide::low_pairs(upper, lower)),
                      high = wide::as_i32(wide::high_pairs(upper, lower));
      OCTET_UNROLL
      for (int o = 0; o < s16_outputs; ++o) {
        const int k = i - S * o;
        if (k >= 0 && k < K) dot_taps(sums[o], low, high, b.weights + (k * pairs + j) * 2 * vector_bytes);
      }
    }
  }
  b.store(sums, pixel, count);
}

template <int K, int S, bool Whole>
void s16_rows(const DepthwiseS16<Whole>& b) {
  const Depthwise& d = b.d;
  const std::byte *rows[K], *outside[K];
  for (const std::byte*& row : outside) row = d.padding;
  for (std::int64_t y = d.row_begin; y < d.row_end; ++y) {
    for (int ky = 0; ky < K; ++ky) {
      const std::int64_t iy = y * S - d.shape.pad_top + ky;
      rows[ky] = iy >= 0 && iy < d.shape.in_h ? d.in + iy * d.shape.in_w * d.shape.in_c * 2 : d.padding;
    }
    for (std::int64_t x = 0; x < d.shape.out_w; x += s16_outputs) {
      const std::int64_t left = d.shape.out_w - x;
      s16_row_outputs<K, S>(b, rows, outside, y * d.shape.out_w + x, x,
                            left < s16_outputs ? static_cast<int>(left) : s16_outputs);
    }
  }
}

// Kernels of any size, one output pixel at a time.
template <bool Whole>
void s16_pixels(const DepthwiseS16<Whole>& b) {
  const Depthwise& d = b.d;
  const std::int64_t pairs = (d.repeat * d.shape.taps() + 1) / 2;
  each_pixel(d, d.shape.in_c * 2, [&](std::int64_t pixel, std::int64_t offset) {
    wide::i32 sums[1][2];
    b.start(sums[0]);
    for (std::int64_t p = 0; p < pairs; ++p) {
      const wide::block first = b.load(d.taps[2 * p] + offset), second = b.load(d.taps[2 * p + 1] + offset);
      dot_taps(sums[0], wide::as_i32(wide::low_pairs(first, second)), wide::as_i32(wide::high_pairs(first, second)),
               b.weights + p * 2 * vector_bytes);
    }
    b.store(sums, pixel, 1);
  });
}

template <bool Whole>
void s16_block(const DepthwiseS16<Whole>& b) {
  const Depthwise& d = b.d;
  if (!d.by_rows) return s16_pixels(b);
  if (d.shape.square(3, 1)) return s16_rows<3, 1>(b);
  if (d.shape.square(3, 2)) return s16_rows<3, 2>(b);
  if (d.shape.square(5, 1)) return s16_rows<5, 1>(b);
  return s16_rows<5, 2>(b);
}

inline void depthwise_s16(const Depthwise& d) noexcept {
  const std::int64_t taps = d.repeat * d.shape.taps();
  if (taps % 2) d.taps[taps] = d.padding;  // its weight is zero
  const std::int64_t pairs = d.by_rows ? d.shape.kernel_w * ((d.shape.kernel_h + 1) / 2) : (taps + 1) / 2;
  for (std::int64_t c = d.channel_begin; c < d.channel_end; c += s16_channels) {
    const std::byte* weights = d.weights + c * pairs * 4;
    if (d.channel_end - c >= s16_channels)
      s16_block(DepthwiseS16<true>{d, weights, c, s16_channels});
    else
      s16_block(DepthwiseS16<false>{d, weights, c, static_cast<int>(d.channel_end - c)});
  }
}
