// No include guard: part of the kernels of wide vectors.

// A vector with operators, for formulas that are written for any vector.
struct Floats {
  wide::f32 v;

  explicit Floats(wide::f32 x) : v(x) {}
  explicit Floats(float x) : v(wide::set(x)) {}
};
OCTET_INLINE Floats operator+(const Floats& a, const Floats& b) { return Floats(wide::add(a.v, b.v)); }
OCTET_INLINE Floats operator-(const Floats& a, const Floats& b) { return Floats(wide::sub(a.v, b.v)); }
OCTET_INLINE Floats operator*(const Floats& a, const Floats& b) { return Floats(wide::mul(a.v, b.v)); }
OCTET_INLINE Floats operator/(const Floats& a, const Floats& b) { return Floats(wide::div(a.v, b.v)); }
OCTET_INLINE Floats operator-(const Floats& x) { return x * Floats(-1.0f); }

OCTET_INLINE Floats rounded(Floats x) {
#if defined(__GNUC__)
  __asm__("" : "+v"(x.v));
#endif
  return x;
}
OCTET_INLINE Floats absolute(const Floats& x) { return Floats(wide::abs(x.v)); }
OCTET_INLINE Floats select_less(const Floats& a, const Floats& b, const Floats& yes, const Floats& no) {
  return Floats(wide::select_greater(b.v, a.v, yes.v, no.v));
}
OCTET_INLINE bool all_less(const Floats& a, const Floats& b) {
  return wide::greater_bits(b.v, a.v) == (1u << wide::lanes) - 1;
}
OCTET_INLINE Floats power_of_two(const Floats& n) {
  return Floats(wide::float_of_bits(wide::shift_left<23>(wide::add(wide::round(n.v), wide::set(127)))));
}

#include "exponentials.inl"

// (Functors with names: a lambda's conversion to a function pointer would be compiled outside the target region.)
struct Exp {
  static Floats of(const Floats& x) { return exp_of(x); }
};
struct Sigmoid {
  static Floats of(const Floats& x) { return sigmoid_of(x); }
};
struct Silu {
  static Floats of(const Floats& x) { return silu_of(x); }
};
struct Tanh {
  static Floats of(const Floats& x) { return tanh_of(x); }
};
struct Gelu {
  static Floats of(const Floats& x) { return gelu_of(x, Floats(0.70710678118654752f)); }
};

template <class F>
void apply(const float* in, float* out, std::int64_t n) noexcept {
  std::int64_t i = 0;
  for (; i + wide::lanes <= n; i += wide::lanes) wide::store(out + i, F::of(Floats(wide::load(in + i))).v);
  const int rest = static_cast<int>(n - i);
  if (rest) wide::store_first(out + i, F::of(Floats(wide::load_first(in + i, rest))).v, rest);
}

inline constexpr FloatFunctions functions{apply<Exp>, apply<Sigmoid>, apply<Silu>, apply<Tanh>, apply<Gelu>};
