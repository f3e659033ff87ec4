// No include guard: part of every instruction set's kernels, of elementwise ones and of layers.
// x / scale, rounded half to even, in three multiplications: the product with the reciprocal, corrected by the
// remainder of x. Wherever the rounding is decided (near each tie of two integers below 512, for all 2^23 mantissas of
// a scale; beyond, bytes saturate), this equals the quotient of the division bit for bit, which was tested
// exhaustively.
struct NewtonQuotient {
  wide::f32 negative, inverse, limit;
  explicit NewtonQuotient(float scale)
      : negative(wide::set(-scale)), inverse(wide::set(1.0f / scale)), limit(wide::set(scale * 0x1p20f)) {}
  // Whether the remainder is never subnormal and nothing overflows.
  static bool fits(float scale) { return wide::fast_fma && scale >= 0x1p-100f && scale <= 0x1p100f; }

  // (NaN passes the minimum and becomes the smallest integer, as does what overflows far below zero.)
  wide::i32 operator()(wide::f32 x) const {
    x = wide::min(limit, x);
    const wide::f32 v = wide::mul(x, inverse);
    return wide::round(wide::fma(wide::fma(v, negative, x), inverse, v));
  }
};

// Rounds what may be beyond the range that cvtps can convert.
OCTET_INLINE wide::i32 round_any(wide::f32 v) { return wide::round(wide::clamp(v, wide::set(-1e9f), wide::set(1e9f))); }

struct DividedQuotient {
  wide::f32 scale;
  explicit DividedQuotient(float s) : scale(wide::set(s)) {}
  wide::i32 operator()(wide::f32 x) const { return round_any(wide::div(x, scale)); }
};

// x * inverse, rounded half to even.
struct Product {
  wide::f32 inverse;
  explicit Product(float i) : inverse(wide::set(i)) {}
  wide::i32 operator()(wide::f32 x) const { return round_any(wide::mul(x, inverse)); }
};

// x * inverse + zero, halves rounded away from zero.
struct ShiftedProduct {
  wide::f32 inverse, zero;
  ShiftedProduct(float i, std::int32_t z) : inverse(wide::set(i)), zero(wide::set(static_cast<float>(z))) {}
  wide::i32 operator()(wide::f32 x) const {
    const wide::f32 limit = wide::set(1e6f), none = wide::set(0.0f), one = wide::set(1.0f);
    const wide::f32 v = wide::clamp(wide::add(wide::rounded_mul(x, inverse), zero), wide::set(-1e6f), limit);
    const wide::f32 even = wide::to_float(wide::round(v)), away = wide::select_greater(v, none, one, wide::set(-1.0f));
    const wide::f32 rest = wide::mul(wide::sub(v, even), away);  // 0.5 where halves were rounded towards zero
    return wide::round(wide::add(even, wide::select_greater(rest, wide::set(0x1.fffffep-2f), away, none)));
  }
};
