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

// out = max(pixels), or min(pixels); NaN if one of them is.
template <bool Least>
OCTET_INLINE wide::f32 ordered(wide::f32 v) {
  return Least ? wide::mul(v, wide::set(-1.0f)) : v;
}
template <bool Least>
OCTET_INLINE void extremum_f32(const PoolWindow& w, float* out) {
  for (std::int64_t c = 0; c < w.channels; c += wide::lanes) {
    const int n = static_cast<int>(w.channels - c < wide::lanes ? w.channels - c : wide::lanes);
    wide::f32 v = ordered<Least>(wide::load_first(reinterpret_cast<const float*>(w.pixels[0]) + c, n));
    for (std::int64_t i = 1; i < w.count; ++i)
      v = wide::max_or_nan(v, ordered<Least>(wide::load_first(reinterpret_cast<const float*>(w.pixels[i]) + c, n)));
    wide::store_first(out + c, ordered<Least>(v), n);
  }
}
inline void max_f32(const PoolWindow& w, float* out) noexcept { extremum_f32<false>(w, out); }
inline void min_f32(const PoolWindow& w, float* out) noexcept { extremum_f32<true>(w, out); }

// Sums over the window's pixels.
inline void sum_u8(const PoolWindow& w, std::int32_t* out) noexcept {
  constexpr int block = wide::block_bytes;
  constexpr std::int64_t most = 257;  // pixels whose sums fit 16 bits
  const wide::block zero = wide::as_block(wide::set_i16(0));
  std::int64_t c = 0;
  for (; c + block <= w.channels; c += block)
    for (std::int64_t from = 0; from == 0 || from < w.count; from += most) {
      wide::i16 low = wide::set_i16(0), high = low;
      for (std::int64_t i = from; i < w.count && i < from + most; ++i) {
        const wide::block x = wide::load_block(w.pixels[i] + c);
        low = wide::add_i16(low, wide::as_i16(wide::low_bytes(x, zero)));
        high = wide::add_i16(high, wide::as_i16(wide::high_bytes(x, zero)));
      }
      std::uint16_t sums[2][block / 2];
      wide::store_block(reinterpret_cast<std::byte*>(sums[0]), wide::as_block(low));
      wide::store_block(reinterpret_cast<std::byte*>(sums[1]), wide::as_block(high));
      for (int i = 0; i < block; ++i) out[c + i] = (from ? out[c + i] : 0) + sums[i / 8 % 2][i / 16 * 8 + i % 8];
    }
  for (; c < w.channels; c += wide::lanes) {
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
