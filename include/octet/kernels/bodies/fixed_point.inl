// No include guard: part of every instruction set's kernels of bytes.
// Bytes in TensorFlow Lite's fixed point: those of sums, and sums and products of bytes. Product is FixedTwice or
// FixedOnce.

template <class Product>
Product product_with(const FixedFactor& f) {
  return Product(wide::set(f.left), wide::set(f.mantissa), wide::set(f.right));
}

template <class Product, bool Residual>
void store_fixed_with(const StoreFixed& s) noexcept {
  constexpr int group = 4 * wide::lanes;
  const wide::u8_limits limits(s.zero_point, s.low, s.high);
  const Product of_residual = product_with<Product>(s.residual_factor);
  const wide::i32 zero = wide::set(s.residual_zero);
  for (int first = 0; first < s.columns; first += group) {
    const int count = s.columns - first < group ? s.columns - first : group;
    const auto factors = [&](int j) {
      const int c = first + j * wide::lanes;
      return Product(wide::load(s.factors.left + c), wide::load(s.factors.mantissa + c),
                     wide::load(s.factors.right + c));
    };
    const Product products[] = {factors(0), factors(1), factors(2), factors(3)};
    for (int m = 0; m < s.rows; ++m) {
      const auto* sums = reinterpret_cast<const std::int32_t*>(s.sums + m * s.sums_stride) + first;
      const std::ptrdiff_t at = m * s.out_stride + first;
      wide::i32 v[4];
      OCTET_UNROLL
      for (int j = 0; j < 4; ++j) {
        const int left = count - j * wide::lanes;
        v[j] = left > 0 ? products[j](wide::load(sums + j * wide::lanes)) : wide::set(0);
        if (Residual && left > 0) {
          const wide::i32 codes = bytes_at(s.residual + at + j * wide::lanes, left < wide::lanes ? left : wide::lanes);
          v[j] = wide::add(v[j], of_residual(wide::sub(codes, zero)));
        }
      }
      if (count == group)
        wide::store(s.out + at, in_order(v, limits));
      else
        wide::store_first(s.out + at, in_order(v, limits), count);
    }
  }
}

inline void store_fixed(const StoreFixed& s) noexcept {
  if (s.residual)
    s.once ? store_fixed_with<FixedOnce, true>(s) : store_fixed_with<FixedTwice, true>(s);
  else
    s.once ? store_fixed_with<FixedOnce, false>(s) : store_fixed_with<FixedTwice, false>(s);
}

template <class F>
OCTET_INLINE void each_pair(const BinaryFixed& s, F f) noexcept {
  store_rounded(s.out, s.count, wide::u8_limits(s.zero_point, s.low, s.high),
                [&](std::int64_t i, int n) { return f(bytes_at(s.a + i, n), bytes_at(s.b + i, n)); });
}

template <class Product>
void binary_fixed_with(const BinaryFixed& s) noexcept {
  const wide::i32 zero_a = wide::set(s.zero_a), zero_b = wide::set(s.zero_b);
  const Product product = product_with<Product>(s.product);
  if (s.form == BinaryFixed::Form::product)
    return each_pair(
        s, [&](wide::i32 a, wide::i32 b) { return product(wide::mul(wide::sub(a, zero_a), wide::sub(b, zero_b))); });
  const Product product_a = product_with<Product>(s.product_a), product_b = product_with<Product>(s.product_b);
  each_pair(s, [&](wide::i32 a, wide::i32 b) {
    const wide::i32 x = product_a(wide::shift_left<20>(wide::sub(a, zero_a)));
    const wide::i32 y = product_b(wide::shift_left<20>(wide::sub(b, zero_b)));
    return product(s.difference ? wide::sub(x, y) : wide::add(x, y));
  });
}

inline void binary_fixed(const BinaryFixed& s) noexcept {
  if (s.form != BinaryFixed::Form::shifted)
    return s.once ? binary_fixed_with<FixedOnce>(s) : binary_fixed_with<FixedTwice>(s);
  const wide::i32 factor_a = wide::set(s.factor_a), factor_b = wide::set(s.factor_b), bias = wide::set(s.bias);
  each_pair(s, [&](wide::i32 a, wide::i32 b) {
    return shifted_right(wide::add(wide::add(wide::mul(a, factor_a), wide::mul(b, factor_b)), bias), s.shift);
  });
}
