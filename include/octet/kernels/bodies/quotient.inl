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

struct DividedQuotient {
  wide::f32 scale;
  explicit DividedQuotient(float s) : scale(wide::set(s)) {}
  wide::i32 operator()(wide::f32 x) const {
    return wide::round(
        wide::clamp(wide::div(x, scale), wide::set(-1e9f), wide::set(1e9f)));  // the range that cvtps can convert
  }
};
