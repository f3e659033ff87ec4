// No include guard: part of every instruction set's kernels.
// Conversion between floats and bytes, element by element.

// Returns whether all elements are finite; true unless asked.
template <bool Asked, class Quotient>
bool quantize_by(const QuantizeF32& a, const Quotient& quotient) noexcept {
  const wide::u8_limits limits(a.zero_point, a.low, a.high);
  constexpr int group = 4 * wide::lanes;
  const wide::f32 zero = wide::set(0.0f);
  wide::f32 products = zero;  // sums of 0 * element: NaN if an element is not finite
  wide::i32 q[4];
  std::int64_t i = 0;
  for (; i + group <= a.count; i += group) {
    wide::f32 product = zero;
    OCTET_UNROLL
    for (int j = 0; j < 4; ++j) {
      const wide::f32 x = wide::load(a.in + i + j * wide::lanes);
      if (Asked) product = wide::add(product, wide::mul(x, zero));
      q[j] = quotient(x);
    }
    if (Asked) products = wide::add(products, product);
    wide::store(a.out + i, wide::flip(in_order(q, limits), a.flip));
  }
  if (i == a.count) return !Asked || !wide::any_nan(products);
  const int rest = static_cast<int>(a.count - i);
  OCTET_UNROLL
  for (int j = 0; j < 4; ++j) {
    const int left = rest - j * wide::lanes;
    q[j] = wide::set(0);
    if (left > 0) {
      const wide::f32 x = wide::load_first(a.in + i + j * wide::lanes, left < wide::lanes ? left : wide::lanes);
      if (Asked) products = wide::add(products, wide::mul(x, zero));
      q[j] = quotient(x);
    }
  }
  wide::store_first(a.out + i, wide::flip(in_order(q, limits), a.flip), rest);
  return !Asked || !wide::any_nan(products);
}

inline bool quantize_f32(const QuantizeF32& a) noexcept {
  if (a.tflite) {
    QuantizeF32 shifted = a;
    shifted.zero_point = 128;
    return quantize_by<true>(shifted, ShiftedProduct(a.inverse, a.zero_point - 128));
  }
  if (a.inverse != 0) return quantize_by<true>(a, Product(a.inverse));
  if (!NewtonQuotient::fits(a.scale)) return quantize_by<true>(a, DividedQuotient(a.scale));
  const NewtonQuotient quotient(a.scale);
  return a.asked ? quantize_by<true>(a, quotient) : quantize_by<false>(a, quotient);
}

// Smallest and largest element; two NaNs if an element is not finite. For an empty array: +inf and -inf.
inline void minmax_f32(const float* p, std::int64_t n, float* result) noexcept {
  constexpr float inf = std::numeric_limits<float>::infinity();
  wide::f32 low[4], high[4], product[4];
  OCTET_UNROLL
  for (int j = 0; j < 4; ++j) {
    low[j] = wide::set(inf);
    high[j] = wide::set(-inf);
    product[j] = wide::set(0.0f);
  }
  const auto take = [&](int j, wide::f32 v) {
    low[j] = wide::min(v, low[j]);
    high[j] = wide::max(v, high[j]);
    product[j] = wide::fma(v, wide::set(0.0f), product[j]);  // 0 * infinity is NaN, too
  };
  std::int64_t i = 0;
  for (; i + 4 * wide::lanes <= n; i += 4 * wide::lanes) {
    OCTET_UNROLL
    for (int j = 0; j < 4; ++j) take(j, wide::load(p + i + j * wide::lanes));
  }
  for (; i + wide::lanes <= n; i += wide::lanes) take(0, wide::load(p + i));
  if (i < n && n >= wide::lanes) {
    take(1, wide::load(p + n - wide::lanes));  // the remaining elements, and some for the second time
  } else {
    for (; i < n; ++i) take(1, wide::set(p[i]));
  }
  result[0] = wide::least(wide::min(wide::min(low[0], low[1]), wide::min(low[2], low[3])));
  result[1] = wide::greatest(wide::max(wide::max(high[0], high[1]), wide::max(high[2], high[3])));
  if (wide::any_nan(wide::add(wide::add(product[0], product[1]), wide::add(product[2], product[3]))))
    result[0] = result[1] = std::numeric_limits<float>::quiet_NaN();
}

// Quantizes a row of activations with the scale of its own range: x ~ scale * (q + shift).
inline void quantize_row(const float* in, std::int64_t n, std::uint8_t* out, float* scale, float* shift) noexcept {
  float range[2];
  minmax_f32(in, n, range);
  const float low = range[0] < 0 ? range[0] : 0, high = range[1] > 0 ? range[1] : 0, width = high - low;
  const float inverse = 255 / width;
  // All elements are (nearly) zero; or one is not finite: then the scale is NaN, so that the results are, too.
  if (!(inverse <= std::numeric_limits<float>::max()) || !(range[0] <= range[1])) {
    *scale = range[0] <= range[1] && width <= 1 ? 1 : std::numeric_limits<float>::quiet_NaN();
    *shift = 0;
    std::memset(out, 0, static_cast<std::size_t>(n));
    return;
  }
  const std::int32_t zero = static_cast<std::int32_t>(rounded(-low * inverse) + 0.5f);
  *scale = width * (1.0f / 255);
  *shift = -static_cast<float>(zero);
  const wide::u8_limits limits(zero, 0, 255);
  const wide::f32 factor = wide::set(inverse);
  wide::i32 q[4];
  std::int64_t i = 0;
  for (; i + 4 * wide::lanes <= n; i += 4 * wide::lanes) {
    OCTET_UNROLL
    for (int j = 0; j < 4; ++j) q[j] = wide::round(wide::mul(wide::load(in + i + j * wide::lanes), factor));
    wide::store(out + i, in_order(q, limits));
  }
  if (i == n) return;
  const int rest = static_cast<int>(n - i);
  OCTET_UNROLL
  for (int j = 0; j < 4; ++j) {
    const int left = rest - j * wide::lanes;
    q[j] = wide::set(0);
    if (left > 0)
      q[j] = wide::round(
          wide::mul(wide::load_first(in + i + j * wide::lanes, left < wide::lanes ? left : wide::lanes), factor));
  }
  wide::store_first(out + i, in_order(q, limits), rest);
}

inline void dequantize_u8(const std::uint8_t* in, float* out, std::int64_t n, float scale,
                          std::int32_t zero_point) noexcept {
  const wide::f32 s = wide::set(scale);
  const wide::i32 z = wide::set(zero_point);
  std::int64_t i = 0;
  for (; i + wide::lanes <= n; i += wide::lanes)
    wide::store(out + i, wide::mul(wide::to_float(wide::sub(wide::load_u8(in + i), z)), s));
  const int rest = static_cast<int>(n - i);
  if (rest)
    wide::store_first(out + i, wide::mul(wide::to_float(wide::sub(wide::load_u8_first(in + i, rest), z)), s), rest);
}

inline void fp16_to_f32(const std::byte* in, float* out, std::int64_t n) noexcept {
  std::int64_t i = 0;
  for (; i + wide::lanes <= n; i += wide::lanes) wide::store(out + i, wide::load_fp16(in + 2 * i));
  if (i == n) return;
  std::byte rest[2 * wide::lanes] = {};
  std::memcpy(rest, in + 2 * i, static_cast<std::size_t>(n - i) * 2);
  wide::store_first(out + i, wide::load_fp16(rest), static_cast<int>(n - i));
}
