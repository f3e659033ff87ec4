// No include guard: part of every instruction set's kernels.
// 16-bit activations, see int16.hpp. The loops have a fixed length and work on arrays of their own, so that compilers
// make vectors of them. A product in double that is added to something is exact, or an operand of fma.

constexpr int i16_block = static_cast<int>(int16_block);

// Calls f(first, number of elements) for whole blocks, where the number is a constant, and for the rest.
template <class F>
OCTET_INLINE void each_block(std::int64_t count, F f) {
  std::int64_t i = 0;
  for (; i + i16_block <= count; i += i16_block) f(i, std::integral_constant<int, i16_block>());
  if (i < count) f(i, static_cast<int>(count - i));
}

// The first n elements of a block; the others are 0.
template <class T>
struct BlockOf {
  T v[i16_block] = {};
  BlockOf() = default;
  template <class N>
  OCTET_INLINE BlockOf(const T* from, N n) {
    std::memcpy(v, from, static_cast<std::size_t>(n) * sizeof(T));
  }
  template <class N>
  OCTET_INLINE void store(T* to, N n) const {
    std::memcpy(to, v, static_cast<std::size_t>(n) * sizeof(T));
  }
};

// clamp(round_half_even(v) + zero, low, high) as integers of type T. The limits are clamped to first, which makes no
// difference, since they are integers; then adding 1.5 * 2^52 rounds, and leaves the integer in the lowest bits.
template <class T>
OCTET_INLINE BlockOf<T> rounded_block(const double (&v)[i16_block], double low, double high, std::int32_t zero = 0) {
  constexpr double shift = 6755399441055744.0;
  const double lowest = low - zero, highest = high - zero;
  double shifted[i16_block];
  for (int k = 0; k < i16_block; ++k) {
    const double above = v[k] > lowest ? v[k] : lowest;  // NaN becomes the lowest
    shifted[k] = (above < highest ? above : highest) + shift;
  }
  std::int64_t bits[i16_block];
  std::memcpy(bits, shifted, sizeof bits);
  BlockOf<T> out;
  for (int k = 0; k < i16_block; ++k) out.v[k] = static_cast<T>(static_cast<std::int32_t>(bits[k]) + zero);
  return out;
}

// The first n sums of a vector; the others are 0.
OCTET_INLINE doubles sums_at(const std::int32_t* p, int n) {
  if (n >= wide::lanes) return doubles::of(wide::load(p));
  alignas(64) std::int32_t all[wide::lanes] = {};
  if (n > 0) std::memcpy(all, p, static_cast<std::size_t>(n) * 4);
  return doubles::of(wide::load(all));
}

enum class SumsForm { codes, residual, residual_apart, floats };

// A vector of columns of all rows as what is clamped and rounded: v, plus the residual. `Wide`: a bias and parts.
template <SumsForm Form, bool Wide>
struct SumsColumns {
  const SumsI16& s;
  const std::int64_t c;
  const int n;  // of its columns that exist
  const doubles scale = doubles::load(s.scale + c), bias = Wide ? doubles::load(s.bias + c) : scale,
                nudge = doubles::set(s.nudge), low = doubles::set(s.smallest), high = doubles::set(s.largest),
                residual_scale = doubles::set(s.residual_scale);

  OCTET_INLINE doubles at(std::int64_t row) const {
    doubles v = sums_at(s.sums + row * s.stride + c, n);
    if constexpr (Wide) {
      v = doubles::add(v, bias);
      for (std::int64_t p = 0; p < s.parts; ++p)
        v = doubles::add(v, sums_at(s.more + p * s.part_size + row * s.more_stride + c, n));
    }
    v = doubles::mul_add(v, scale, nudge);
    if constexpr (Form == SumsForm::residual) v = doubles::fma(residual(row), residual_scale, v);
    if constexpr (Form == SumsForm::residual_apart)
      v = doubles::add(doubles::nearest(v), doubles::nearest(doubles::mul_add(residual(row), residual_scale, nudge)));
    return doubles::clamp(v, low, high);
  }
  OCTET_INLINE doubles residual(std::int64_t row) const {
    return doubles::of(codes16::load_first(s.residual + row * s.residual_stride + c, n));
  }
};

template <SumsForm Form, bool Wide>
void store_sums_as(const SumsI16& s) {
  const codes16::limits all(-32768, 32767);
  for (std::int64_t c = 0; c < s.channels; c += 2 * wide::lanes) {
    const int left = static_cast<int>(s.channels - c < 2 * wide::lanes ? s.channels - c : 2 * wide::lanes);
    const SumsColumns<Form, Wide> first{s, c, left < wide::lanes ? left : wide::lanes},
        second{s, c + wide::lanes, left < wide::lanes ? 0 : left - wide::lanes};
    for (std::int64_t row = 0; row < s.rows; ++row) {
      const std::int64_t at = row * s.out_stride + c;
      if constexpr (Form == SumsForm::floats) {
        wide::store_first(s.out_f32 + at, doubles::to_float(first.at(row)), first.n);
        if (second.n) wide::store_first(s.out_f32 + at + wide::lanes, doubles::to_float(second.at(row)), second.n);
      } else {
        const auto v = codes16::pack(doubles::round(first.at(row)), doubles::round(second.at(row)), all);
        codes16::store_first(s.out + at, codes16::in_order(v), left);
      }
    }
  }
}

template <SumsForm Form>
void store_sums_with(const SumsI16& s) {
  if (s.bias)
    store_sums_as<Form, true>(s);
  else
    store_sums_as<Form, false>(s);
}

inline void store_sums_i16(const SumsI16& s) noexcept {
  if (s.out_f32) return store_sums_with<SumsForm::floats>(s);
  if (!s.residual) return store_sums_with<SumsForm::codes>(s);
  if (s.apart) return store_sums_with<SumsForm::residual_apart>(s);
  store_sums_with<SumsForm::residual>(s);
}

inline bool quantize_i16(const QuantizeI16& q) noexcept {
  std::int32_t lost = 0;
  each_block(q.count, [&](std::int64_t i, auto n) {
    const BlockOf<float> x(q.in + i, n);
    double v[i16_block];
    for (int k = 0; k < i16_block; ++k) v[k] = static_cast<double>(x.v[k]) / q.scale;
    for (int k = 0; k < i16_block; ++k) lost |= x.v[k] - x.v[k] == 0.0f ? 0 : 1;
    rounded_block<std::int16_t>(v, -32768, 32767).store(q.out + i, n);
  });
  return lost == 0;
}

inline void dequantize_i16(const DequantizeI16& d) noexcept {
  each_block(d.count, [&](std::int64_t i, auto n) {
    const BlockOf<std::int16_t> x(d.in + i, n);
    BlockOf<float> out;
    for (int k = 0; k < i16_block; ++k) out.v[k] = static_cast<float>(x.v[k]) * d.scale;
    out.store(d.out + i, n);
  });
}

template <class From, class To>
void convert_codes(const ConvertCodes& c) noexcept {
  const auto* in = reinterpret_cast<const From*>(c.in);
  auto* out = reinterpret_cast<To*>(c.out);
  each_block(c.count, [&](std::int64_t i, auto n) {
    const BlockOf<From> x(in + i, n);
    double v[i16_block];
    for (int k = 0; k < i16_block; ++k)
      v[k] = static_cast<double>(static_cast<std::int32_t>(x.v[k]) - c.zero_in) * c.scale_in / c.scale_out;
    rounded_block<To>(v, std::numeric_limits<To>::min(), std::numeric_limits<To>::max(), c.zero_out).store(out + i, n);
  });
}

template <bool Product>
void binary_i16(const BinaryI16& p) noexcept {
  BlockOf<std::int16_t> a, b;
  for (int k = 0; k < i16_block; ++k) {
    a.v[k] = p.moves_a || p.count == 0 ? std::int16_t{0} : *p.a;
    b.v[k] = p.moves_b || p.count == 0 ? std::int16_t{0} : *p.b;
  }
  each_block(p.count, [&](std::int64_t i, auto n) {
    if (p.moves_a) a = BlockOf<std::int16_t>(p.a + i, n);
    if (p.moves_b) b = BlockOf<std::int16_t>(p.b + i, n);
    double v[i16_block];
    for (int k = 0; k < i16_block; ++k)
      if constexpr (Product)
        v[k] = static_cast<double>(std::int32_t{a.v[k]} * std::int32_t{b.v[k]}) * p.scale_a;
      else
        v[k] = std::fma(static_cast<double>(b.v[k]), p.scale_b, static_cast<double>(a.v[k]) * p.scale_a);
    rounded_block<std::int16_t>(v, p.smallest, p.largest).store(p.out + i, n);
  });
}

inline constexpr Int16Kernels kernels_of_int16{store_sums_i16,
                                               quantize_i16,
                                               dequantize_i16,
                                               convert_codes<std::uint8_t, std::int16_t>,
                                               convert_codes<std::int16_t, std::uint8_t>,
                                               convert_codes<std::int16_t, std::int16_t>,
                                               binary_i16<false>,
                                               binary_i16<true>};
