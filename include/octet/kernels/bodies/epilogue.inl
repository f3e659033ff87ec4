// No include guard: part of every instruction set's kernels.
// From accumulators to output elements: requantize, add, activate, store. A tile's accumulators lie in rows of
// panel_columns; nothing outside the given rows and columns of the output is written.

constexpr int vector_bytes = wide::lanes * 4;
constexpr int panel_vectors = 2;
constexpr int panel_columns = panel_vectors * wide::lanes;
constexpr std::ptrdiff_t acc_stride = panel_columns * 4;

inline void store_f32(const Epilogue& e, wide::f32 v, std::byte* out, const std::byte* residual, int n) {
  if (residual) v = wide::add(v, wide::load_first(reinterpret_cast<const float*>(residual), n));
  v = wide::clamp(v, wide::set(e.low_f32), wide::set(e.high_f32));
  if (n == wide::lanes)
    wide::store(reinterpret_cast<float*>(out), v);
  else
    wide::store_first(reinterpret_cast<float*>(out), v, n);
}

// Rounded to the output's scale; its zero point and the clamp follow when bytes are packed.
inline wide::i32 requantize(wide::i32 acc, wide::f32 scale) {
  return wide::round(wide::mul(wide::to_float(acc), scale));
}

inline wide::i32 requantize_and_add(const Epilogue& e, wide::i32 acc, wide::f32 scale, wide::i32 residual) {
  const wide::f32 v = wide::mul(wide::to_float(acc), scale);
  const wide::f32 r = wide::to_float(wide::sub(residual, wide::set(e.residual_zero)));
  return wide::round(wide::fma(r, wide::set(e.residual_scale), v));
}

inline void store_u8(const Epilogue& e, const std::byte* acc, std::byte* out, const std::byte* residual, int rows,
                     std::int64_t column, int columns) {
  const wide::u8_limits limits(e.zero_point, e.low, e.high);
  const wide::f32 scale[2] = {wide::load(e.scale + column), wide::load(e.scale + column + wide::lanes)};
  // Two rows at a time: four vectors are what one pack of bytes takes.
  for (int m = 0; m < rows; m += 2) {
    const int pair = rows - m < 2 ? 1 : 2;
    wide::i32 v[4] = {wide::set(0), wide::set(0), wide::set(0), wide::set(0)};
    OCTET_UNROLL
    for (int i = 0; i < 4; ++i) {
      if (i / 2 >= pair) break;
      const wide::i32 a =
          wide::load(reinterpret_cast<const std::int32_t*>(acc + (m + i / 2) * acc_stride + i % 2 * vector_bytes));
      if (!residual) {
        v[i] = requantize(a, scale[i % 2]);
      } else {
        const int n = columns - i % 2 * wide::lanes;
        const auto* r =
            reinterpret_cast<const std::uint8_t*>(residual + (m + i / 2) * e.residual_stride) + i % 2 * wide::lanes;
        if (n > 0)
          v[i] =
              requantize_and_add(e, a, scale[i % 2], n >= wide::lanes ? wide::load_u8(r) : wide::load_u8_first(r, n));
      }
    }
    const wide::u8x4 bytes = wide::pack(v[0], v[1], v[2], v[3], limits);
    for (int i = 0; i < pair; ++i) {
      auto* p = reinterpret_cast<std::uint8_t*>(out + (m + i) * e.out_stride);
      if (columns == panel_columns) {
        wide::store_half(p, bytes, i);
      } else {
        alignas(64) std::uint8_t all[2 * panel_columns];
        wide::store(all, bytes);
        std::memcpy(p, all + i * panel_columns, static_cast<std::size_t>(columns));
      }
    }
  }
}

// Sums of integers to floats; ByRow: each row has a scale and a zero point of its own.
template <bool ByRow>
void store_scaled_f32(const Epilogue& e, const std::byte* acc, std::byte* out, const std::byte* residual,
                      std::int64_t row, int rows, std::int64_t column, int columns) {
  for (int c = 0; c < columns; c += wide::lanes) {
    const int n = columns - c < wide::lanes ? columns - c : wide::lanes;
    const wide::f32 scale = wide::load(e.scale + column + c), shift = wide::load(e.shift + column + c);
    const wide::f32 sums = ByRow ? wide::load(e.sums + column + c) : wide::set(0.0f);
    const std::byte *a = acc + c * 4, *r = residual ? residual + c * 4 : nullptr;
    std::byte* to = out + c * 4;
    for (int m = 0; m < rows; ++m, a += acc_stride, to += e.out_stride) {
      wide::f32 v = wide::to_float(wide::load(reinterpret_cast<const std::int32_t*>(a)));
      if (ByRow) v = wide::fma(wide::set(e.row_shift[row + m]), sums, v);
      const wide::f32 factor = wide::set(ByRow ? e.row_scale[row + m] : e.multiplier);
      store_f32(e, wide::fma(wide::mul(v, factor), scale, shift), to, r, n);
      if (r) r += e.residual_stride;
    }
  }
}

template <class T>
void store_rows(const Epilogue& e, const std::byte* acc, std::int64_t row, int rows, std::int64_t column, int columns) {
  if (e.store == Store::custom)
    return e.custom(e.context, acc, acc_stride, e.first_row + row, rows, e.first_column + column, columns);
  const bool to_bytes = e.store == Store::u8 || e.store == Store::u8_residual;
  const std::int64_t offset = column * (to_bytes ? 1 : 4);
  std::byte* out = e.out + row * e.out_stride + offset;
  const std::byte* residual = e.residual ? e.residual + row * e.residual_stride + offset : nullptr;
  if (to_bytes) return store_u8(e, acc, out, residual, rows, column, columns);
  if (e.store == Store::scaled_f32) {
    e.row_scale ? store_scaled_f32<true>(e, acc, out, residual, row, rows, column, columns)
                : store_scaled_f32<false>(e, acc, out, residual, row, rows, column, columns);
    return;
  }
  for (int m = 0; m < rows; ++m, acc += acc_stride, out += e.out_stride) {
    if (e.store == Store::accumulator) {
      std::memcpy(out, acc, static_cast<std::size_t>(columns) * 4);
      continue;
    }
    for (int c = 0; c < columns; c += wide::lanes) {
      const int n = columns - c < wide::lanes ? columns - c : wide::lanes;
      store_f32(e, wide::load(reinterpret_cast<const float*>(acc) + c), out + c * 4,
                residual ? residual + c * 4 : nullptr, n);
    }
    if (residual) residual += e.residual_stride;
  }
}
