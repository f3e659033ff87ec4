// No include guard: part of every instruction set's kernels of bytes.

inline void lookup_u8(const LookupU8& a) noexcept {
  const byte_table table(a.table);
  for (std::int64_t r = 0; r < a.rows; ++r) {
    const std::uint8_t* in = a.in + r * a.in_stride;
    std::uint8_t* out = a.out + r * a.out_stride;
    std::int64_t i = 0;
    for (; i + wide::block_bytes <= a.count; i += wide::block_bytes)
      wide::store_block(reinterpret_cast<std::byte*>(out + i),
                        table(wide::load_block(reinterpret_cast<const std::byte*>(in + i))));
    for (; i < a.count; ++i) out[i] = a.table[in[i]];
  }
}

// Stores clamp(round(f(first element, number of elements)) + zero point) for groups of `lanes` elements.
template <class F>
void store_rounded(std::uint8_t* out, std::int64_t count, const wide::u8_limits& limits, F f) noexcept {
  constexpr int group = 4 * wide::lanes;
  wide::i32 v[4];
  std::int64_t i = 0;
  for (; i + group <= count; i += group) {
    OCTET_UNROLL
    for (int j = 0; j < 4; ++j) v[j] = wide::round(f(i + j * wide::lanes, wide::lanes));
    wide::store(out + i, in_order(v, limits));
  }
  const int rest = static_cast<int>(count - i);
  if (rest == 0) return;
  for (int j = 0; j < 4; ++j) {
    const int left = rest - j * wide::lanes, n = left < 0 ? 0 : left < wide::lanes ? left : wide::lanes;
    v[j] = n ? wide::round(f(i + j * wide::lanes, n)) : wide::set(0);
  }
  wide::store_first(out + i, in_order(v, limits), rest);
}

OCTET_INLINE wide::i32 bytes_at(const std::uint8_t* p, int n) {
  return n == wide::lanes ? wide::load_u8(p) : wide::load_u8_first(p, n);
}
OCTET_INLINE wide::f32 floats_at(const float* p, int n) {
  return n == wide::lanes ? wide::load(p) : wide::load_first(p, n);
}

inline void mul_u8(const MulU8& a) noexcept {
  const wide::f32 scale = wide::set(a.scale);
  const wide::i32 zero_a = wide::set(a.zero_a), zero_b = wide::set(a.zero_b);
  store_rounded(a.out, a.count, wide::u8_limits(a.zero_point, a.low, a.high), [&](std::int64_t i, int n) {
    // Products of floats below 2^24 are exact.
    const wide::f32 x = wide::to_float(wide::sub(bytes_at(a.a + i, n), zero_a)),
                    y = wide::to_float(wide::sub(bytes_at(a.b + i, n), zero_b));
    return wide::mul(wide::mul(x, y), scale);
  });
}

inline void prelu_u8(const PReluU8& a) noexcept {
  const wide::f32 positive = wide::set(a.positive), zero = wide::set(0.0f);
  const wide::i32 zero_in = wide::set(a.zero_in);
  store_rounded(a.out, a.count, wide::u8_limits(a.zero_point, 0, 255), [&](std::int64_t i, int n) {
    const wide::f32 x = wide::to_float(wide::sub(bytes_at(a.in + i, n), zero_in));
    return wide::mul(x, wide::select_greater(zero, x, floats_at(a.negative + i, n), positive));
  });
}

// f(first element, number of elements), stored as bytes or floats.
template <class F>
void store_blend(const BlendRows& r, F f) noexcept {
  if (r.out) return store_rounded(r.out, r.count, wide::u8_limits(0, 0, 255), f);
  std::int64_t i = 0;
  for (; i + wide::lanes <= r.count; i += wide::lanes) wide::store(r.out_f32 + i, f(i, wide::lanes));
  const int rest = static_cast<int>(r.count - i);
  if (rest) wide::store_first(r.out_f32 + i, f(i, rest), rest);
}

inline void blend_rows(const BlendRows& r) noexcept {
  const wide::f32 wa = wide::set(r.weight_a), wb = wide::set(r.weight_b);
  if (r.a)
    store_blend(r, [&](std::int64_t i, int n) {
      return wide::fma(wide::to_float(bytes_at(r.b + i, n)), wb, wide::mul(wide::to_float(bytes_at(r.a + i, n)), wa));
    });
  else
    store_blend(r, [&](std::int64_t i, int n) {
      return wide::fma(floats_at(r.b_f32 + i, n), wb, wide::mul(floats_at(r.a_f32 + i, n), wa));
    });
}

inline void mean_u8(const MeanU8& a) noexcept {
  const wide::i32 zero_sum = wide::set(a.zero_sum);
  const wide::f32 factor = wide::set(a.factor);
  store_rounded(a.out, a.count, wide::u8_limits(a.zero_point, 0, 255), [&](std::int64_t i, int n) {
    std::int32_t rest[wide::lanes] = {};
    const std::int32_t* sums = a.sums + i;
    if (n < wide::lanes) sums = static_cast<std::int32_t*>(std::memcpy(rest, sums, static_cast<std::size_t>(n) * 4));
    return wide::mul(wide::to_float(wide::sub(wide::load(sums), zero_sum)), factor);
  });
}

inline constexpr ByteKernels kernels_of_bytes{lookup_u8, mul_u8, prelu_u8, blend_rows, mean_u8};
