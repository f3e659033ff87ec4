// No include guard: part of every instruction set's kernels of bytes.
// The greatest or least byte, and the sum, of each row. Vectors of several rows are combined in pairs, by interleaving
// their bytes, until each 16 bytes hold one result for each row.

// The greatest of v[0] to v[15], each combined within 16 bytes: for row i in byte i of each 16.
OCTET_INLINE wide::block greatest_of_each(wide::block (&v)[16]) {
  OCTET_UNROLL
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; ++i)
      v[i] = wide::max_u8(wide::low_bytes(v[i], v[i + half]), wide::high_bytes(v[i], v[i + half]));
  return v[0];
}

inline void extremum_rows(const std::uint8_t* in, std::int64_t rows, std::int64_t count, std::uint8_t* out,
                          bool least) noexcept {
  constexpr int block = wide::block_bytes, group = 16;
  const std::uint8_t flip = least ? 255 : 0;  // the least byte is the greatest of the complements
  std::uint8_t rest[block] = {};              // after short rows: 255 for the least, 0 for the greatest
  for (std::int64_t i = count; i < block; ++i) rest[i] = flip;
  for (std::int64_t r = 0; r < rows; r += group) {
    const int n = static_cast<int>(rows - r < group ? rows - r : group);
    wide::block v[group];
    for (int i = 0; i < group; ++i) {
      const std::uint8_t* row = in + (r + (i < n ? i : 0)) * count;
      if (count < block) {
        v[i] = wide::max_u8(wide::load_block_first(reinterpret_cast<const std::byte*>(row), count), block_at(rest));
        v[i] = wide::flip(v[i], flip);
        continue;
      }
      v[i] = wide::flip(block_at(row + count - block), flip);  // the last elements, some of which are taken twice
      for (std::int64_t k = 0; k + block < count; k += block)
        v[i] = wide::max_u8(v[i], wide::flip(block_at(row + k), flip));
    }
    wide::block best = greatest_of_each(v);
    std::byte all[block];
    wide::store_block(all, best);
    for (int part = group; part < block; part += group)
      best = wide::max_u8(best, wide::load_block_first(all + part, group));
    wide::store_first(out + r, wide::flip(best, flip), n);
  }
}

inline void sum_rows(const std::uint8_t* in, std::int64_t rows, std::int64_t count, std::int32_t* sums) noexcept {
  constexpr int block = wide::block_bytes, group = 8;
  constexpr std::int64_t most = 256;  // elements whose sum fits 16 bits, in whole blocks
  const wide::block zero = wide::as_block(wide::set_i16(0));
  for (std::int64_t r = 0; r < rows; r += group) {
    const int n = static_cast<int>(rows - r < group ? rows - r : group);
    for (int i = 0; i < n; ++i) sums[r + i] = 0;
    for (std::int64_t from = 0; from < count; from += most) {
      const std::int64_t end = count - from < most ? count : from + most;
      wide::i16 v[group];
      for (int i = 0; i < group; ++i) {
        const auto* row = reinterpret_cast<const std::byte*>(in + (r + (i < n ? i : 0)) * count);
        v[i] = wide::set_i16(0);
        for (std::int64_t k = from; k < end; k += block) {
          const wide::block x = k + block <= end ? wide::load_block(row + k) : wide::load_block_first(row + k, end - k);
          v[i] = wide::add_i16(v[i], wide::as_i16(wide::low_bytes(x, zero)));
          v[i] = wide::add_i16(v[i], wide::as_i16(wide::high_bytes(x, zero)));
        }
      }
      OCTET_UNROLL
      for (int half = group / 2; half > 0; half /= 2)
        for (int i = 0; i < half; ++i) {
          const wide::block x = wide::as_block(v[i]), y = wide::as_block(v[i + half]);
          v[i] = wide::add_i16(wide::as_i16(wide::low_pairs(x, y)), wide::as_i16(wide::high_pairs(x, y)));
        }
      std::uint16_t all[block / 2];
      wide::store_block(reinterpret_cast<std::byte*>(all), wide::as_block(v[0]));
      for (int part = 0; part < block / 2; part += group)
        for (int i = 0; i < n; ++i) sums[r + i] += all[part + i];
    }
  }
}
