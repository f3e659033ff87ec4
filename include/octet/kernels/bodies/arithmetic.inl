// No include guard: part of every instruction set's kernels.
// Elementwise arithmetic: of two arrays of the same size, or of an array and numbers.

// (Functors with names: a lambda's conversion to a function pointer would be compiled outside the target region.)
struct Add {
  static wide::f32 apply(wide::f32 a, wide::f32 b) { return wide::add(a, b); }
};
struct Sub {
  static wide::f32 apply(wide::f32 a, wide::f32 b) { return wide::sub(a, b); }
};
struct Mul {
  static wide::f32 apply(wide::f32 a, wide::f32 b) { return wide::mul(a, b); }
};
struct Div {
  static wide::f32 apply(wide::f32 a, wide::f32 b) { return wide::div(a, b); }
};

template <class Op, bool MovesA, bool MovesB>
void binary_rows(const ArithmeticF32& g) noexcept {
  const wide::f32 low = wide::set(g.low), high = wide::set(g.high);
  const float *a = g.a, *b = g.b;
  float* out = g.out;
  const std::int64_t n = g.n;
  for (std::int64_t r = 0; r < g.rows; ++r, a += g.a_row, b += g.b_row, out += g.out_row) {
    if (n == 0) continue;
    const wide::f32 one_a = wide::set(*a), one_b = wide::set(*b);
    std::int64_t i = 0;
    for (; i + wide::lanes <= n; i += wide::lanes) {
      const wide::f32 x = MovesA ? wide::load(a + i) : one_a, y = MovesB ? wide::load(b + i) : one_b;
      wide::store(out + i, wide::clamp(Op::apply(x, y), low, high));
    }
    const int rest = static_cast<int>(n - i);
    if (rest == 0) continue;
    const wide::f32 x = MovesA ? wide::load_first(a + i, rest) : one_a;
    const wide::f32 y = MovesB ? wide::load_first(b + i, rest) : one_b;
    wide::store_first(out + i, wide::clamp(Op::apply(x, y), low, high), rest);
  }
}
template <class Op>
void binary_f32(const ArithmeticF32& g) noexcept {
  if (g.a_moves) return g.b_moves ? binary_rows<Op, true, true>(g) : binary_rows<Op, true, false>(g);
  return g.b_moves ? binary_rows<Op, false, true>(g) : binary_rows<Op, false, false>(g);
}

// out = clamp(a * scale + shift)
inline void affine_f32(const float* a, float* out, std::int64_t n, float scale, float shift, float low,
                       float high) noexcept {
  const wide::f32 m = wide::set(scale), s = wide::set(shift), l = wide::set(low), h = wide::set(high);
  std::int64_t i = 0;
  for (; i + wide::lanes <= n; i += wide::lanes)
    wide::store(out + i, wide::clamp(wide::fma(wide::load(a + i), m, s), l, h));
  const int rest = static_cast<int>(n - i);
  if (rest) wide::store_first(out + i, wide::clamp(wide::fma(wide::load_first(a + i, rest), m, s), l, h), rest);
}
