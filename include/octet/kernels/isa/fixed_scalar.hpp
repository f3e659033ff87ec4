// No include guard: part of the operations of the kernels of bytes, the reference of the other files fixed_*.hpp:
// products with factors in TensorFlow Lite's fixed point, see FixedFactors and requantize.hpp.

// multiply_double_rounding; left and right in [0, 31], one of them 0.
struct FixedTwice {
  wide::i32 left, mantissa, right;
  FixedTwice(const wide::i32& l, const wide::i32& m, const wide::i32& r) : left(l), mantissa(m), right(r) {}
  wide::i32 operator()(const wide::i32& x) const {
    return wide::make<wide::i32>([&](int i) {
      const auto shifted = static_cast<std::int32_t>(static_cast<std::uint32_t>(x.v[i]) << left.v[i]);
      return rounding_divide_by_power_of_two(rounding_doubling_high_multiply(shifted, mantissa.v[i]), right.v[i]);
    });
  }
};

// multiply_single_rounding; right in [31, 62].
struct FixedOnce {
  wide::i32 mantissa, right;
  FixedOnce(const wide::i32&, const wide::i32& m, const wide::i32& r) : mantissa(m), right(r) {}
  wide::i32 operator()(const wide::i32& x) const {
    return wide::make<wide::i32>([&](int i) {
      const std::int64_t half = std::int64_t{1} << (right.v[i] - 1);
      return static_cast<std::int32_t>((std::int64_t{x.v[i]} * mantissa.v[i] + half) >> right.v[i]);
    });
  }
};

// v / 2^n, rounded down.
OCTET_INLINE wide::i32 shifted_right(const wide::i32& v, int n) {
  return wide::make<wide::i32>([&](int i) { return v.v[i] >> n; });
}
