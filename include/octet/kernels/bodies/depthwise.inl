// No include guard: part of every instruction set's kernels.
// Depthwise convolution: blocks of channels, walked along the rows of the output.

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

// Calls f(x, offset) for each output column of row y: the taps are at d.taps[t] + offset. They are found anew at the
// borders and only moved along inside, where rows outside the image move along a whole row of padding.
template <class F>
void each_column(const Depthwise& d, std::int64_t y, std::int64_t pixel_bytes, F f) {
  const std::int64_t reach = (d.kernel_w - 1) * d.dilation_w;
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
    f(x, offset);
  }
}

// Weights: [channels / 32][taps / 4][4 vectors][8 channels][4 taps]; Groups = taps / 4 where known, else 0.
template <int Groups>
void depthwise_u8_block(const Depthwise& d, std::int64_t channel, const std::byte* weights, std::int64_t groups) {
  using i32 = narrow::i32;
  const Epilogue& e = d.epilogue;
  const int channels =
      static_cast<int>(d.channels - channel < depthwise_block ? d.channels - channel : depthwise_block);
  const bool whole = channels == depthwise_block;
  const narrow::u8_limits limits(e.zero_point, e.low, e.high);
  const auto* init = reinterpret_cast<const std::int32_t*>(d.init) + channel;
  i32 start[4];
  narrow::f32 scale[4];
  for (int j = 0; j < 4; ++j) {
    start[j] = narrow::load_by_halves(init, j);
    if (e.store == Store::u8) scale[j] = narrow::load_by_halves(e.scale + channel, j);
  }
  for (std::int64_t y = d.row_begin; y < d.row_end; ++y) {
    each_column(d, y, d.channels, [&](std::int64_t x, std::int64_t offset) {
      i32 acc[4] = {start[0], start[1], start[2], start[3]};
      const auto add_group = [&](std::int64_t g) {
        const std::byte* w = weights + g * 4 * depthwise_block;
        narrow::block t[4];
        for (int k = 0; k < 4; ++k) {
          const std::byte* p = d.taps[4 * g + k] + channel + offset;
          t[k] = whole ? narrow::load_block(p) : narrow::load_block_first(p, channels);
        }
        i32 v[4];
        narrow::interleave(t, v);
        for (int j = 0; j < 4; ++j) narrow::dot(acc[j], narrow::split(v[j]), narrow::load_weights(w + j * 32));
      };
      if constexpr (Groups != 0) {
        OCTET_UNROLL
        for (int g = 0; g < Groups; ++g) add_group(g);
      } else {
        for (std::int64_t g = 0; g < groups; ++g) add_group(g);
      }
      const std::int64_t pixel = y * d.out_w + x;
      if (e.store == Store::u8) {
        for (int j = 0; j < 4; ++j) acc[j] = narrow::round(narrow::mul(narrow::to_float(acc[j]), scale[j]));
        const auto bytes = narrow::pack_by_halves(acc[0], acc[1], acc[2], acc[3], limits);
        auto* out = reinterpret_cast<std::uint8_t*>(e.out + pixel * e.out_stride) + channel;
        whole ? narrow::store(out, bytes) : narrow::store_first(out, bytes, channels);
      } else {
        alignas(64) std::int32_t all[2 * depthwise_block];
        for (int j = 0; j < 4; ++j) narrow::store_by_halves(all, j, acc[j]);
        for (int c = 0; c < channels; c += panel_columns)
          store_rows<U8S8>(e, reinterpret_cast<const std::byte*>(all + c), pixel, 1, channel + c,
                           channels - c < panel_columns ? channels - c : panel_columns);
      }
    });
  }
}

inline void depthwise_u8s8(const Depthwise& d) noexcept {
  const std::int64_t taps = d.repeat * d.kernel_h * d.kernel_w, groups = (taps + 3) / 4;
  for (std::int64_t t = taps; t < groups * 4; ++t) d.taps[t] = d.padding;  // their weights are zero
  for (std::int64_t c = d.channel_begin; c < d.channel_end; c += depthwise_block) {
    const std::byte* w = d.weights + c / depthwise_block * groups * 4 * depthwise_block;
    groups == 3 ? depthwise_u8_block<3>(d, c, w, groups) : depthwise_u8_block<0>(d, c, w, groups);
  }
}

// Weights: [channels / 32][taps][32].
inline void depthwise_f32(const Depthwise& d) noexcept {
  constexpr int vectors = depthwise_block / wide::lanes;
  const std::int64_t taps = d.kernel_h * d.kernel_w;
  for (std::int64_t c = d.channel_begin; c < d.channel_end; c += depthwise_block) {
    const auto* weights = reinterpret_cast<const float*>(d.weights) + c * taps;
    const int channels = static_cast<int>(d.channels - c < depthwise_block ? d.channels - c : depthwise_block);
    const auto* init = reinterpret_cast<const float*>(d.init) + c;
    for (std::int64_t y = d.row_begin; y < d.row_end; ++y)
      each_column(d, y, d.channels * 4, [&](std::int64_t x, std::int64_t offset) {
        const std::int64_t pixel = y * d.out_w + x;
        std::byte* out = d.epilogue.out + pixel * d.epilogue.out_stride + c * 4;
        const std::byte* residual =
            d.epilogue.residual ? d.epilogue.residual + pixel * d.epilogue.residual_stride + c * 4 : nullptr;
        wide::f32 acc[vectors];
        for (int j = 0; j < vectors; ++j) acc[j] = wide::load(init + j * wide::lanes);
        for (std::int64_t t = 0; t < taps; ++t) {
          const auto* p = reinterpret_cast<const float*>(d.taps[t] + offset) + c;
          const float* w = weights + t * depthwise_block;
          OCTET_UNROLL
          for (int j = 0; j < vectors; ++j) {
            const int n = channels - j * wide::lanes;
            if (n <= 0) break;
            const auto v = n >= wide::lanes ? wide::load(p + j * wide::lanes) : wide::load_first(p + j * wide::lanes, n);
            acc[j] = wide::fma(v, wide::load(w + j * wide::lanes), acc[j]);
          }
        }
        for (int j = 0; j < vectors; ++j) {
          const int n = channels - j * wide::lanes;
          if (n > 0)
            store_f32(d.epilogue, acc[j], out + j * vector_bytes, residual ? residual + j * vector_bytes : nullptr,
                      n < wide::lanes ? n : wide::lanes);
        }
      });
  }
}
