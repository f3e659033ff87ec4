// No include guard: part of every instruction set's kernels.
// Numbers less their mean, divided by their standard deviation: of rows, or of columns of pixels. Sums are of doubles,
// and have the same bits on every instruction set.

// out = clamp((in - mean) * factor * scale + shift) for n elements. mean and factor give a vector for each place.
template <class Mean, class Factor>
OCTET_INLINE void normalize_elements(const NormalizeRows& a, const float* in, float* out, std::int64_t n, Mean mean,
                                     Factor factor) {
  const wide::f32 low = wide::set(a.low), high = wide::set(a.high);
  const auto normalized = [&](std::int64_t k, wide::f32 x, wide::f32 scale, wide::f32 shift) {
    return wide::clamp(wide::fma(wide::mul(wide::sub(x, mean(k)), factor(k)), scale, shift), low, high);
  };
  std::int64_t k = 0;
  for (; k + wide::lanes <= n; k += wide::lanes)
    wide::store(out + k, normalized(k, wide::load(in + k), wide::load(a.scale + k), wide::load(a.shift + k)));
  if (const int rest = static_cast<int>(n - k); rest)
    wide::store_first(out + k,
                      normalized(k, wide::load_first(in + k, rest), wide::load_first(a.scale + k, rest),
                                 wide::load_first(a.shift + k, rest)),
                      rest);
}

// The same vector everywhere, or that of an array. (Functors with names: see arithmetic.inl.)
struct Everywhere {
  wide::f32 v;
  wide::f32 operator()(std::int64_t) const { return v; }
};
struct Elements {
  const float* p;
  wide::f32 operator()(std::int64_t k) const { return wide::load(p + k); }
};

OCTET_INLINE float inverse_deviation(double squares, double count, float epsilon) {
  return 1 / std::sqrt(static_cast<float>(squares / count) + epsilon);
}

// Rows that are shorter than vectors, NormalizeRows::block at a time.
inline void normalize_short_rows(const NormalizeRows& a) noexcept {
  constexpr int most = NormalizeRows::block * NormalizeRows::short_row;
  float means[most + wide::lanes] = {}, factors[most + wide::lanes] = {};
  const std::int64_t n = a.count;
  const auto count = static_cast<double>(n);
  for (std::int64_t first = 0; first < a.rows; first += NormalizeRows::block) {
    const std::int64_t left = a.rows - first, rows = left < NormalizeRows::block ? left : NormalizeRows::block;
    const float* in = a.in + first * n;
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* row = in + r * n;
      double sum = 0, squares = 0;
      for (std::int64_t k = 0; k < n; ++k) sum += static_cast<double>(row[k]);
      const float mean = static_cast<float>(sum / count);
      for (std::int64_t k = 0; k < n; ++k) squares += static_cast<double>(rounded((row[k] - mean) * (row[k] - mean)));
      const float factor = inverse_deviation(squares, count, a.epsilon);
      for (std::int64_t k = 0; k < n; ++k) {
        means[r * n + k] = mean;
        factors[r * n + k] = factor;
      }
    }
    normalize_elements(a, in, a.out + first * n, rows * n, Elements{means}, Elements{factors});
  }
}

inline void normalize_rows_f32(const NormalizeRows& a) noexcept {
  if (a.count < NormalizeRows::short_row) return normalize_short_rows(a);
  const float* in = a.in;
  float* out = a.out;
  const auto count = static_cast<double>(a.count);
  for (std::int64_t r = 0; r < a.rows; ++r, in += a.count, out += a.count) {
    const wide::f32 mean = wide::set(static_cast<float>(sum_row(in, a.count, Same()) / count));
    const double squares =
        sum_row(in, a.count, [&](wide::f32 x) { return wide::mul(wide::sub(x, mean), wide::sub(x, mean)); });
    const wide::f32 factor = wide::set(inverse_deviation(squares, count, a.epsilon));
    normalize_elements(a, in, out, a.count, Everywhere{mean}, Everywhere{factor});
  }
}

// Adds columns [c, c + Vectors * wide::lanes), or `left` fewer than a vector, to their sums.
template <bool Squares, int Vectors>
OCTET_INLINE void add_columns(const NormalizeColumns& a, std::int64_t c, int left) {
  const bool whole = left >= wide::lanes;
  const auto load = [&](const float* p) { return whole ? wide::load(p) : wide::load_first(p, left); };
  wide::f32 mean[Vectors];
  doubles sums[Vectors];
  double last[wide::lanes] = {};
  if (!whole)
    for (int i = 0; i < left; ++i) last[i] = a.sums[c + i];
  OCTET_UNROLL
  for (int v = 0; v < Vectors; ++v) {
    mean[v] = Squares ? load(a.mean + c + v * wide::lanes) : wide::set(0.0f);
    sums[v] = doubles::load(whole ? a.sums + c + v * wide::lanes : last);
  }
  const float* in = a.in + c;
  for (std::int64_t p = 0; p < a.pixels; ++p, in += a.channels) {
    OCTET_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      wide::f32 x = load(in + v * wide::lanes);
      if (Squares) {
        x = wide::sub(x, mean[v]);
        x = wide::mul(x, x);
      }
      sums[v] = doubles::add(sums[v], doubles::of(x));
    }
  }
  OCTET_UNROLL
  for (int v = 0; v < Vectors; ++v) doubles::store(whole ? a.sums + c + v * wide::lanes : last, sums[v]);
  if (!whole)
    for (int i = 0; i < left; ++i) a.sums[c + i] = last[i];
}
template <bool Squares>
void column_sums_f32(const NormalizeColumns& a) noexcept {
  std::int64_t c = 0;
  for (; c + 4 * wide::lanes <= a.channels; c += 4 * wide::lanes) add_columns<Squares, 4>(a, c, wide::lanes);
  for (; c < a.channels; c += wide::lanes) {
    const std::int64_t left = a.channels - c;
    add_columns<Squares, 1>(a, c, static_cast<int>(left < wide::lanes ? left : wide::lanes));
  }
}

inline void normalize_columns_f32(const NormalizeColumns& a) noexcept {
  const wide::f32 low = wide::set(a.low), high = wide::set(a.high);
  const auto normalized = [&](wide::f32 x, wide::f32 mean, wide::f32 factor, wide::f32 shift) {
    return wide::clamp(wide::fma(wide::sub(x, mean), factor, shift), low, high);
  };
  const float* in = a.in;
  float* out = a.out;
  for (std::int64_t p = 0; p < a.pixels; ++p, in += a.channels, out += a.channels) {
    std::int64_t c = 0;
    for (; c + wide::lanes <= a.channels; c += wide::lanes)
      wide::store(out + c, normalized(wide::load(in + c), wide::load(a.mean + c), wide::load(a.factor + c),
                                      wide::load(a.shift + c)));
    const int rest = static_cast<int>(a.channels - c);
    if (rest)
      wide::store_first(out + c,
                        normalized(wide::load_first(in + c, rest), wide::load_first(a.mean + c, rest),
                                   wide::load_first(a.factor + c, rest), wide::load_first(a.shift + c, rest)),
                        rest);
  }
}
