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

enum class SumsForm { codes, codes_residual, floats };

// A block of channels, in all rows.
template <SumsForm Form, bool Parts, class N>
OCTET_INLINE void store_sums_block(const SumsI16& s, std::int64_t c, N n) {
  const BlockOf<double> bias(s.bias + c, int16_block), scale(s.scale + c, int16_block);
  for (std::int64_t row = 0; row < s.rows; ++row) {
    const BlockOf<std::int32_t> sums(s.sums + row * s.stride + c, n);
    double v[i16_block];
    for (int k = 0; k < i16_block; ++k) v[k] = static_cast<double>(sums.v[k]) + bias.v[k];
    for (std::int64_t p = 0; Parts && p < s.parts; ++p) {
      const BlockOf<std::int32_t> more(s.more + p * s.part_size + row * s.more_stride + c, n);
      for (int k = 0; k < i16_block; ++k) v[k] += static_cast<double>(more.v[k]);
    }
    for (int k = 0; k < i16_block; ++k) v[k] *= scale.v[k];
    const std::int64_t at = row * s.out_stride + c;
    if constexpr (Form == SumsForm::floats) {
      BlockOf<float> out;
      for (int k = 0; k < i16_block; ++k) {
        const double above = v[k] > s.smallest ? v[k] : s.smallest;
        out.v[k] = static_cast<float>(above < s.largest ? above : s.largest);
      }
      out.store(s.out_f32 + at, n);
      continue;
    }
    if constexpr (Form == SumsForm::codes_residual) {
      const BlockOf<std::int16_t> r(s.residual + row * s.residual_stride + c, n);
      std::int32_t wide_r[i16_block];
      for (int k = 0; k < i16_block; ++k) wide_r[k] = r.v[k];
      for (int k = 0; k < i16_block; ++k) v[k] = std::fma(static_cast<double>(wide_r[k]), s.residual_scale, v[k]);
    }
    if constexpr (Form != SumsForm::floats) rounded_block<std::int16_t>(v, s.smallest, s.largest).store(s.out + at, n);
  }
}

template <SumsForm Form>
void store_sums_as(const SumsI16& s) {
  each_block(s.channels, [&](std::int64_t c, auto n) {
    if (s.parts)
      store_sums_block<Form, true>(s, c, n);
    else
      store_sums_block<Form, false>(s, c, n);
  });
}

inline void store_sums_i16(const SumsI16& s) noexcept {
  if (s.out_f32) return store_sums_as<SumsForm::floats>(s);
  if (s.residual) return store_sums_as<SumsForm::codes_residual>(s);
  store_sums_as<SumsForm::codes>(s);
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
