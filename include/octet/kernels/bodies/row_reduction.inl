// No include guard: part of every instruction set's kernels.
// Sums, greatest and least elements of rows of floats. 16 partial results, of elements k % 16, on every instruction
// set.

constexpr int partial_results = 16, partial_vectors = 16 / wide::lanes;

// take(v, k, n): combines partial vector v with n elements from k on.
template <class Take>
OCTET_INLINE void each_partial(std::int64_t count, Take take) {
  std::int64_t k = 0;
  for (; k + partial_results <= count; k += partial_results) {
    OCTET_UNROLL
    for (int v = 0; v < partial_vectors; ++v) take(v, k + v * wide::lanes, wide::lanes);
  }
  OCTET_UNROLL
  for (int v = 0; v < partial_vectors; ++v) {
    const std::int64_t left = count - k - v * wide::lanes;
    if (left > 0) take(v, k + v * wide::lanes, static_cast<int>(left < wide::lanes ? left : wide::lanes));
  }
}

// (A functor with a name: see arithmetic.inl.)
struct Same {
  wide::f32 operator()(wide::f32 x) const { return x; }
};

// The sum of f(elements) of a row, in double.
template <class F>
OCTET_INLINE double sum_row(const float* in, std::int64_t count, F f) {
  doubles part[partial_vectors];
  OCTET_UNROLL
  for (int v = 0; v < partial_vectors; ++v) part[v] = doubles::set(0);
  each_partial(count, [&](int v, std::int64_t k, int n) {
    const wide::f32 x =
        n == wide::lanes ? f(wide::load(in + k)) : wide::keep_bits((1u << n) - 1, f(wide::load_first(in + k, n)));
    part[v] = doubles::add(part[v], doubles::of(x));
  });
  double all[partial_results];
  OCTET_UNROLL
  for (int v = 0; v < partial_vectors; ++v) doubles::store(all + v * wide::lanes, part[v]);
  for (int half = partial_results / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) all[i] += all[i + half];
  return all[0];
}

inline void sum_rows_f32(const float* in, std::int64_t rows, std::int64_t count, double* sums) noexcept {
  for (std::int64_t r = 0; r < rows; ++r, in += count) sums[r] = sum_row(in, count, Same());
}

// The greatest, or least, element of each row: NaN if an element is; -inf, or inf, for empty rows.
inline void extremum_rows_f32(const float* in, std::int64_t rows, std::int64_t count, float* out, bool least) noexcept {
  const wide::f32 lowest = wide::set(-std::numeric_limits<float>::infinity()), sign = wide::set(least ? -1.0f : 1.0f);
  float padded[partial_results];
  for (std::int64_t r = 0; r < rows; ++r, in += count) {
    wide::f32 part[partial_vectors];
    OCTET_UNROLL
    for (int v = 0; v < partial_vectors; ++v) part[v] = lowest;
    std::int64_t k = 0;
    for (; k < count; k += partial_results) {
      const float* from = in + k;
      if (k + partial_results > count && count >= partial_results)
        from = in + count - partial_results;  // the last elements, some of which are taken twice
      if (count < partial_results) {
        for (int i = 0; i < partial_results; ++i) padded[i] = in[i < count ? i : 0];
        from = padded;
      }
      OCTET_UNROLL
      for (int v = 0; v < partial_vectors; ++v)
        part[v] = wide::max_or_nan(part[v], wide::mul(wide::load(from + v * wide::lanes), sign));
    }
    OCTET_UNROLL
    for (int v = 1; v < partial_vectors; ++v) part[0] = wide::max_or_nan(part[0], part[v]);
    // Which of +0 and -0 is found depends on the instruction set: always +0.
    const float greatest = wide::any_nan(part[0]) ? std::numeric_limits<float>::quiet_NaN() : wide::greatest(part[0]);
    out[r] = least ? 0 - greatest : greatest + 0;
  }
}
