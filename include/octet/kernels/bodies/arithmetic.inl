// No include guard: part of every instruction set's kernels.
// Elementwise arithmetic: of two arrays of the same size, or of an array and numbers.

// out = clamp(Op(a, b)), both of the same shape. (Functors with names: a lambda's conversion to a function pointer
// would be compiled outside the target region.)
struct Add {
  static wide::f32 apply(wide::f32 a, wide::f32 b) { return wide::add(a, b); }
};
struct Mul {
  static wide::f32 apply(wide::f32 a, wide::f32 b) { return wide::mul(a, b); }
};
template <class Op>
void binary_f32(const float* a, const float* b, float* out, std::int64_t n, float low, float high) noexcept {
  const wide::f32 l = wide::set(low), h = wide::set(high);
  std::int64_t i = 0;
  for (; i + wide::lanes <= n; i += wide::lanes)
    wide::store(out + i, wide::clamp(Op::apply(wide::load(a + i), wide::load(b + i)), l, h));
  const int rest = static_cast<int>(n - i);
  if (rest == 0) return;
  const wide::f32 v = Op::apply(wide::load_first(a + i, rest), wide::load_first(b + i, rest));
  wide::store_first(out + i, wide::clamp(v, l, h), rest);
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
