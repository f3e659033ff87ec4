// No include guard: part of every instruction set's kernels.
// Converts accumulators to output elements: requantizes, adds the residual, clamps, stores. Nothing outside the given
// rows and columns of the output is written.

constexpr int vector_bytes = wide::lanes * 4;
constexpr int most_vectors = wide::vectors_u8 > 2 ? wide::vectors_u8 : 2;  // of a panel
constexpr int panel_columns = most_vectors * wide::lanes;
constexpr std::ptrdiff_t acc_stride = panel_columns * 4;

// Adds the residual, unless it is null. Returns the stored values.
OCTET_INLINE wide::f32 store_f32(const Epilogue& e, wide::f32 v, std::byte* out, const std::byte* residual, int n) {
  if (residual) v = wide::add(v, wide::load_first(reinterpret_cast<const float*>(residual), n));
  v = wide::clamp(v, wide::set(e.low_f32), wide::set(e.high_f32));
  wide::store_first(reinterpret_cast<float*>(out), v, n);
  return v;
}

// The residual that is added to what is stored `offset` bytes into row `row` of the output; null if there is none.
OCTET_INLINE const std::byte* residual_at(const Epilogue& e, std::int64_t row, std::int64_t offset) {
  return e.residual ? e.residual + row * e.residual_stride + offset : nullptr;
}

// The same for one vector of each of several rows. v becomes the stored values.
template <int Rows>
OCTET_INLINE void store_f32(const Epilogue& e, wide::f32 (&v)[Rows], std::byte* out, const std::byte* residual, int n) {
  if (residual) {
    OCTET_UNROLL
    for (int m = 0; m < Rows; ++m)
      v[m] = wide::add(v[m], wide::load_first(reinterpret_cast<const float*>(residual + m * e.residual_stride), n));
  }
  OCTET_UNROLL
  for (int m = 0; m < Rows; ++m) v[m] = store_f32(e, v[m], out + m * e.out_stride, nullptr, n);
}

// The range of stored values. (Columns of padding are 0, or the clamp's limit next to 0, so they do not widen a range
// that contains 0.)
struct Measured {
  wide::f32 low, high, product;
  OCTET_INLINE Measured() : low(wide::set(0.0f)), high(low), product(low) {}
  OCTET_INLINE void take(wide::f32 v) {
    low = wide::min(v, low);
    high = wide::max(v, high);
    product = wide::fma(v, wide::set(0.0f), product);
  }
  OCTET_INLINE void add_to(float* range) const {
    if (!range) return;
    wide::store(range, wide::min(low, wide::load(range)));
    wide::store(range + wide::lanes, wide::max(high, wide::load(range + wide::lanes)));
    wide::store(range + 2 * wide::lanes, wide::add(product, wide::load(range + 2 * wide::lanes)));
  }
};

// Reorders one 4-byte value per column, for the columns of N vectors, to interleaved order.
template <class V, int N>
void interleave(const void* from, void* to) {
  constexpr int quarters = V::lanes / 4;
  const auto* f = static_cast<const std::byte*>(from);
  auto* t = static_cast<std::byte*>(to);
  for (int q = 0; q < quarters; ++q)
    for (int i = 0; i < N; ++i) std::memcpy(t + (i * quarters + q) * 16, f + (q * N + i) * 16, 16);
}

// Converts 4 / N rows of N vectors of sums to bytes. Sums, scales and shifts are in interleaved order. To the scaled
// sums the residual is added, or the shift unless it is null.
template <class V, int N, Limit L, bool Residual>
OCTET_INLINE void store_unit(const Epilogue& e, const typename V::i32 (&sums)[4], const float* scale,
                             const float* shift, std::byte* out, const std::byte* residual, int rows, int columns) {
  constexpr int unit = 4 / N;
  auto r = V::pack_zero();
  if constexpr (Residual) {
    OCTET_UNROLL
    for (int i = 0; i < unit; ++i)
      if (i < rows)
        r = V::template load_row<N>(r, reinterpret_cast<const std::uint8_t*>(residual + i * e.residual_stride), i,
                                    columns);
    r = V::template from_rows<N>(r);
  }
  typename V::f32 v[4];
  if (!Residual && shift) {
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i)
      v[i] = V::min(V::fma(V::to_float(sums[i]), V::load(scale + i % N * V::lanes), V::load(shift + i % N * V::lanes)),
                    V::set(1e9f));  // avoids overflow in the conversion to integers
  } else {
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i) v[i] = V::mul(V::to_float(sums[i]), V::load(scale + i % N * V::lanes));
  }
  typename V::i32 q[4];
  OCTET_UNROLL
  for (int i = 0; i < 4; ++i) {
    if constexpr (Residual)
      v[i] = V::fma(V::to_float(V::sub(V::unpack(r, i), V::set(e.residual_zero))), V::set(e.residual_scale), v[i]);
    q[i] = V::round(v[i]);
  }
  const typename V::u8_limits limits(e.zero_point, e.low, e.high);
  const auto bytes = V::template to_rows<N>(V::template pack<L>(q[0], q[1], q[2], q[3], limits));
  OCTET_UNROLL
  for (int i = 0; i < unit; ++i)
    if (i < rows) V::template store_row<N>(reinterpret_cast<std::uint8_t*>(out + i * e.out_stride), bytes, i, columns);
}

// Converts rows of N vectors of sums in memory, in interleaved order, to bytes.
template <class V, int N, bool Residual>
void store_units_with(const Epilogue& e, const std::byte* sums, std::ptrdiff_t sums_stride, const float* scale,
                      const float* shift, std::byte* out, const std::byte* residual, int rows, int columns) {
  constexpr int unit = 4 / N;
  for (int m = 0; m < rows; m += unit) {
    typename V::i32 v[4];
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i) {
      const int row = m + i / N < rows ? m + i / N : m;
      v[i] = V::load(reinterpret_cast<const std::int32_t*>(sums + row * sums_stride) + i % N * V::lanes);
    }
    store_unit<V, N, Limit::clamp, Residual>(e, v, scale, shift, out + m * e.out_stride,
                                             residual ? residual + m * e.residual_stride : nullptr, rows - m, columns);
  }
}
template <class V, int N>
void store_units(const Epilogue& e, const std::byte* sums, std::ptrdiff_t sums_stride, const float* scale,
                 const float* shift, std::byte* out, const std::byte* residual, int rows, int columns) {
  const auto store = e.store == Store::u8_residual ? store_units_with<V, N, true> : store_units_with<V, N, false>;
  store(e, sums, sums_stride, scale, shift, out, residual, rows, columns);
}

// A vector of integer sums of one row as floats, scaled by row and by column, as ONNX Runtime and XNNPACK do.
OCTET_INLINE wide::f32 scaled(const Epilogue& e, wide::f32 sums, std::int64_t row, std::int64_t column) {
  const wide::f32 shift = wide::set(e.row_shift[row * e.row_step]), factor = wide::set(e.row_scale[row * e.row_step]);
  const wide::f32 v = wide::fma(shift, wide::load(e.sums + column), sums);
  return wide::add(wide::rounded_mul(wide::mul(v, factor), wide::load(e.scale + column)), wide::load(e.shift + column));
}

// Stores rows of accumulators that are in memory, in column order, in all forms except bytes.
inline void store_rows(const Epilogue& e, const std::byte* acc, std::int64_t row, int rows, std::int64_t column,
                       int columns) {
  if (e.store == Store::custom)
    return e.custom(e, acc, acc_stride, e.first_row + row, rows, e.first_column + column, columns);
  std::byte* out = e.out + row * e.out_stride + column * 4;
  const std::byte* residual = residual_at(e, row, column * 4);
  Measured range;
  for (int m = 0; m < rows; ++m, acc += acc_stride, out += e.out_stride) {
    if (e.store == Store::accumulator) {
      for (int c = 0; c < columns; c += wide::lanes)  // (A call of memcpy takes longer.)
        wide::store_first(reinterpret_cast<std::int32_t*>(out) + c,
                          wide::load(reinterpret_cast<const std::int32_t*>(acc) + c),
                          columns - c < wide::lanes ? columns - c : wide::lanes);
      continue;
    }
    for (int c = 0; c < columns; c += wide::lanes) {
      const int n = columns - c < wide::lanes ? columns - c : wide::lanes;
      const std::byte* r = residual ? residual + c * 4 : nullptr;
      if (e.store == Store::scaled_f32) {
        const wide::f32 sums = wide::to_float(wide::load(reinterpret_cast<const std::int32_t*>(acc) + c));
        range.take(store_f32(e, scaled(e, sums, row + m, column + c), out + c * 4, r, n));
      } else {
        store_f32(e, wide::load(reinterpret_cast<const float*>(acc) + c), out + c * 4, r, n);
      }
    }
    if (residual) residual += e.residual_stride;
  }
  range.add_to(e.range);
}
