// No include guard: part of every instruction set's kernels.
// Sums and greatest elements of rows of floats. 16 partial results, of elements k % 16, on every instruction set.

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

inline void sum_rows_f32(const float* in, std::int64_t rows, std::int64_t count, double* sums) noexcept {
  for (std::int64_t r = 0; r < rows; ++r, in += count) {
    doubles part[partial_vectors];
    OCTET_UNROLL
    for (int v = 0; v < partial_vectors; ++v) part[v] = doubles::set(0);
    each_partial(count, [&](int v, std::int64_t k, int n) {
      const wide::f32 x = n == wide::lanes ? wide::load(in + k) : wide::load_first(in + k, n);
      part[v] = doubles::add(part[v], doubles::of(x));
    });
    double all[partial_results];
    OCTET_UNROLL
    for (int v = 0; v < partial_vectors; ++v) doubles::store(all + v * wide::lanes, part[v]);
    for (int half = partial_results / 2; half > 0; half /= 2)
      for (int i = 0; i < half; ++i) all[i] += all[i + half];
    sums[r] = all[0];
  }
}

// NaN if an element is. -inf for empty rows.
inline void max_rows_f32(const float* in, std::int64_t rows, std::int64_t count, float* out) noexcept {
  const wide::f32 lowest = wide::set(-std::numeric_limits<float>::infinity());
  for (std::int64_t r = 0; r < rows; ++r, in += count) {
    wide::f32 part[partial_vectors];
    OCTET_UNROLL
    for (int v = 0; v < partial_vectors; ++v) part[v] = lowest;
    each_partial(count, [&](int v, std::int64_t k, int n) {
      if (n == wide::lanes) {
        part[v] = wide::max_or_nan(part[v], wide::load(in + k));
        return;
      }
      float rest[wide::lanes];
      wide::store(rest, lowest);
      for (int i = 0; i < n; ++i) rest[i] = in[k + i];
      part[v] = wide::max_or_nan(part[v], wide::load(rest));
    });
    float all[partial_results];
    OCTET_UNROLL
    for (int v = 0; v < partial_vectors; ++v) wide::store(all + v * wide::lanes, part[v]);
    float greatest = all[0];
    for (int i = 1; i < partial_results; ++i) greatest = all[i] > greatest || all[i] != all[i] ? all[i] : greatest;
    out[r] = greatest;
  }
}
