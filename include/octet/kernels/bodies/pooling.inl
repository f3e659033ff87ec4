// No include guard: part of every instruction set's kernels.
// One output pixel of a pooling layer: combines the pixels of its window, vectors of channels at a time.

inline void max_u8(const PoolWindow& w, std::uint8_t* out) noexcept {
  for (std::int64_t c = 0; c < w.channels; c += wide::block_bytes) {
    const std::int64_t n = w.channels - c;
    const auto load = [&](const std::byte* p) {
      return n >= wide::block_bytes ? wide::load_block(p + c) : wide::load_block_first(p + c, n);
    };
    wide::block v = load(w.pixels[0]);
    for (std::int64_t i = 1; i < w.count; ++i) v = wide::max_u8(v, load(w.pixels[i]));
    if (n >= wide::block_bytes) {
      wide::store_block(reinterpret_cast<std::byte*>(out) + c, v);
    } else {
      std::byte all[wide::block_bytes];
      wide::store_block(all, v);
      std::memcpy(out + c, all, static_cast<std::size_t>(n));
    }
  }
}

// out = max(pixels); NaN if one of them is.
inline void max_f32(const PoolWindow& w, float* out) noexcept {
  for (std::int64_t c = 0; c < w.channels; c += wide::lanes) {
    const int n = static_cast<int>(w.channels - c < wide::lanes ? w.channels - c : wide::lanes);
    wide::f32 v = wide::load_first(reinterpret_cast<const float*>(w.pixels[0]) + c, n);
    for (std::int64_t i = 1; i < w.count; ++i)
      v = wide::max_or_nan(v, wide::load_first(reinterpret_cast<const float*>(w.pixels[i]) + c, n));
    wide::store_first(out + c, v, n);
  }
}

// Sums over the window's pixels.
inline void sum_u8(const PoolWindow& w, std::int32_t* out) noexcept {
  for (std::int64_t c = 0; c < w.channels; c += wide::lanes) {
    const int n = static_cast<int>(w.channels - c < wide::lanes ? w.channels - c : wide::lanes);
    wide::i32 v = wide::set(0);
    for (std::int64_t i = 0; i < w.count; ++i) {
      const auto* p = reinterpret_cast<const std::uint8_t*>(w.pixels[i]) + c;
      v = wide::add(v, n == wide::lanes ? wide::load_u8(p) : wide::load_u8_first(p, n));
    }
    wide::store_first(out + c, v, n);
  }
}

// Sums over the window's pixels, times `factor`.
inline void sum_f32(const PoolWindow& w, float factor, float* out) noexcept {
  for (std::int64_t c = 0; c < w.channels; c += wide::lanes) {
    const int n = static_cast<int>(w.channels - c < wide::lanes ? w.channels - c : wide::lanes);
    wide::f32 v = wide::set(0.0f);
    for (std::int64_t i = 0; i < w.count; ++i)
      v = wide::add(v, wide::load_first(reinterpret_cast<const float*>(w.pixels[i]) + c, n));
    wide::store_first(out + c, wide::mul(v, wide::set(factor)), n);
  }
}
