// No include guard: part of every instruction set's kernels.
// Elementwise arithmetic: of two arrays of the same size, or of an array and numbers.

inline void add_u8(const AddU8& a) noexcept {
  const wide::u8_limits limits(a.zero_point, a.low, a.high);
  const wide::f32 scale_a = wide::set(a.scale_a), scale_b = wide::set(a.scale_b);
  const wide::i32 zero_a = wide::set(a.zero_a), zero_b = wide::set(a.zero_b);
  const auto add = [&](wide::i32 x, wide::i32 y) {
    const wide::f32 fx = wide::mul(wide::to_float(wide::sub(x, zero_a)), scale_a);
    return wide::round(wide::fma(wide::to_float(wide::sub(y, zero_b)), scale_b, fx));
  };
  constexpr int group = 4 * wide::lanes;
  wide::i32 v[4];
  std::int64_t i = 0;
  for (; i + group <= a.count; i += group) {
    OCTET_UNROLL
    for (int j = 0; j < 4; ++j)
      v[j] = add(wide::load_u8(a.a + i + j * wide::lanes), wide::load_u8(a.b + i + j * wide::lanes));
    wide::store(a.out + i, in_order(v, limits));
  }
  const int rest = static_cast<int>(a.count - i);
  if (rest == 0) return;
  OCTET_UNROLL
  for (int j = 0; j < 4; ++j) {
    const int left = rest - j * wide::lanes, n = left < 0 ? 0 : left < wide::lanes ? left : wide::lanes;
    v[j] = add(wide::load_u8_first(a.a + i + j * wide::lanes, n), wide::load_u8_first(a.b + i + j * wide::lanes, n));
  }
  wide::store_first(a.out + i, in_order(v, limits), rest);
}

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
