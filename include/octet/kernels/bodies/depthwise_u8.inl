// No include guard: part of every instruction set's kernels.
// Depthwise convolution of bytes. A vector holds 4 taps for each of its channels; interleaving the bytes of 4 pixels
// gives four such vectors. They are a block of channels, whose sums are in interleaved order. Where bytes are
// multiplied as 16-bit integers (V::widens), it holds 2 taps.

template <class V>
constexpr int block_channels = 4 * V::lanes;

// What all pixels of a block of channels have in common.
template <class V>
struct DepthwiseBlock {
  const Depthwise& d;
  const std::byte* weights;
  std::int64_t channel;
  int channels;  // number of channels of the block that exist
  alignas(64) std::int32_t init[block_channels<V>];
  alignas(64) float scale[block_channels<V>], shift[block_channels<V>];

  // `lacking`: the corrections after the block's weights, if activations are multiplied less 128 (V::shifted).
  DepthwiseBlock(const Depthwise& all, const std::byte* w, [[maybe_unused]] const std::byte* lacking,
                 std::int64_t first)
      : d(all), weights(w), channel(first) {
    const std::int64_t left = d.channel_end - first;
    channels = static_cast<int>(left < block_channels<V> ? left : block_channels<V>);
    interleave<V, 4>(reinterpret_cast<const std::int32_t*>(d.init) + channel, init);
    if constexpr (V::shifted)
      for (int i = 0; i < 4; ++i) {
        const auto more = V::load(reinterpret_cast<const std::int32_t*>(lacking) + i * V::lanes);
        V::store(init + i * V::lanes, V::add(V::load(init + i * V::lanes), more));
      }
    if (d.epilogue.scale) interleave<V, 4>(d.epilogue.scale + channel, scale);
    if (d.epilogue.shift) interleave<V, 4>(d.epilogue.shift + channel, shift);
  }
  template <bool Whole>
  typename V::block load(const std::byte* pixel) const {
    return Whole ? V::load_block(pixel + channel) : V::load_block_first(pixel + channel, channels);
  }
  typename V::i32 load_init(int i) const { return V::load(init + i * V::lanes); }

  // Stores the sums of `count` adjacent pixels, the first of which is `pixel`. (Without lambdas, which would keep the
  // sums in memory.)
  template <int N>
  OCTET_INLINE void store(const typename V::i32 (&sums)[N][4], std::int64_t pixel, int count) const {
    if (d.epilogue.store == Store::u8 && d.epilogue.limit() == Limit::none)
      return store_bytes<Limit::none>(sums, pixel, count, nullptr);
    if (d.epilogue.store == Store::u8 || d.epilogue.store == Store::u8_shifted)
      return store_bytes<Limit::clamp>(sums, pixel, count, shifts());
    alignas(64) std::int32_t apart[N][block_channels<V>];
    OCTET_UNROLL
    for (int o = 0; o < N; ++o) {
      OCTET_UNROLL
      for (int i = 0; i < 4; ++i) V::store(apart[o] + i * V::lanes, sums[o][i]);
    }
    for (int o = 0; o < count; ++o) store_otherwise(apart[o], pixel + o);
  }

 private:
  const float* shifts() const { return d.epilogue.store == Store::u8_shifted ? shift : nullptr; }
  template <Limit L, int N>
  OCTET_INLINE void store_bytes(const typename V::i32 (&sums)[N][4], std::int64_t pixel, int count,
                                const float* shift_or_null) const {
    std::byte* out = d.epilogue.out + pixel * d.epilogue.out_stride + channel;
    OCTET_UNROLL
    for (int o = 0; o < N; ++o, out += d.epilogue.out_stride)
      if (o < count) store_unit<V, 4, L, false>(d.epilogue, sums[o], scale, shift_or_null, out, nullptr, 1, channels);
  }
  OCTET_NOINLINE void store_otherwise(const std::int32_t* sums, std::int64_t pixel) const {
    const Epilogue& e = d.epilogue;
    if (stores_bytes(e.store))
      return store_units<V, 4>(e, reinterpret_cast<const std::byte*>(sums), 0, scale, shifts(),
                               e.out + pixel * e.out_stride + channel, residual_at(e, pixel, channel), 1, channels);
    alignas(64) std::int32_t in_order[block_channels<V> + panel_columns];
    for (int c = 0; c < block_channels<V>; c += 4) std::memcpy(in_order + c, sums + interleaved(c, V::lanes, 4), 16);
    if (e.store == Store::custom)
      return e.custom(e, reinterpret_cast<const std::byte*>(in_order), 0, e.first_row + pixel, 1,
                      e.first_column + channel, channels);
    for (int c = 0; c < channels; c += panel_columns)
      store_rows(e, reinterpret_cast<const std::byte*>(in_order + c), pixel, 1, channel + c,
                 channels - c < panel_columns ? channels - c : panel_columns);
  }
};

// The interleaved bytes of two pixels, and of two such pairs: the vectors of 4 taps.
template <class V>
struct PixelPair {
  typename V::block low, high;
  PixelPair() = default;
  OCTET_INLINE PixelPair(typename V::block a, typename V::block b)
      : low(V::low_bytes(a, b)), high(V::high_bytes(a, b)) {}
};
template <class V>
struct FourTaps {
  typename V::i32 v[4];
  OCTET_INLINE FourTaps(const PixelPair<V>& a, const PixelPair<V>& b)
      : v{V::as_i32(V::low_pairs(a.low, b.low)), V::as_i32(V::high_pairs(a.low, b.low)),
          V::as_i32(V::low_pairs(a.high, b.high)), V::as_i32(V::high_pairs(a.high, b.high))} {}
  OCTET_INLINE void dot(typename V::i32 (&sums)[4], const std::byte* w) const {
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i) V::dot(sums[i], V::split(v[i]), V::load_weights(w + i * V::lanes * 4));
  }
};

// One such pair, widened.
template <class V>
struct TwoTaps {
  typename V::i32 v[4];
  OCTET_INLINE TwoTaps(const PixelPair<V>& a, const PixelPair<V>&) {
    const typename V::block zero = V::as_block(V::set_i16(0));
    v[0] = V::as_i32(V::low_bytes(a.low, zero));
    v[1] = V::as_i32(V::high_bytes(a.low, zero));
    v[2] = V::as_i32(V::low_bytes(a.high, zero));
    v[3] = V::as_i32(V::high_bytes(a.high, zero));
  }
  OCTET_INLINE void dot(typename V::i32 (&sums)[4], const std::byte* w) const {
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i)
      V::dot_i16(sums[i], v[i], V::as_i32(V::as_block(V::load_s8_as_i16(w + i * V::lanes * 2))));
  }
};

// Kernels of size K x K compute several adjacent outputs at a time. The pixels under a kernel row are interleaved in
// pairs (0 1) (2 3) ...; four taps t are pairs t and t + 1. An output that starts at an even pixel multiplies taps t, t
// + 2, ... with weights (w0 w1 w2 w3) (w4 ...); one that starts at an odd pixel with (0 w0 w1 w2) (w3 ...). Two taps
// are multiplied likewise, with (w0 w1) (w2 ...) or (0 w0) (w1 ...). Weights of a block: [kernel row][even,
// odd][taps][4 vectors][lanes][taps at once].
template <class V>
using Taps = std::conditional_t<V::widens, TwoTaps<V>, FourTaps<V>>;
template <class V, int K>
struct RowTaps {
  static constexpr int at_once = V::widens ? 2 : 4, even = (K + at_once - 1) / at_once, odd = (K + at_once) / at_once,
                       shapes = even + odd, bytes = at_once * block_channels<V>;
};

template <class V>
constexpr int outputs_at_once = V::registers >= 32   ? 4
                                : V::registers >= 16 ? 2
                                                     : 1;

// Adds the taps of one kernel row to the sums of several outputs; `at` is the first pixel under the row.
template <int K, int S, bool Inside, bool Whole, class V, int N>
OCTET_INLINE void add_row_taps(const DepthwiseBlock<V>& b, const std::byte* row, std::int64_t at,
                               const std::byte* weights, typename V::i32 (&sums)[N][4]) {
  using Row = RowTaps<V, K>;
  constexpr int pixels = S * (N - 1) + K, pairs = (pixels + 1) / 2, pairs_at_once = Row::at_once / 2;
  const Depthwise& d = b.d;
  const auto load = [&](int i) {
    const std::int64_t x = at + (i < pixels ? i : pixels - 1);
    const bool exists = Inside || (x >= 0 && x < d.shape.in_w);
    return b.template load<Whole>(exists ? row + x * d.shape.in_c : d.padding);
  };
  PixelPair<V> now(load(0), load(1));
  OCTET_UNROLL
  for (int t = 0; t < pairs; ++t) {
    const PixelPair<V> next = t + 1 < pairs ? PixelPair<V>(load(2 * t + 2), load(2 * t + 3)) : now;
    const Taps<V> taps(now, next);
    OCTET_UNROLL
    for (int o = 0; o < N; ++o) {
      const bool odd = S * o % 2 != 0;
      const int k = t - S * o / 2;
      if (k >= 0 && k % pairs_at_once == 0 && k / pairs_at_once < (odd ? Row::odd : Row::even))
        taps.dot(sums[o], weights + ((odd ? Row::even : 0) + k / pairs_at_once) * Row::bytes);
    }
    now = next;
  }
}

template <class V, int K, int S, bool Inside, bool Whole>
OCTET_NOINLINE void depthwise_outputs(const DepthwiseBlock<V>& b, const std::byte* const (&rows)[K], std::int64_t pixel,
                                      std::int64_t x, int count) {
  constexpr int outputs = outputs_at_once<V>, row_bytes = RowTaps<V, K>::shapes * RowTaps<V, K>::bytes;
  typename V::i32 sums[outputs][4];
  OCTET_UNROLL
  for (int o = 0; o < outputs; ++o) {
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i) sums[o][i] = b.load_init(i);
  }
  const std::int64_t at = x * S - b.d.shape.pad_left;
  if constexpr (K == 3 && Whole) {  // the common case: unrolled
    add_row_taps<K, S, Inside, Whole>(b, rows[0], at, b.weights, sums);
    add_row_taps<K, S, Inside, Whole>(b, rows[1], at, b.weights + row_bytes, sums);
    add_row_taps<K, S, Inside, Whole>(b, rows[2], at, b.weights + 2 * row_bytes, sums);
  } else {
    for (int ky = 0; ky < K; ++ky) add_row_taps<K, S, Inside, Whole>(b, rows[ky], at, b.weights + ky * row_bytes, sums);
  }
  b.store(sums, pixel, count);
}

template <class V, int K, int S, bool Whole>
void depthwise_rows(const DepthwiseBlock<V>& b) {
  constexpr int outputs = outputs_at_once<V>;
  const Depthwise& d = b.d;
  for (std::int64_t y = d.row_begin; y < d.row_end; ++y) {
    const std::byte* rows[K];
    for (int ky = 0; ky < K; ++ky) {
      const std::int64_t iy = y * S - d.shape.pad_top + ky;
      rows[ky] = iy >= 0 && iy < d.shape.in_h ? d.in + iy * d.shape.in_w * d.shape.in_c : d.padding;
    }
    for (std::int64_t x = 0; x < d.shape.out_w; x += outputs) {
      const int count = static_cast<int>(d.shape.out_w - x < outputs ? d.shape.out_w - x : outputs);
      const std::int64_t first = x * S - d.shape.pad_left;
      // (Partial blocks are too rare for code of their own inside the image.)
      if (Whole && first >= 0 && first + S * (outputs - 1) + K <= d.shape.in_w)
        depthwise_outputs<V, K, S, Whole, Whole>(b, rows, y * d.shape.out_w + x, x, count);
      else
        depthwise_outputs<V, K, S, false, Whole>(b, rows, y * d.shape.out_w + x, x, count);
    }
  }
}

// Kernels of any size, one output pixel at a time. Weights of a block: [taps / 4][4 vectors][lanes][4].
template <class V, bool Whole>
void depthwise_pixels(const DepthwiseBlock<V>& b) {
  const Depthwise& d = b.d;
  const std::int64_t groups = (d.repeat * d.shape.taps() + 3) / 4;
  each_pixel(d, d.shape.in_c, [&](std::int64_t pixel, std::int64_t offset) {
    typename V::i32 sums[1][4];
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i) sums[0][i] = b.load_init(i);
    const std::byte* w = b.weights;
    for (std::int64_t g = 0; g < groups; ++g, w += 4 * block_channels<V>) {
      const auto load = [&](std::int64_t k) { return b.template load<Whole>(d.taps[4 * g + k] + offset); };
      FourTaps<V>({load(0), load(1)}, {load(2), load(3)}).dot(sums[0], w);
    }
    b.store(sums, pixel, 1);
  });
}

// Groups of four channels, in and out: the inputs of a group are four bytes of a pixel, which are multiplied together
// for each of its outputs. Weights of a block: [taps][4 vectors][lanes][4].
template <class V, bool Whole>
void grouped_pixels(const DepthwiseBlock<V>& b) {
  const Depthwise& d = b.d;
  const std::int64_t taps = d.shape.taps();
  each_pixel(d, d.shape.in_c, [&](std::int64_t pixel, std::int64_t offset) {
    typename V::i32 sums[1][4];
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i) sums[0][i] = b.load_init(i);
    const std::byte* w = b.weights;
    for (std::int64_t t = 0; t < taps; ++t, w += 4 * block_channels<V>) {
      const typename V::block x = b.template load<Whole>(d.taps[t] + offset);
      const typename V::i32 inputs[] = {V::template repeat_four<0>(x), V::template repeat_four<1>(x),
                                        V::template repeat_four<2>(x), V::template repeat_four<3>(x)};
      OCTET_UNROLL
      for (int i = 0; i < 4; ++i) V::dot(sums[0][i], V::split(inputs[i]), V::load_weights(w + i * block_channels<V>));
    }
    b.store(sums, pixel, 1);
  });
}

template <class V, bool Whole>
void depthwise_all(const DepthwiseBlock<V>& b) {
  const Depthwise& d = b.d;
  if (d.fours) return grouped_pixels<V, Whole>(b);
  if (!d.by_rows) return depthwise_pixels<V, Whole>(b);
  if (d.shape.square(3, 1)) return depthwise_rows<V, 3, 1, Whole>(b);
  if (d.shape.square(3, 2)) return depthwise_rows<V, 3, 2, Whole>(b);
  if (d.shape.square(5, 1)) return depthwise_rows<V, 5, 1, Whole>(b);
  return depthwise_rows<V, 5, 2, Whole>(b);
}

inline void depthwise_u8s8(const Depthwise& d) noexcept {
  const std::int64_t taps = d.repeat * d.shape.taps(), groups = d.fours ? taps : (taps + 3) / 4;
  for (std::int64_t t = taps; !d.fours && t < groups * 4; ++t)
    d.taps[t] = d.padding;  // the weights of these taps are zero
  using Row3 = RowTaps<wide, 3>;
  using Row5 = RowTaps<wide, 5>;
  // Bytes of weights of a channel.
  const std::int64_t bytes =
      d.by_rows ? d.shape.kernel_h * (d.shape.kernel_w == 3 ? Row3::shapes : Row5::shapes) * Row3::at_once : 4 * groups;
  constexpr std::int64_t more = wide::shifted ? 4 : 0;
  const auto block = [&](auto v, std::int64_t c) {
    using V = decltype(v);
    const std::byte* w = d.weights + c * (bytes + more);
    const DepthwiseBlock<V> b(d, w, w + block_channels<V> * bytes, c);
    if (b.channels == block_channels<V>)
      depthwise_all<V, true>(b);
    else
      depthwise_all<V, false>(b);
    return c + block_channels<V>;
  };
  for (std::int64_t c = d.channel_begin; c < d.channel_end;)
    c = d.shape.in_c - c > block_channels<narrow> ? block(wide{}, c) : block(narrow{}, c);
}
