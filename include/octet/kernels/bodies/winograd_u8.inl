// No include guard: part of every instruction set's kernels.
// Winograd's algorithm for bytes, exact. All numbers are integers: the factor 24 of G is kept in both dimensions, so
// that sums are 576 times too large. Inputs (0 to 255) times the coefficients of B^T in both dimensions, and weights
// times those of 24 G, fit 16 bits: their magnitudes are at most 22950 and 18432. Products, sums and A^T are computed
// modulo 2^32. 576 * sum modulo 2^32, times the inverse of 9, is 64 * sum modulo 2^32, which is exact if |sum| < 2^25;
// that is known from the weights when they are packed (see ../winograd.hpp). float(64 * sum) * (scale / 64) has the
// bits of float(sum) * scale.

// Converts what A^T gives to 64 times the sums.
OCTET_INLINE wide::i32 winograd_sums(wide::i32 y) {
  return wide::mul(y, wide::set(0x38E38E39));  // 9 * this = 1 modulo 2^32
}
// The maximum of 2 x 2 sums.
OCTET_INLINE wide::i32 winograd_greatest(const wide::i32 (&y)[4], const wide::i32 (&below)[4], int i) {
  return wide::max(wide::max(winograd_sums(y[2 * i]), winograd_sums(y[2 * i + 1])),
                   wide::max(winograd_sums(below[2 * i]), winograd_sums(below[2 * i + 1])));
}

template <bool Residual>
struct WinogradBytes {
  static constexpr bool pooled = false;
  const Epilogue& e;
  std::int64_t column;
  int columns;
  alignas(64) float scale[wide::lanes];

  WinogradBytes(const Epilogue& epilogue, std::int64_t first, int n) : e(epilogue), column(first), columns(n) {
    wide::store(scale, wide::mul(wide::load(e.scale + column), wide::set(1.0f / 64)));
  }
  OCTET_INLINE void row(std::int64_t pixel, const wide::i32 (&y)[4], int count) const {
    const wide::i32 sums[4] = {winograd_sums(y[0]), winograd_sums(y[1]), winograd_sums(y[2]), winograd_sums(y[3])};
    store_unit<wide, 1, Limit::clamp, Residual>(e, sums, scale, nullptr, e.out + pixel * e.out_stride + column,
                                                Residual ? e.residual + pixel * e.residual_stride + column : nullptr,
                                                count, columns);
  }
};

// Requantization is monotonic: the largest sum gives the largest output.
struct PooledBytes : WinogradBytes<false> {
  static constexpr bool pooled = true;
  using WinogradBytes<false>::WinogradBytes;
  OCTET_INLINE void rows(std::int64_t pixel, const wide::i32 (&y)[4], const wide::i32 (&below)[4], int count) const {
    const wide::i32 a = winograd_greatest(y, below, 0), b = winograd_greatest(y, below, 1), sums[4] = {a, b, a, b};
    store_unit<wide, 1, Limit::clamp, false>(e, sums, scale, nullptr, e.out + pixel * e.out_stride + column, nullptr,
                                             count, columns);
  }
};

struct WinogradScaled {
  static constexpr bool pooled = false;
  const Epilogue& e;
  std::int64_t column;
  int columns;

  OCTET_INLINE void row(std::int64_t pixel, const wide::i32 (&y)[4], int count) const {
    Measured range;
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i)
      if (i < count) range.take(store(pixel + i, winograd_sums(y[i])));
    range.add_to(e.range);
  }
  OCTET_INLINE wide::f32 store(std::int64_t pixel, wide::i32 sums) const {
    const wide::f32 sum = wide::mul(wide::to_float(sums), wide::set(1.0f / 64));
    return store_f32(e, scaled(e, sum, pixel, column), e.out + pixel * e.out_stride + column * 4,
                     residual_at(e, pixel, column * 4), columns);
  }
};

struct PooledScaled : WinogradScaled {
  static constexpr bool pooled = true;
  OCTET_INLINE void rows(std::int64_t pixel, const wide::i32 (&y)[4], const wide::i32 (&below)[4], int count) const {
    Measured range;
    OCTET_UNROLL
    for (int i = 0; i < 2; ++i)
      if (i < count) range.take(store(pixel + i, winograd_greatest(y, below, i)));
    range.add_to(e.range);
  }
};

struct WinogradU8 {
  using in = wide::i16;
  using sum = wide::i32;
  static constexpr int channels = 2 * wide::lanes, element = 1, point_element = 2, tap_bytes = channels;
  static in load(const std::byte* p, int n) { return wide::load_u8_as_i16(p, n); }
  static in load_taps(const std::byte* p) { return wide::load_s8_as_i16(p); }
  static void store(std::byte* p, in v) { wide::store_i16(p, v); }
  static void store_weights(std::byte* p, in v) { wide::store_i16(p, v); }
  static in add(in a, in b) { return wide::add_i16(a, b); }
  static in sub(in a, in b) { return wide::sub_i16(a, b); }
  static in twice(in a) { return wide::add_i16(a, a); }
  static in four_times(in a) { return wide::shift_left_i16<2>(a); }
  static in times(in a, int b) { return wide::mul_i16(a, b); }
  static sum load_sum(const std::byte* p) { return wide::load(reinterpret_cast<const std::int32_t*>(p)); }
  static void store_sum(std::byte* p, sum v) { wide::store(reinterpret_cast<std::int32_t*>(p), v); }
  static sum zero_sum() { return wide::set(0); }
  static sum add_sums(sum a, sum b) { return wide::add(a, b); }
  static sum sub_sums(sum a, sum b) { return wide::sub(a, b); }
  static sum twice_sum(sum a) { return wide::add(a, a); }
  static sum four_sums(sum a) { return wide::shift_left<2>(a); }
  static sum scaled_bias(const std::byte* p) { return wide::mul(load_sum(p), wide::set(576)); }

  // Of the instruction set whose table this is part of: those with another dot product have only products of their own.
  static void products(const Winograd& w, const std::byte* weights, bool last_panel) {
    w.multiply(w, weights, last_panel);
  }
  static void outputs(const Winograd& w, const std::byte* products, std::int64_t column, int columns) {
    const Epilogue& e = w.epilogue;
    const auto store_by = [&](const auto& store) { output_tiles<WinogradU8>(w, products, store); };
    if (e.store == Store::scaled_f32) {
      if (e.pooled) return store_by(PooledScaled{{e, column, columns}});
      return store_by(WinogradScaled{e, column, columns});
    }
    if (e.store == Store::u8_residual) return store_by(WinogradBytes<true>(e, column, columns));
    if (e.pooled)
      store_by(PooledBytes(e, column, columns));
    else
      store_by(WinogradBytes<false>(e, column, columns));
  }
};
