// No include guard: part of every instruction set's kernels.
// Winograd's algorithm for floats.

struct WinogradFloats {
  static constexpr bool pooled = false;
  const Epilogue& e;
  std::int64_t column;
  int columns;

  OCTET_INLINE void row(std::int64_t pixel, const wide::f32 (&y)[4], int count) const {
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i) {
      if (i >= count) break;
      store_f32(e, y[i], e.out + (pixel + i) * e.out_stride + column * 4, residual_at(e, pixel + i, column * 4),
                columns);
    }
  }
};

// Stores the maxima of 2 x 2 outputs; NaN if one of them is.
struct PooledFloats {
  static constexpr bool pooled = true;
  const Epilogue& e;
  std::int64_t column;
  int columns;

  OCTET_INLINE void rows(std::int64_t pixel, const wide::f32 (&y)[4], const wide::f32 (&below)[4], int count) const {
    const auto clamped = [&](wide::f32 v) { return wide::clamp(v, wide::set(e.low_f32), wide::set(e.high_f32)); };
    const auto output = [&](int i) {
      wide::f32 v = wide::max_or_nan(clamped(y[2 * i]), clamped(y[2 * i + 1]));
      v = wide::max_or_nan(wide::max_or_nan(v, clamped(below[2 * i])), clamped(below[2 * i + 1]));
      wide::store_first(reinterpret_cast<float*>(e.out + (pixel + i) * e.out_stride + column * 4), v, columns);
    };
    if (count > 0) output(0);
    if (count > 1) output(1);
  }
};

struct WinogradF32 {
  using in = wide::f32;
  using sum = wide::f32;
  static constexpr int channels = wide::lanes, element = 4, point_element = 4, tap_bytes = vector_bytes;
  static in load(const std::byte* p, int n) { return wide::load_first(reinterpret_cast<const float*>(p), n); }
  static in load_taps(const std::byte* p) { return wide::load(reinterpret_cast<const float*>(p)); }
  static void store(std::byte* p, in v) { wide::store(reinterpret_cast<float*>(p), v); }
  static void store_weights(std::byte* p, in v) { store(p, wide::mul(v, wide::set(1.0f / 576))); }
  static in add(in a, in b) { return wide::add(a, b); }
  static in sub(in a, in b) { return wide::sub(a, b); }
  static in twice(in a) { return wide::add(a, a); }
  // Products that are added must be exact: otherwise compilers would fuse multiplication and addition on some
  // instruction sets, and the bits would differ. So 3 a is a sum; products with powers of two are exact.
  static in four_times(in a) { return wide::mul(a, wide::set(4.0f)); }
  static in times(in a, int b) {  // 3, 6 or 12
    const in triple = add(a, twice(a));
    return b == 3 ? triple : b == 6 ? twice(triple) : four_times(triple);
  }
  static sum load_sum(const std::byte* p) { return wide::load(reinterpret_cast<const float*>(p)); }
  static void store_sum(std::byte* p, sum v) { wide::store(reinterpret_cast<float*>(p), v); }
  static sum zero_sum() { return wide::set(0.0f); }
  static sum add_sums(sum a, sum b) { return wide::add(a, b); }
  static sum sub_sums(sum a, sum b) { return wide::sub(a, b); }
  static sum twice_sum(sum a) { return wide::add(a, a); }
  static sum four_sums(sum a) { return four_times(a); }
  static sum scaled_bias(const std::byte* p) { return load_sum(p); }

  static void products(const Winograd& w, const std::byte* weights, bool last_panel) {
    winograd_products<F32, 1>(w, weights, last_panel);
  }
  static void outputs(const Winograd& w, const std::byte* products, std::int64_t column, int columns) {
    const Epilogue& e = w.epilogue;
    if (e.pooled) return output_tiles<WinogradF32>(w, products, PooledFloats{e, column, columns});
    output_tiles<WinogradF32>(w, products, WinogradFloats{e, column, columns});
  }
};
