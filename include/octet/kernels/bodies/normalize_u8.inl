// No include guard: part of every instruction set's kernels of bytes.
// Normalization of rows of bytes, and sums of columns and of their squares.

// Adds pairs of 16-bit integers, and of their squares.
OCTET_INLINE void add_moments(wide::i32& sums, wide::i32& squares, wide::block pairs) {
  const wide::i32 x = wide::as_i32(pairs);
  wide::dot_i16(sums, x, wide::as_i32(wide::as_block(wide::set_i16(1))));
  wide::dot_i16(squares, x, x);
}

// Of `count` bytes.
OCTET_INLINE MomentsU8 moments_of(const std::byte* row, std::int64_t count) {
  constexpr int block = wide::block_bytes;
  constexpr std::int64_t most = 8192 * block;  // elements whose squares fit 32 bits of a vector
  const wide::block zero = wide::as_block(wide::set_i16(0));
  MomentsU8 m;
  for (std::int64_t from = 0; from < count; from += most) {
    const std::int64_t end = count - from < most ? count : from + most;
    wide::i32 sums = wide::set(0), squares = sums;
    for (std::int64_t k = from; k < end; k += block) {
      const wide::block x = k + block <= end ? wide::load_block(row + k) : wide::load_block_first(row + k, end - k);
      add_moments(sums, squares, wide::low_bytes(x, zero));
      add_moments(sums, squares, wide::high_bytes(x, zero));
    }
    std::int32_t all[2][wide::lanes];
    wide::store(all[0], sums);
    wide::store(all[1], squares);
    for (int i = 0; i < wide::lanes; ++i) {
      m.sum += all[0][i];
      m.squares += all[1][i];
    }
  }
  return m;
}

inline void normalize_rows_u8(const NormalizeRowsU8& a) noexcept {
  constexpr int block = wide::block_bytes;
  const wide::u8_limits limits(a.zero_point, a.low, a.high);
  const std::uint8_t* in = a.in;
  std::uint8_t* out = a.out;
  for (std::int64_t r = 0; r < a.rows; ++r, in += a.count, out += a.count) {
    const NormalizedLine line(moments_of(reinterpret_cast<const std::byte*>(in), a.count), a.count, a.in_scale,
                              a.epsilon);
    const wide::f32 factor = wide::set(line.factor), minus_mean = wide::set(-line.mean);
    for (std::int64_t i = 0; i < a.count; i += block) {
      const std::int64_t left = a.count - i;
      const auto* p = reinterpret_cast<const std::byte*>(in + i);
      wide::f32 x[4];
      plain_floats(left >= block ? wide::load_block(p) : wide::load_block_first(p, left), x);
      wide::i32 v[4];
      OCTET_UNROLL
      for (int j = 0; j < 4; ++j) {
        const wide::f32 f = wide::mul(factor, wide::load(a.scale + i + j * wide::lanes));
        v[j] = wide::round(wide::fma(x[j], f, wide::fma(minus_mean, f, wide::load(a.shift + i + j * wide::lanes))));
      }
      if (left >= block)
        store_packed(out + i, v, limits);
      else
        wide::store_first(out + i, wide::pack<Limit::clamp>(v[0], v[1], v[2], v[3], limits), static_cast<int>(left));
    }
  }
}

inline void column_moments(const std::uint8_t* in, std::int64_t rows, std::int64_t columns, std::int32_t* sums,
                           std::int32_t* squares) noexcept {
  constexpr int block = wide::block_bytes;
  const wide::block zero = wide::as_block(wide::set_i16(0));
  for (std::int64_t c = 0; c < columns; c += block) {
    const std::int64_t left = columns - c < block ? columns - c : block;
    const auto load = [&](std::int64_t r) {
      const auto* p = reinterpret_cast<const std::byte*>(in + r * columns + c);
      return left == block ? wide::load_block(p) : wide::load_block_first(p, left);
    };
    wide::i32 sum[4], square[4];
    OCTET_UNROLL
    for (int j = 0; j < 4; ++j) sum[j] = square[j] = wide::set(0);
    for (std::int64_t r = 0; r < rows; r += 2) {
      const wide::block x = load(r), y = r + 1 < rows ? load(r + 1) : zero;
      const wide::block low = wide::low_bytes(x, y), high = wide::high_bytes(x, y);
      add_moments(sum[0], square[0], wide::low_bytes(low, zero));
      add_moments(sum[1], square[1], wide::high_bytes(low, zero));
      add_moments(sum[2], square[2], wide::low_bytes(high, zero));
      add_moments(sum[3], square[3], wide::high_bytes(high, zero));
    }
    std::int32_t all[2][block];
    for (int j = 0; j < 4; ++j) {
      wide::store(all[0] + j * wide::lanes, sum[j]);
      wide::store(all[1] + j * wide::lanes, square[j]);
    }
    for (std::int64_t i = 0; i < left; ++i) {
      sums[c + i] = all[0][interleaved(i, wide::lanes, 4)];
      squares[c + i] = all[1][interleaved(i, wide::lanes, 4)];
    }
  }
}
