// No include guard: part of every instruction set's kernels of bytes.
// Sums become bytes in TensorFlow Lite's fixed point.

// Product: FixedTwice or FixedOnce.
template <class Product, bool Residual>
void store_fixed_with(const StoreFixed& s) noexcept {
  constexpr int group = 4 * wide::lanes;
  const wide::u8_limits limits(s.zero_point, s.low, s.high);
  const Product of_residual(wide::set(s.residual_left), wide::set(s.residual_mantissa), wide::set(s.residual_right));
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
