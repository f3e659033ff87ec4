// No include guard: part of every instruction set's kernels.
// Convolution by Winograd's algorithm, F(4x4, 3x3): 36 products give 16 outputs, for which direct convolution needs
// 144.
// A. Lavin, S. Gray: Fast Algorithms for Convolutional Neural Networks (2016), section 4.
//
//   outputs = A^T [(G g G^T) * (B^T d B)] A   for a tile d of 6 x 6 inputs and a kernel g, * element by element, with
//
//         4  0 -5  0  1  0          6  0  0
//         0  4  4 -1 -1  0          4  4  4            1  1  1  1  1  0
//   B^T = 0 -4  4  1 -1  0   G = 1  4 -4  4    A^T =   0  1 -1  2 -2  0
//         0 -2 -1  2  1  0      --  1  2  4            0  1  1  4  4  0
//         0  2 -1 -2  1  0      24  1 -2  4            0  1 -1  8 -8  2
//         0  4  0 -5  0  1          0  0 12
//
// A smaller tile of r outputs needs r + 2 of the six points, with the same weights. Its B^T differs (see input_points);
// its A^T is the first r rows of A^T, with the last column in the last of these rows.
//
// T defines the vectors of channels and their arithmetic: `in` for inputs and weights, `sum` for products.

// Multiplies by B^T along one dimension. For r = 3, 2 or 1 outputs, it takes r + 2 inputs.
template <class T>
OCTET_INLINE void input_points(const typename T::in (&d)[6], typename T::in (&t)[6]) {
  const auto even = T::sub(d[4], d[2]), odd = T::twice(T::sub(d[3], d[1]));
  const auto s = T::sub(T::four_times(d[2]), d[4]), u = T::sub(T::four_times(d[1]), d[3]);
  t[0] = T::add(T::four_times(T::sub(d[0], d[2])), even);
  t[1] = T::add(s, u);
  t[2] = T::sub(s, u);
  t[3] = T::add(even, odd);
  t[4] = T::sub(even, odd);
  t[5] = T::sub(T::sub(d[5], d[3]), T::twice(odd));
}
template <class T>
OCTET_INLINE void input_points(int outputs, const typename T::in (&d)[6], typename T::in (&t)[6]) {
  if (outputs == 4) return input_points<T>(d, t);
  if (outputs == 3) {
    const auto u = T::sub(d[3], d[1]);
    t[0] = T::add(T::four_times(T::sub(d[0], d[2])), T::twice(u));
    t[1] = T::times(T::add(T::sub(d[2], d[3]), T::twice(d[1])), 3);
    t[2] = T::sub(T::sub(T::times(d[2], 3), d[3]), T::twice(d[1]));
    t[3] = T::four_times(u);
    t[5] = T::sub(T::sub(d[4], d[2]), T::twice(u));
  } else if (outputs == 2) {
    t[0] = T::four_times(T::sub(d[0], d[2]));
    t[1] = T::times(T::add(d[1], d[2]), 3);
    t[2] = T::times(T::sub(d[2], d[1]), 3);
    t[5] = T::sub(d[3], d[1]);
  } else {
    t[0] = T::four_times(T::sub(d[0], d[1]));
    t[1] = T::times(d[1], 6);
    t[5] = T::sub(d[2], d[1]);
  }
}

// Multiplies by A^T along one dimension.
template <class T>
OCTET_INLINE void outputs_of(const typename T::sum (&m)[6], typename T::sum (&y)[4]) {
  const auto s1 = T::add_sums(m[1], m[2]), d1 = T::sub_sums(m[1], m[2]);
  const auto s2 = T::add_sums(m[3], m[4]), d2 = T::sub_sums(m[3], m[4]);
  y[0] = T::add_sums(T::add_sums(m[0], s1), s2);
  y[1] = T::add_sums(d1, T::twice_sum(d2));
  y[2] = T::add_sums(s1, T::four_sums(s2));
  y[3] = T::add_sums(d1, T::twice_sum(T::add_sums(T::four_sums(d2), m[5])));
}

// Multiplies by 24 G along one dimension.
template <class T>
OCTET_INLINE void weight_points(const typename T::in (&g)[3], typename T::in (&u)[6]) {
  const auto a = T::four_times(T::add(g[0], g[2])), b = T::four_times(g[1]);
  const auto e = T::add(g[0], T::four_times(g[2])), f = T::twice(g[1]);
  u[0] = T::times(g[0], 6);
  u[1] = T::add(a, b);
  u[2] = T::sub(a, b);
  u[3] = T::add(e, f);
  u[4] = T::sub(e, f);
  u[5] = T::times(g[2], 12);
}

template <class T>
void winograd_weights(const WinogradWeights& w) noexcept {
  alignas(64) static constexpr std::byte zeros[9 * T::tap_bytes] = {};
  for (std::int64_t i = 0; i < 2 * w.steps; ++i) {
    const bool there = i % 2 < w.vectors;
    const std::byte* taps = there ? w.taps + i / 2 * w.step_stride + i % 2 * T::tap_bytes : zeros;
    const std::ptrdiff_t stride = there ? w.tap_stride : T::tap_bytes;
    typename T::in t[6][3], column[6];
    OCTET_UNROLL
    for (int x = 0; x < 3; ++x) {
      typename T::in g[3];
      OCTET_UNROLL
      for (int y = 0; y < 3; ++y) g[y] = T::load_taps(taps + (y * 3 + x) * stride);
      weight_points<T>(g, column);
      OCTET_UNROLL
      for (int p = 0; p < 6; ++p) t[p][x] = column[p];
    }
    OCTET_UNROLL
    for (int p = 0; p < 6; ++p) {
      weight_points<T>(t[p], column);
      OCTET_UNROLL
      for (int q = 0; q < 6; ++q)
        T::store_weights(w.points + (p * 6 + q) * w.point_bytes + i * vector_bytes, column[q]);
    }
  }
}
