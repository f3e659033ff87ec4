// No include guard: part of every instruction set's kernels of bytes. Sums, products and the greatest of two codes.

// Blocks of bytes as 16-bit integers, and these as floats, in the order in which packing puts vectors back.
struct halves {
  wide::i16 low, high;
  halves(wide::block x, wide::i16 minus) {
    const wide::block zero = wide::as_block(wide::set_i16(0));
    low = wide::sub_i16(wide::as_i16(wide::low_bytes(x, zero)), minus);
    high = wide::sub_i16(wide::as_i16(wide::high_bytes(x, zero)), minus);
  }
};

template <Limit L, bool Centered>
void add_u8_with(const AddU8& a) noexcept {
  const wide::f32 scale_a = wide::set(a.scale_a), scale_b = wide::set(a.scale_b), shift = wide::set(a.shift);
  const wide::u8_limits limits(a.zero_point, a.low, a.high);
  const centered_floats floats_a(a.zero_a), floats_b(a.zero_b);
  std::int64_t i = 0;
  for (; i + wide::block_bytes <= a.count; i += wide::block_bytes) {
    wide::f32 x[4], y[4];
    if (Centered) {
      floats_a(block_at(a.a + i), x);
      floats_b(block_at(a.b + i), y);
    } else {
      plain_floats(block_at(a.a + i), x);
      plain_floats(block_at(a.b + i), y);
    }
    wide::i32 v[4];
    OCTET_UNROLL
    for (int j = 0; j < 4; ++j) v[j] = wide::round(wide::fma(x[j], scale_a, wide::fma(y[j], scale_b, shift)));
    store_packed<L>(a.out + i, v, limits);
  }
  if (i == a.count) return;
  const wide::i32 zero_a = wide::set(a.zero_a), zero_b = wide::set(a.zero_b);
  store_rounded(a.out + i, a.count - i, limits, [&](std::int64_t k, int n) {
    const wide::f32 inner = wide::fma(wide::to_float(wide::sub(bytes_at(a.b + i + k, n), zero_b)), scale_b, shift);
    return wide::round(wide::fma(wide::to_float(wide::sub(bytes_at(a.a + i + k, n), zero_a)), scale_a, inner));
  });
}

inline void add_u8(const AddU8& a) noexcept {
  if (a.zero_a != 0 || a.zero_b != 0) return add_u8_with<Limit::clamp, true>(a);
  limit_of(a) == Limit::none ? add_u8_with<Limit::none, false>(a) : add_u8_with<Limit::clamp, false>(a);
}

template <Limit L, bool Fused>
void mul_u8_with(const MulU8& a) noexcept {
  const wide::f32 scale = wide::set(a.scale), shift = wide::set(a.shift);
  const wide::u8_limits limits(a.zero_point, a.low, a.high);
  // product + shift, which compilers would contract with the multiplication, with a 1 that they do not know.
  const volatile float unknown = 1;
  const wide::f32 one = wide::set(unknown);
  const auto result = [&](wide::f32 product) {
    return wide::round(Fused ? wide::fma(product, scale, shift) : wide::fma(wide::mul(product, scale), one, shift));
  };
  const wide::i16 minus_a = wide::set_i16(a.zero_a), minus_b = wide::set_i16(a.zero_b);
  std::int64_t i = 0;
  for (; i + wide::block_bytes <= a.count; i += wide::block_bytes) {
    const halves x(block_at(a.a + i), minus_a), y(block_at(a.b + i), minus_b);
    wide::i32 v[4];
    wide::products(x.low, y.low, v[0], v[1]);
    wide::products(x.high, y.high, v[2], v[3]);
    OCTET_UNROLL
    for (int j = 0; j < 4; ++j) v[j] = result(wide::to_float(v[j]));
    store_packed<L>(a.out + i, v, limits);
  }
  if (i == a.count) return;
  const wide::i32 zero_a = wide::set(a.zero_a), zero_b = wide::set(a.zero_b);
  store_rounded(a.out + i, a.count - i, limits, [&](std::int64_t k, int n) {
    // Products of floats below 2^24 are exact.
    const wide::f32 product = wide::mul(wide::to_float(wide::sub(bytes_at(a.a + i + k, n), zero_a)),
                                        wide::to_float(wide::sub(bytes_at(a.b + i + k, n), zero_b)));
    return result(product);
  });
}

inline void mul_u8(const MulU8& a) noexcept {
  if (!a.fused) return mul_u8_with<Limit::clamp, false>(a);
  limit_of(a) == Limit::none ? mul_u8_with<Limit::none, true>(a) : mul_u8_with<Limit::clamp, true>(a);
}

// Codes times factors plus offsets, rounded.
OCTET_INLINE void round_lines(wide::block x, const float* factors, const float* offsets, wide::i32 (&v)[4]) {
  wide::f32 f[4];
  plain_floats(x, f);
  OCTET_UNROLL
  for (int j = 0; j < 4; ++j)
    v[j] = wide::round(wide::fma(f[j], wide::load(factors + j * wide::lanes), wide::load(offsets + j * wide::lanes)));
}

template <Limit L>
void lines_u8_with(const LinesU8& a) noexcept {
  const wide::u8_limits limits(a.zero_point, a.low, a.high);
  const std::uint8_t* in = a.in;
  std::uint8_t* out = a.out;
  const float *factors = a.factors, *offsets = a.offsets;
  const std::int64_t count = a.count, period = a.period;
  wide::i32 v[4];
  std::int64_t i = 0, at = 0;
  for (; i + wide::block_bytes <= count; i += wide::block_bytes) {
    round_lines(block_at(in + i), factors + at, offsets + at, v);
    store_packed<L>(out + i, v, limits);
    at += wide::block_bytes;
    at = at == period ? 0 : at;
  }
  if (i == count) return;
  const int rest = static_cast<int>(count - i);
  round_lines(wide::load_block_first(reinterpret_cast<const std::byte*>(in + i), rest), factors + at, offsets + at, v);
  wide::store_first(out + i, wide::pack<L>(v[0], v[1], v[2], v[3], limits), rest);
}

inline void lines_u8(const LinesU8& a) noexcept {
  limit_of(a) == Limit::none ? lines_u8_with<Limit::none>(a) : lines_u8_with<Limit::clamp>(a);
}

template <std::uint8_t Flip>
OCTET_INLINE void store_greatest(std::uint8_t* out, wide::block x, wide::block y) {
  wide::store(out, wide::flip(wide::max_u8(wide::flip(x, Flip), wide::flip(y, Flip)), Flip));
}
// The least byte is the greatest of the complements.
template <std::uint8_t Flip>
void extremum_of(const std::uint8_t* a, const std::uint8_t* b, std::uint8_t* out, std::int64_t n) noexcept {
  std::int64_t i = 0;
  for (; i + wide::block_bytes <= n; i += wide::block_bytes)
    store_greatest<Flip>(out + i, block_at(a + i), block_at(b + i));
  for (; i < n; ++i) out[i] = (Flip ? a[i] < b[i] : a[i] > b[i]) ? a[i] : b[i];
}

inline void extremum_u8(const std::uint8_t* a, const std::uint8_t* b, std::uint8_t* out, std::int64_t n,
                        bool least) noexcept {
  least ? extremum_of<255>(a, b, out, n) : extremum_of<0>(a, b, out, n);
}

inline constexpr ByteKernels kernels_of_bytes{lookup_u8,       add_u8,           mul_u8,
                                              lines_u8,        wide::lanes,      byte_table::slower_than_lines,
                                              prelu_u8,        blend_rows,       mean_u8,
                                              requantize_u8,   round_half_up_u8, extremum_u8,
                                              extremum_rows,   sum_rows,         normalize_rows_u8,
                                              column_moments,  merge_planes,     transpose,
                                              every_second,    store_fixed,      binary_fixed,
                                              kernels_of_int16};
