// No include guard: part of every instruction set's kernels.
// Store::i16: sums become 16-bit codes, two vectors of columns at a time.

// What two vectors of sums become, in the order of codes16::pack.
OCTET_INLINE wide::i16 codes_of(wide::i32 a, wide::i32 b, const doubles& scale_a, const doubles& scale_b,
                                const doubles& nudge, const codes16::limits& limits) {
  return codes16::pack(doubles::round(doubles::mul_add(doubles::of(a), scale_a, nudge)),
                       doubles::round(doubles::mul_add(doubles::of(b), scale_b, nudge)), limits);
}

OCTET_INLINE std::int16_t* codes_at(const Epilogue& e, std::int64_t row, std::int64_t column) {
  return reinterpret_cast<std::int16_t*>(e.out + row * e.out_stride) + column;
}

// Rows of N vectors of sums in memory, or of one vector for N = 1; N is even otherwise.
template <int N>
void store_codes(const Epilogue& e, const std::byte* sums, std::ptrdiff_t sums_stride, std::int64_t row, int rows,
                 std::int64_t column, int columns) {
  const codes16::limits limits(e.low, e.high);
  const doubles nudge = doubles::set(e.nudge);
  for (int n = 0; n < N; n += 2) {
    const double* scale = e.wide_scale + column + n * wide::lanes;
    const doubles first = doubles::load(scale), second = N > 1 ? doubles::load(scale + wide::lanes) : first;
    for (int m = 0; m < rows; ++m) {
      const auto* s = reinterpret_cast<const std::int32_t*>(sums + m * sums_stride) + n * wide::lanes;
      const wide::i32 a = wide::load(s), b = N > 1 ? wide::load(s + wide::lanes) : a;
      codes16::store_first(codes_at(e, row + m, column + n * wide::lanes),
                           codes16::in_order(codes_of(a, b, first, second, nudge, limits)), columns - n * wide::lanes);
    }
  }
}

// A tile of sums in registers.
template <int Rows, int N>
OCTET_INLINE void finish_codes(const wide::i32 (&c)[Rows][N], const Epilogue& e, std::int64_t row, std::int64_t column,
                               int columns) {
  const codes16::limits limits(e.low, e.high);
  const doubles nudge = doubles::set(e.nudge);
  OCTET_UNROLL
  for (int n = 0; n < N; n += 2) {
    const double* scale = e.wide_scale + column + n * wide::lanes;
    const doubles first = doubles::load(scale), second = doubles::load(scale + wide::lanes);
    OCTET_UNROLL
    for (int m = 0; m < Rows; ++m)
      codes16::store_first(codes_at(e, row + m, column + n * wide::lanes),
                           codes16::in_order(codes_of(c[m][n], c[m][n + 1], first, second, nudge, limits)),
                           columns - n * wide::lanes);
  }
}
