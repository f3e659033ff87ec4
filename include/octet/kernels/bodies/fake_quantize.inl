// No include guard: part of every instruction set's kernels. Quantizes and dequantizes in one pass, and records what
// the gradient and range observers need.

// Smallest and largest of the values given to take(), as in minmax_f32.
struct Seen {
  wide::f32 low, high, product;
  Seen()  // written out: a generated constructor would be compiled outside the target region
      : low(wide::set(std::numeric_limits<float>::infinity())),
        high(wide::set(-std::numeric_limits<float>::infinity())),
        product(wide::set(0.0f)) {}
  void take(wide::f32 v) {
    low = wide::min(v, low);
    high = wide::max(v, high);
    product = wide::fma(v, wide::set(0.0f), product);  // NaN if v is not finite
  }
  void store(float* low_high) const {
    low_high[0] = wide::least(low);
    low_high[1] = wide::greatest(high);
    if (wide::any_nan(product)) low_high[0] = low_high[1] = std::numeric_limits<float>::quiet_NaN();
  }
};

// Bits of the elements of a vector, from element `at` on, from or to memory: bit i % 8 of byte i / 8. With vectors of
// 4, two vectors share a byte.
constexpr bool bytes_are_shared = wide::lanes < 8;
inline unsigned load_bits(const std::uint8_t* p, std::int64_t at, int n) {
  unsigned bits = 0;
  for (int i = 0; i < n; i += 8) bits |= static_cast<unsigned>(p[(at + i) / 8]) << i;
  return bytes_are_shared ? bits >> at % 8 : bits;
}
inline void store_bits(std::uint8_t* p, std::int64_t at, unsigned bits, int n) {
  if (bytes_are_shared && at % 8 != 0) {
    p[at / 8] = static_cast<std::uint8_t>(p[at / 8] | bits << at % 8);
    return;
  }
  for (int i = 0; i < n; i += 8) p[(at + i) / 8] = static_cast<std::uint8_t>(bits >> i);
}

template <class Quotient, bool Inside>
void fake_quantize_by(const FakeQuantized& a, float* low_high) {
  const Quotient quotient(a.scale);
  const wide::f32 scale = wide::set(a.scale), low = wide::set(a.low), high = wide::set(a.high),
                  least = wide::set(a.low * a.scale), most = wide::set(a.high * a.scale);
  Seen seen;
  each_vector(a.count, [&](std::int64_t i, auto n) {
    const wide::f32 x = load_some(a.x + i, n);
    // (Not x, which has zeros after the end.)
    if constexpr (std::is_same_v<decltype(n), int>) {
      for (int k = 0; k < n; ++k) seen.take(wide::set(a.x[i + k]));
    } else {
      seen.take(x);
    }
    if constexpr (Inside) {
      const unsigned all = (1u << n) - 1, beyond = wide::greater_bits(least, x) | wide::greater_bits(x, most);
      store_bits(a.inside, i, all & ~beyond, n);
    }
    store_some(a.y + i, wide::mul(wide::clamp(wide::to_float(quotient(x)), low, high), scale), n);
  });
  seen.store(low_high);
}

inline void fake_quantize(const FakeQuantized& a, float* low_high) noexcept {
  if (NewtonQuotient::fits(a.scale)) {
    if (a.inside)
      fake_quantize_by<NewtonQuotient, true>(a, low_high);
    else
      fake_quantize_by<NewtonQuotient, false>(a, low_high);
  } else {
    if (a.inside)
      fake_quantize_by<DividedQuotient, true>(a, low_high);
    else
      fake_quantize_by<DividedQuotient, false>(a, low_high);
  }
}

inline void pass_inside(const std::uint8_t* inside, const float* dy, float* dx, std::int64_t n) noexcept {
  each_vector(n, [&](std::int64_t i, auto count) {
    store_some(dx + i, wide::keep_bits(load_bits(inside, i, count), load_some(dy + i, count)), count);
  });
}

// Element i is added to sum i % 16, independent of the size of vectors.
inline void fake_quantize_gradient(const FakeQuantizedGradient& a, float* sums) noexcept {
  constexpr int parts = FakeQuantizedGradient::sums / wide::lanes;
  const wide::f32 inverse = wide::set(1.0f / a.scale), low = wide::set(a.low), high = wide::set(a.high),
                  least = wide::set(a.low * a.scale), most = wide::set(a.high * a.scale), zero = wide::set(0.0f);
  wide::f32 sum[parts];
  for (int j = 0; j < parts; ++j) sum[j] = wide::load(sums + j * wide::lanes);
  const auto take = [&](int j, std::int64_t i, auto n) {
    const wide::f32 x = load_some(a.x + i, n), dy = load_some(a.dy + i, n), v = wide::mul(x, inverse);
    const auto if_inside = [&](wide::f32 y) {
      return wide::select_greater(least, x, zero, wide::select_greater(x, most, zero, y));
    };
    const wide::f32 q =
        wide::clamp(wide::to_float(wide::round(wide::clamp(v, wide::set(-1e9f), wide::set(1e9f)))), low, high);
    sum[j] = wide::fma(dy, wide::sub(q, if_inside(v)), sum[j]);
    store_some(a.dx + i, if_inside(dy), n);
  };
  std::int64_t i = 0;
  for (; i + FakeQuantizedGradient::sums <= a.count; i += FakeQuantizedGradient::sums) {
    OCTET_UNROLL
    for (int j = 0; j < parts; ++j) take(j, i + j * wide::lanes, std::integral_constant<int, wide::lanes>());
  }
  for (int j = 0; i < a.count; ++j, i += wide::lanes)
    take(j, i, static_cast<int>(a.count - i < wide::lanes ? a.count - i : wide::lanes));
  for (int j = 0; j < parts; ++j) wide::store(sums + j * wide::lanes, sum[j]);
}

template <bool Requantizes>
void round_sums_to(const RoundedSums& a) {
  const wide::f32 most = wide::set(0x1p30f), step = wide::set(a.step);
  for (std::int64_t r = 0; r < a.in.rows; ++r)
    each_vector(a.in.channels, [&](std::int64_t i, auto n) {
      const std::int64_t at = r * a.in.channels + i;
      const wide::f32 x = load_some(a.in.x + at, n);
      const wide::f32 v = wide::mul(wide::sub(x, wide::load(a.bias + i)), wide::load(a.inverse + i));
      const auto sums = wide::add(wide::round(v), wide::load(a.code + i));
      wide::f32 y = wide::mul(wide::to_float(sums), wide::load(a.unit + i));
      if constexpr (Requantizes)
        y = wide::mul(wide::to_float(wide::round(wide::clamp(y, wide::set(-0x1p30f), most))), step);
      store_some(a.y + at, wide::select_greater(most, wide::abs(v), y, x), n);
    });
}

inline void round_sums(const RoundedSums& a) noexcept {
  if (a.step > 0)
    round_sums_to<true>(a);
  else
    round_sums_to<false>(a);
}
