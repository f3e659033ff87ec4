// No include guard: part of every instruction set's kernels of bytes.

inline void lookup_u8(const LookupU8& a) noexcept {
  const byte_table table(a.table);
  std::int64_t i = 0;
  for (; i + wide::block_bytes <= a.count; i += wide::block_bytes)
    wide::store_block(reinterpret_cast<std::byte*>(a.out + i),
                      table(wide::load_block(reinterpret_cast<const std::byte*>(a.in + i))));
  for (; i < a.count; ++i) a.out[i] = a.table[a.in[i]];
}

// Stores clamp(f(first element, number of elements) + zero point), f being integers of up to `lanes` elements.
template <class F>
void store_rounded(std::uint8_t* out, std::int64_t count, const wide::u8_limits& limits, F f) noexcept {
  constexpr int group = 4 * wide::lanes;
  wide::i32 v[4];
  std::int64_t i = 0;
  for (; i + group <= count; i += group) {
    OCTET_UNROLL
    for (int j = 0; j < 4; ++j) v[j] = f(i + j * wide::lanes, wide::lanes);
    wide::store(out + i, in_order(v, limits));
  }
  const int rest = static_cast<int>(count - i);
  if (rest == 0) return;
  for (int j = 0; j < 4; ++j) {
    const int left = rest - j * wide::lanes, n = left < 0 ? 0 : left < wide::lanes ? left : wide::lanes;
    v[j] = n ? f(i + j * wide::lanes, n) : wide::set(0);
  }
  wide::store_first(out + i, in_order(v, limits), rest);
}

OCTET_INLINE wide::i32 bytes_at(const std::uint8_t* p, int n) {
  return n == wide::lanes ? wide::load_u8(p) : wide::load_u8_first(p, n);
}
OCTET_INLINE wide::f32 floats_at(const float* p, int n) {
  return n == wide::lanes ? wide::load(p) : wide::load_first(p, n);
}

// Bytes minus a zero point: a byte with the upper half of 2^23 is the float 2^23 + byte, so that a subtraction, which
// is exact, converts it.
struct centered_floats {
  wide::block upper = wide::as_block(wide::set_i16(0x4B00)), zero = wide::as_block(wide::set_i16(0));
  wide::f32 minus;
  explicit centered_floats(std::int32_t zero_point) : minus(wide::set(0x1p23f + static_cast<float>(zero_point))) {}
  OCTET_INLINE wide::f32 shifted(wide::block pairs) const {
    return wide::sub(wide::float_of_bits(wide::as_i32(pairs)), minus);
  }
  OCTET_INLINE void operator()(wide::block x, wide::f32 (&v)[4]) const {
    const wide::block low = wide::low_bytes(x, zero), high = wide::high_bytes(x, zero);
    v[0] = shifted(wide::low_pairs(low, upper));
    v[1] = shifted(wide::high_pairs(low, upper));
    v[2] = shifted(wide::low_pairs(high, upper));
    v[3] = shifted(wide::high_pairs(high, upper));
  }
};

// Bytes as floats, in the order in which packing puts vectors back.
OCTET_INLINE void plain_floats(wide::block x, wide::f32 (&v)[4]) {
  OCTET_UNROLL
  for (int j = 0; j < 4; ++j) v[j] = wide::to_float(wide::unpack(x, j));
}

OCTET_INLINE wide::block block_at(const std::uint8_t* p) {
  return wide::load_block(reinterpret_cast<const std::byte*>(p));
}
// Whether packing has to apply a zero point and limits.
template <class Arguments>
Limit limit_of(const Arguments& a) noexcept {
  return a.zero_point == 0 && a.low == 0 && a.high == 255 ? Limit::none : Limit::clamp;
}
template <Limit L = Limit::clamp>
OCTET_INLINE void store_packed(std::uint8_t* out, const wide::i32 (&v)[4], const wide::u8_limits& limits) {
  wide::store(out, wide::pack<L>(v[0], v[1], v[2], v[3], limits));
}

inline void requantize_u8(const RequantizeU8& a) noexcept {
  const wide::f32 scale = wide::set(a.scale);
  const wide::u8_limits limits(a.zero_point, 0, 255);
  const centered_floats floats(a.zero_in);
  const wide::i32 zero_in = wide::set(a.zero_in);
  std::int64_t i = 0;
  for (; i + wide::block_bytes <= a.count; i += wide::block_bytes) {
    wide::f32 x[4];
    floats(block_at(a.in + i), x);
    wide::i32 v[4];
    OCTET_UNROLL
    for (int j = 0; j < 4; ++j) v[j] = wide::round(wide::mul(x[j], scale));
    store_packed(a.out + i, v, limits);
  }
  if (i == a.count) return;
  store_rounded(a.out + i, a.count - i, limits, [&](std::int64_t k, int n) {
    return wide::round(wide::mul(wide::to_float(wide::sub(bytes_at(a.in + i + k, n), zero_in)), scale));
  });
}

// Rounds half to even, which is one too low where it rounds a half down.
inline void round_half_up_u8(const RoundHalfUpU8& a) noexcept {
  const wide::f32 factor = wide::set(a.factor), zero = wide::set(0.0f), one = wide::set(1.0f);
  const wide::f32 most = wide::set(512.0f), below_half = wide::set(0x1.fffffep-2f);
  store_rounded(a.out, a.count, wide::u8_limits(a.zero_point, 0, 255), [&](std::int64_t i, int n) {
    const wide::f32 x = wide::clamp(wide::mul(floats_at(a.in + i, n), factor), zero, most);
    const wide::f32 even = wide::to_float(wide::round(x));
    return wide::round(wide::add(even, wide::select_greater(wide::sub(x, even), below_half, one, zero)));
  });
}

inline void prelu_u8(const PReluU8& a) noexcept {
  const wide::f32 positive = wide::set(a.positive), zero = wide::set(0.0f);
  const wide::i32 zero_in = wide::set(a.zero_in);
  store_rounded(a.out, a.count, wide::u8_limits(a.zero_point, 0, 255), [&](std::int64_t i, int n) {
    const wide::f32 x = wide::to_float(wide::sub(bytes_at(a.in + i, n), zero_in));
    return wide::round(wide::mul(x, wide::select_greater(zero, x, floats_at(a.negative + i, n), positive)));
  });
}

// round(v), where v is about the sum of a * weight_a and b * weight_b: the exact sum decides where v is close to the
// middle of two integers.
OCTET_INLINE wide::i32 round_blend(wide::f32 v, const BlendRows& r, std::int64_t i, int n) {
  const wide::i32 q = wide::round(v);
  const unsigned close = wide::greater_bits(wide::abs(wide::sub(v, wide::to_float(q))), wide::set(0.5f - 1.0f / 4096));
  if (close == 0) return q;
  std::int32_t all[wide::lanes];
  wide::store(all, q);
  const auto units = [](float x) { return static_cast<std::int64_t>(x * 32768); };
  for (int k = 0; k < n; ++k) {
    if ((close >> k & 1) == 0) continue;
    const std::int64_t sum = units(r.weight_a) * units(r.a_f32[i + k]) + units(r.weight_b) * units(r.b_f32[i + k]);
    all[k] = static_cast<std::int32_t>((sum + (1 << 29) - 1 + (sum >> 30 & 1)) >> 30);
  }
  return wide::load(all);
}

inline void blend_rows(const BlendRows& r) noexcept {
  const wide::f32 wa = wide::set(r.weight_a), wb = wide::set(r.weight_b);
  const auto blend = [&](std::int64_t i, int n) {
    if (r.a)
      return wide::fma(wide::to_float(bytes_at(r.b + i, n)), wb, wide::mul(wide::to_float(bytes_at(r.a + i, n)), wa));
    return wide::fma(floats_at(r.b_f32 + i, n), wb, wide::mul(floats_at(r.a_f32 + i, n), wa));
  };
  if (r.out) {
    const wide::u8_limits limits(0, 0, 255);
    if (r.exact)
      return store_rounded(r.out, r.count, limits, [&](std::int64_t i, int n) { return wide::round(blend(i, n)); });
    return store_rounded(r.out, r.count, limits,
                         [&](std::int64_t i, int n) { return round_blend(blend(i, n), r, i, n); });
  }
  std::int64_t i = 0;
  for (; i + wide::lanes <= r.count; i += wide::lanes) wide::store(r.out_f32 + i, blend(i, wide::lanes));
  const int rest = static_cast<int>(r.count - i);
  if (rest) wide::store_first(r.out_f32 + i, blend(i, rest), rest);
}

inline void mean_u8(const MeanU8& a) noexcept {
  const wide::i32 zero_sum = wide::set(a.zero_sum);
  const wide::f32 factor = wide::set(a.factor);
  const wide::u8_limits limits(a.zero_point, 0, 255);
  const auto mean = [&](wide::i32 sum) {
    return wide::round(wide::mul(wide::to_float(wide::sub(sum, zero_sum)), factor));
  };
  if (a.pixels && a.pixel_count <= 257) {  // sums fit 16 bits
    const wide::block zero = wide::as_block(wide::set_i16(0));
    for (std::int64_t done = 0; done < a.count; done += wide::block_bytes) {
      const std::int64_t rest = a.count - done;
      const bool whole = rest >= wide::block_bytes;
      wide::i16 low = wide::set_i16(0), high = low;
      for (std::int64_t k = 0; k < a.pixel_count; ++k) {
        const std::byte* p = a.pixels[k] + done;
        const wide::block x = whole ? wide::load_block(p) : wide::load_block_first(p, rest);
        low = wide::add_i16(low, wide::as_i16(wide::low_bytes(x, zero)));
        high = wide::add_i16(high, wide::as_i16(wide::high_bytes(x, zero)));
      }
      const wide::block l = wide::as_block(low), h = wide::as_block(high);
      const wide::i32 v[4] = {
          mean(wide::as_i32(wide::low_pairs(l, zero))), mean(wide::as_i32(wide::high_pairs(l, zero))),
          mean(wide::as_i32(wide::low_pairs(h, zero))), mean(wide::as_i32(wide::high_pairs(h, zero)))};
      if (whole)
        store_packed(a.out + done, v, limits);
      else
        wide::store_first(a.out + done, wide::pack<Limit::clamp>(v[0], v[1], v[2], v[3], limits),
                          static_cast<int>(rest));
    }
    return;
  }
  store_rounded(a.out, a.count, limits, [&](std::int64_t i, int n) {
    wide::i32 sum = wide::set(0);
    if (a.sums) {
      std::int32_t rest[wide::lanes] = {};
      const std::int32_t* sums = a.sums + i;
      if (n < wide::lanes) sums = static_cast<std::int32_t*>(std::memcpy(rest, sums, static_cast<std::size_t>(n) * 4));
      sum = wide::load(sums);
    } else {
      for (std::int64_t k = 0; k < a.pixel_count; ++k)
        sum = wide::add(sum, bytes_at(reinterpret_cast<const std::uint8_t*>(a.pixels[k]) + i, n));
    }
    return mean(sum);
  });
}
