// No include guard: part of every instruction set's kernels.
// 16-bit activations, see int16.hpp. A product in double that is added to something is exact, or an operand of fma.

// Stores clamp(round(f(i, n))), where f gives the doubles for n elements from i on.
template <class F>
OCTET_INLINE void store_rounded_i16(std::int16_t* out, std::int64_t count, double low, double high, F f) {
  constexpr int group = 2 * wide::lanes;
  const codes16::limits all(-32768, 32767);
  const doubles lowest = doubles::set(low), highest = doubles::set(high);
  const auto at = [&](std::int64_t i, int n) { return doubles::round(doubles::clamp(f(i, n), lowest, highest)); };
  std::int64_t i = 0;
  for (; i + group <= count; i += group)
    codes16::store_first(
        out + i, codes16::in_order(codes16::pack(at(i, wide::lanes), at(i + wide::lanes, wide::lanes), all)), group);
  const int rest = static_cast<int>(count - i), n = rest < wide::lanes ? rest : wide::lanes;
  if (rest == 0) return;
  const auto second = rest > n ? at(i + n, rest - n) : wide::set(std::int32_t{0});
  codes16::store_first(out + i, codes16::in_order(codes16::pack(at(i, n), second, all)), rest);
}

OCTET_INLINE doubles product(const doubles& a, const doubles& b) { return doubles::mul_add(a, b, doubles::set(0)); }

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
  const doubles scale = doubles::set(q.scale);
  wide::f32 lost = wide::set(0.0f);  // NaN after an element that is not finite
  store_rounded_i16(q.out, q.count, -32768, 32767, [&](std::int64_t i, int n) {
    const wide::f32 x = floats_at(q.in + i, n);
    lost = wide::add(lost, wide::sub(x, x));
    return doubles::div(doubles::of(x), scale);
  });
  float all[wide::lanes];
  wide::store(all, lost);
  return std::all_of(all, all + wide::lanes, [](float x) { return x == 0; });
}

inline void dequantize_i16(const DequantizeI16& d) noexcept {
  const wide::f32 scale = wide::set(d.scale);
  for (std::int64_t i = 0; i < d.count; i += wide::lanes) {
    const int n = static_cast<int>(d.count - i < wide::lanes ? d.count - i : wide::lanes);
    const wide::f32 x = wide::mul(wide::to_float(codes16::load_first(d.in + i, n)), scale);
    if (n == wide::lanes)
      wide::store(d.out + i, x);
    else
      wide::store_first(d.out + i, x, n);
  }
}

OCTET_INLINE wide::i32 codes_at(const std::uint8_t* p, int n) { return bytes_at(p, n); }
OCTET_INLINE wide::i32 codes_at(const std::int16_t* p, int n) { return codes16::load_first(p, n); }

// The codes with the scale of the output, less its zero point.
template <class From>
struct ConvertedCodes {
  const From* in;
  wide::i32 zero;
  doubles scale_in, scale_out;
  explicit ConvertedCodes(const ConvertCodes& c)
      : in(reinterpret_cast<const From*>(c.in)),
        zero(wide::set(c.zero_in)),
        scale_in(doubles::set(c.scale_in)),
        scale_out(doubles::set(c.scale_out)) {}
  OCTET_INLINE doubles operator()(std::int64_t i, int n) const {
    return doubles::div(product(doubles::of(wide::sub(codes_at(in + i, n), zero)), scale_in), scale_out);
  }
};

template <class From>
void convert_to_i16(const ConvertCodes& c) noexcept {
  store_rounded_i16(reinterpret_cast<std::int16_t*>(c.out), c.count, -32768, 32767, ConvertedCodes<From>(c));
}

inline void convert_i16_to_u8(const ConvertCodes& c) noexcept {
  const ConvertedCodes<std::int16_t> codes(c);
  const doubles low = doubles::set(-c.zero_out), high = doubles::set(255 - c.zero_out);
  store_rounded(reinterpret_cast<std::uint8_t*>(c.out), c.count, wide::u8_limits(c.zero_out, 0, 255),
                [&](std::int64_t i, int n) { return doubles::round(doubles::clamp(codes(i, n), low, high)); });
}

template <bool Product>
void binary_i16(const BinaryI16& p) noexcept {
  if (p.count == 0) return;
  const doubles scale_a = doubles::set(p.scale_a), scale_b = doubles::set(p.scale_b);
  const doubles first_a = doubles::set(*p.a), first_b = doubles::set(*p.b);
  store_rounded_i16(p.out, p.count, p.smallest, p.largest, [&](std::int64_t i, int n) {
    const doubles a = p.moves_a ? doubles::of(codes16::load_first(p.a + i, n)) : first_a;
    const doubles b = p.moves_b ? doubles::of(codes16::load_first(p.b + i, n)) : first_b;
    return Product ? product(product(a, b), scale_a) : doubles::fma(b, scale_b, product(a, scale_a));
  });
}

inline constexpr Int16Kernels kernels_of_int16{store_sums_i16,    quantize_i16,
                                               dequantize_i16,    convert_to_i16<std::uint8_t>,
                                               convert_i16_to_u8, convert_to_i16<std::int16_t>,
                                               binary_i16<false>, binary_i16<true>};
