// No include guard: part of every instruction set's kernels, those of elements and those of layers.
// x / scale, rounded half to even, for the price of three multiplications: the product with the reciprocal, corrected
// by what it leaves of x. Wherever rounding decides (near each tie of two integers below 512, for all 2^23 mantissas
// of a scale; bytes saturate beyond) that is the quotient of the division, bit for bit: tried exhaustively.
struct NewtonQuotient {
  wide::f32 negative, inverse, limit;
  explicit NewtonQuotient(float scale)
      : negative(wide::set(-scale)), inverse(wide::set(1.0f / scale)), limit(wide::set(scale * 0x1p20f)) {}
  // Where the remainder that matters is no subnormal number, and nothing overflows.
  static bool fits(float scale) { return wide::fast_fma && scale >= 0x1p-100f && scale <= 0x1p100f; }

  // (A NaN passes the minimum and becomes the smallest integer; what overflows far below zero ends as one, too.)
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
    return wide::round(wide::clamp(wide::div(x, scale), wide::set(-1e9f), wide::set(1e9f)));  // what cvtps can convert
  }
};
