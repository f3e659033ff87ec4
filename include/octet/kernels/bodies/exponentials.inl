// No include guard: part of the kernels of floats, and of operators/elementary.hpp.
// Functions of vectors V of floats, made of exp. They need `rounded` (see rounded.hpp), absolute(V),
// select_less(V, V, yes, no), all_less(V, V) and power_of_two(V), of integers from -127 to 128. The approximations are
// from Cephes (S. Moshier), with errors of a few units in the last place.

// ((first * x + second) * x + ...) + last
template <class V, class... C>
OCTET_INLINE V polynomial(const V& x, float first, C... rest) noexcept {
  V p(first);
  ((p = rounded(p * x) + V(rest)), ...);
  return p;
}

template <class V>
OCTET_INLINE V exp_of(const V& argument) noexcept {
  // Outside, the result is infinite, or 0 (below 1.7e-38, close to the subnormals). NaN is kept.
  V x = select_less(V(89.0f), argument, V(89.0f), argument);
  x = select_less(x, V(-87.5f), V(-87.5f), x);
  const V shift(12582912.0f), one(1.0f);  // 1.5 * 2^23: sums are integers
  const V n = (rounded(x * V(1.44269504f)) + shift) - shift;
  // ln 2 in two parts: products with the first, of 9 bits, are exact.
  const V r = (x - rounded(n * V(0.693359375f))) - rounded(n * V(-2.12194440e-4f));
  const V p = polynomial(r, 1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f,
                         5.0000001201e-1f);
  const V y = (rounded(p * rounded(r * r)) + r) + one;
  // Times 2^n, where n may be one more than the exponents of floats.
  return (y + y) * power_of_two(n - one);
}

template <class V>
OCTET_INLINE V sigmoid_of(const V& x) noexcept {
  return V(1.0f) / (V(1.0f) + exp_of(-x));
}

template <class V>
OCTET_INLINE V silu_of(const V& x) noexcept {
  return x / (V(1.0f) + exp_of(-x));
}

template <class V>
OCTET_INLINE V tanh_of(const V& x) noexcept {
  const V a = absolute(x), z = rounded(x * x), half(0.625f);
  const V p =
      polynomial(z, -5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f, -3.33332819422e-1f);
  const V near = rounded(rounded(p * z) * x) + x;
  const V far = V(1.0f) - V(2.0f) / (exp_of(a + a) + V(1.0f));
  return select_less(a, half, near, select_less(x, V(0.0f), -far, far));
}

// The error function.
template <class V>
OCTET_INLINE V erf_of(const V& x) noexcept {
  const V a = absolute(x), z = rounded(x * x), one(1.0f), two(2.0f), four(4.0f);
  const V near = rounded(x * polynomial(z, 7.853861353153693e-5f, -8.010193625184903e-4f, 5.188327685732524e-3f,
                                        -2.685381193529856e-2f, 1.128358514861418e-1f, -3.761262582423300e-1f,
                                        1.128379165726710f));
  if (all_less(a, one)) return near;
  // Above 4, the result is 1 in float.
  const V b = select_less(four, a, four, select_less(a, one, one, a)), q = one / b, y = rounded(q * q);
  const V middle = polynomial(y, 2.326819970068386e-2f, -1.387039388740657e-1f, 3.687424674597105e-1f,
                              -5.824733027278666e-1f, 6.210004621745983e-1f, -4.944515323274145e-1f,
                              3.404879937665872e-1f, -2.741127028184656e-1f, 5.638259427386472e-1f);
  const V end = polynomial(y, -1.047766399936249e+1f, 1.297719955372516e+1f, -7.495517718768503f, 2.921019019210786f,
                           -1.015265279202700f, 4.218463358204948e-1f, -2.820767439740514e-1f, 5.641895067754075e-1f);
  const V p = select_less(b, two, middle, end);
  const V far = one - rounded(rounded(exp_of(-rounded(b * b)) * q) * p);
  return select_less(a, one, near, select_less(x, V(0.0f), -far, far));
}

// The root of 1/2 is given in the precision of V, which may be double.
template <class V>
OCTET_INLINE V gelu_of(const V& x, const V& root_half) noexcept {
  return x * V(0.5f) * (V(1.0f) + erf_of(x * root_half));
}
