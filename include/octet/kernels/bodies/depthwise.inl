// No include guard: part of every instruction set's kernels.
// Depthwise convolution, pixel by pixel: inputs are read in the order in which they lie in memory.

// Pointers to the taps of output pixel (y, x); those outside the image point at padding.
inline void find_taps(const Depthwise& d, std::int64_t y, std::int64_t x, std::int64_t pixel_bytes) {
  const std::byte** tap = d.taps;
  for (std::int64_t ky = 0; ky < d.kernel_h; ++ky) {
    const std::int64_t iy = y * d.stride_h - d.pad_top + ky * d.dilation_h;
    const bool row_inside = iy >= 0 && iy < d.height;
    for (std::int64_t kx = 0; kx < d.kernel_w; ++kx) {
      const std::int64_t ix = x * d.stride_w - d.pad_left + kx * d.dilation_w;
      *tap++ = row_inside && ix >= 0 && ix < d.width ? d.in + (iy * d.width + ix) * pixel_bytes : d.padding;
    }
  }
  const std::int64_t count = d.kernel_h * d.kernel_w;
  for (std::int64_t t = 0; t < (d.repeat - 1) * count; ++t) tap[t] = d.taps[t];
}

// Calls f(pixel, offset) for each output pixel: its taps are at d.taps[t] + offset. They are found anew at the
// borders and only moved along inside, where rows outside the image move along a whole row of padding.
template <class F>
void each_pixel(const Depthwise& d, std::int64_t pixel_bytes, F f) {
  const std::int64_t reach = (d.kernel_w - 1) * d.dilation_w;
  for (std::int64_t y = d.row_begin; y < d.row_end; ++y) {
    std::int64_t offset = 0;
    bool was_inside = false;
    for (std::int64_t x = 0; x < d.out_w; ++x) {
      const std::int64_t first = x * d.stride_w - d.pad_left;
      const bool inside = first >= 0 && first + reach < d.width;
      if (inside && was_inside) {
        offset += d.stride_w * pixel_bytes;
      } else {
        find_taps(d, y, x, pixel_bytes);
        offset = 0;
      }
      was_inside = inside;
      f(y * d.out_w + x, offset);
    }
  }
}

// One pixel of a block of 32 channels, the last of which may be missing (Whole = false).
// Weights: [taps / 4][4 vectors][8 channels][4 taps]; Groups = taps / 4 where known, else 0.
template <int Groups, bool Whole>
void depthwise_u8_block(const Depthwise& d, std::int64_t channel, const std::byte* weights, std::int64_t groups,
                        std::int64_t pixel, std::int64_t offset, const narrow::u8_limits& limits) {
  const Epilogue& e = d.epilogue;
  const int channels = Whole ? depthwise_block : static_cast<int>(d.channels - channel);
  narrow::i32 acc[4];
  OCTET_UNROLL
  for (int j = 0; j < 4; ++j)
    acc[j] = narrow::load_by_halves(reinterpret_cast<const std::int32_t*>(d.init) + channel, j);
  const auto add_group = [&](std::int64_t g) {
    const std::byte* w = weights + g * 4 * depthwise_block;
    narrow::block t[4];
    OCTET_UNROLL
    for (int k = 0; k < 4; ++k) {
      const std::byte* p = d.taps[4 * g + k] + channel + offset;
      t[k] = Whole ? narrow::load_block(p) : narrow::load_block_first(p, channels);
    }
    narrow::i32 v[4];
    narrow::interleave(t, v);
    OCTET_UNROLL
    for (int j = 0; j < 4; ++j) narrow::dot(acc[j], narrow::split(v[j]), narrow::load_weights(w + j * 32));
  };
  if constexpr (Groups != 0) {
    OCTET_UNROLL
    for (int g = 0; g < Groups; ++g) add_group(g);
  } else {
    for (std::int64_t g = 0; g < groups; ++g) add_group(g);
  }
  if (e.store == Store::u8) {
    OCTET_UNROLL
    for (int j = 0; j < 4; ++j)
      acc[j] = narrow::round(narrow::mul(narrow::to_float(acc[j]), narrow::load_by_halves(e.scale + channel, j)));
    const auto bytes = narrow::pack_by_halves(acc[0], acc[1], acc[2], acc[3], limits);
    auto* out = reinterpret_cast<std::uint8_t*>(e.out + pixel * e.out_stride) + channel;
    Whole ? narrow::store(out, bytes) : narrow::store_first(out, bytes, channels);
  } else {
    alignas(64) std::int32_t all[2 * depthwise_block];
    OCTET_UNROLL
    for (int j = 0; j < 4; ++j) narrow::store_by_halves(all, j, acc[j]);
    for (int c = 0; c < channels; c += panel_columns)
      store_rows<U8S8>(e, reinterpret_cast<const std::byte*>(all + c), pixel, 1, channel + c,
                       channels - c < panel_columns ? channels - c : panel_columns);
  }
}

template <int Groups>
void depthwise_u8_groups(const Depthwise& d, std::int64_t groups) {
  const narrow::u8_limits limits(d.epilogue.zero_point, d.epilogue.low, d.epilogue.high);
  const std::int64_t block_bytes = groups * 4 * depthwise_block;
  each_pixel(d, d.channels, [&](std::int64_t pixel, std::int64_t offset) {
    std::int64_t c = d.channel_begin;
    const std::byte* w = d.weights + c / depthwise_block * block_bytes;
    for (; c + depthwise_block <= d.channel_end; c += depthwise_block, w += block_bytes)
      depthwise_u8_block<Groups, true>(d, c, w, groups, pixel, offset, limits);
    if (c < d.channel_end) depthwise_u8_block<Groups, false>(d, c, w, groups, pixel, offset, limits);
  });
}

inline void depthwise_u8s8(const Depthwise& d) noexcept {
  const std::int64_t taps = d.repeat * d.kernel_h * d.kernel_w, groups = (taps + 3) / 4;
  for (std::int64_t t = taps; t < groups * 4; ++t) d.taps[t] = d.padding;  // their weights are zero
  groups == 3 ? depthwise_u8_groups<3>(d, groups) : depthwise_u8_groups<0>(d, groups);
}

// N vectors of channels of one pixel. Weights: [channels / 32][taps][32].
template <int N>
void depthwise_f32_vectors(const Depthwise& d, std::int64_t channel, std::int64_t taps, std::int64_t pixel,
                           std::int64_t offset) {
  const auto* w = reinterpret_cast<const float*>(d.weights) + channel / depthwise_block * depthwise_block * taps +
                  channel % depthwise_block;
  const int last = static_cast<int>(d.channels - channel < N * wide::lanes ? d.channels - channel : N * wide::lanes) -
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
  const std::byte* residual = e.residual ? e.residual + pixel * e.residual_stride + channel * 4 : nullptr;
  OCTET_UNROLL
  for (int j = 0; j < N; ++j)
    store_f32(e, acc[j], out + j * vector_bytes, residual ? residual + j * vector_bytes : nullptr,
              N > 1 ? wide::lanes : last);
}

// Pixels [begin, end) of a row of a 3x3 kernel, all of whose taps lie in the three rows: N vectors of channels go along
// the row, their weights in registers.
template <int N>
void depthwise_f32_3x3(const Depthwise& d, const std::byte* const (&rows)[3], std::int64_t channel, std::int64_t y,
                       std::int64_t begin, std::int64_t end) {
  const auto* weights = reinterpret_cast<const float*>(d.weights) + channel / depthwise_block * depthwise_block * 9 +
                        channel % depthwise_block;
  wide::f32 w[9][N];
  OCTET_UNROLL
  for (int t = 0; t < 9; ++t) {
    OCTET_UNROLL
    for (int j = 0; j < N; ++j) w[t][j] = wide::load(weights + t * depthwise_block + j * wide::lanes);
  }
  const Epilogue& e = d.epilogue;
  const std::ptrdiff_t pixel_bytes = d.channels * 4, tap = d.dilation_w * pixel_bytes, step = d.stride_w * pixel_bytes;
  const std::ptrdiff_t from = begin * step - d.pad_left * pixel_bytes + channel * 4;
  const std::byte *p0 = rows[0] + from, *p1 = rows[1] + from, *p2 = rows[2] + from;
  std::byte* out = e.out + (y * d.out_w + begin) * e.out_stride + channel * 4;
  const std::byte* residual =
      e.residual ? e.residual + (y * d.out_w + begin) * e.residual_stride + channel * 4 : nullptr;
  const auto* init = reinterpret_cast<const float*>(d.init) + channel;
  for (std::int64_t x = begin; x < end; ++x, p0 += step, p1 += step, p2 += step, out += e.out_stride) {
    wide::f32 acc[N];
    OCTET_UNROLL
    for (int j = 0; j < N; ++j) acc[j] = wide::load(init + j * wide::lanes);
    OCTET_UNROLL
    for (int t = 0; t < 9; ++t) {
      const std::byte* p = (t < 3 ? p0 : t < 6 ? p1 : p2) + t % 3 * tap;
      OCTET_UNROLL
      for (int j = 0; j < N; ++j)
        acc[j] = wide::fma(wide::load(reinterpret_cast<const float*>(p) + j * wide::lanes), w[t][j], acc[j]);
    }
    OCTET_UNROLL
    for (int j = 0; j < N; ++j)
      store_f32(e, acc[j], out + j * vector_bytes, residual ? residual + j * vector_bytes : nullptr, wide::lanes);
    if (residual) residual += e.residual_stride;
  }
}

// All channels of one pixel from the pointers to its taps.
inline void depthwise_f32_pixel(const Depthwise& d, std::int64_t from, std::int64_t pixel, std::int64_t offset) {
  constexpr int vectors = depthwise_block / wide::lanes;
  const std::int64_t taps = d.kernel_h * d.kernel_w;
  std::int64_t c = from;
  for (; c + depthwise_block <= d.channel_end; c += depthwise_block)
    depthwise_f32_vectors<vectors>(d, c, taps, pixel, offset);
  for (; c < d.channel_end; c += wide::lanes) depthwise_f32_vectors<1>(d, c, taps, pixel, offset);
}

inline void depthwise_f32_rows_3x3(const Depthwise& d) {
  constexpr int vectors = wide::registers >= 32 ? 2 : 1;  // nine vectors of weights each
  const std::int64_t reach = 2 * d.dilation_w,
                     whole = d.channel_begin + (d.channel_end - d.channel_begin) / depthwise_block * depthwise_block;
  // Pixels whose taps all lie in the row.
  const std::int64_t begin = (d.pad_left + d.stride_w - 1) / d.stride_w;
  const std::int64_t room = d.width - 1 - reach + d.pad_left;
  const std::int64_t last = room < 0 ? begin : room / d.stride_w + 1, end = last < d.out_w ? last : d.out_w;
  for (std::int64_t y = d.row_begin; y < d.row_end; ++y) {
    const std::byte* rows[3];
    for (std::int64_t ky = 0; ky < 3; ++ky) {
      const std::int64_t iy = y * d.stride_h - d.pad_top + ky * d.dilation_h;
      rows[ky] = iy >= 0 && iy < d.height ? d.in + iy * d.width * d.channels * 4 : d.padding;
    }
    for (std::int64_t c = d.channel_begin; begin < end && c < whole; c += vectors * wide::lanes)
      depthwise_f32_3x3<vectors>(d, rows, c, y, begin, end);
    for (std::int64_t x = 0; x < d.out_w; ++x) {
      const bool inside = x >= begin && x < end;
      if (inside && whole == d.channel_end) continue;
      find_taps(d, y, x, d.channels * 4);
      depthwise_f32_pixel(d, inside ? whole : d.channel_begin, y * d.out_w + x, 0);
    }
  }
}

inline void depthwise_f32(const Depthwise& d) noexcept {
  if (d.kernel_h == 3 && d.kernel_w == 3) return depthwise_f32_rows_3x3(d);
  each_pixel(d, d.channels * 4,
             [&](std::int64_t pixel, std::int64_t offset) { depthwise_f32_pixel(d, d.channel_begin, pixel, offset); });
}
