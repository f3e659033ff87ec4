// No include guard: part of every instruction set's kernels of bytes. Transposes matrices of bytes or of four bytes.

// `Whole`: the tile has all columns of a block and 16 bytes of each. Else `columns` of them, of `rows` elements.
// `readable`: bytes from `in` to the end of the matrix.
template <int Element, bool Whole>
OCTET_INLINE void transpose_tile(const TransposeElements& t, const std::byte* in, std::byte* out, std::int64_t columns,
                                 std::int64_t rows, std::int64_t readable) {
  constexpr int height = 16 / Element, width = wide::block_bytes / Element;
  const auto load = [&](int row) {
    const std::byte* p = in + row * t.in_step;
    if (Whole || columns >= width) return wide::load_block(p);
    const std::int64_t bytes = columns * Element;  // 16 bytes are read fast
    return wide::load_block_first(p, bytes < 16 && readable - row * t.in_step >= 16 ? 16 : bytes);
  };
  wide::block v[height], next[height];
  OCTET_UNROLL
  for (int i = 0; i < height; ++i) v[i] = Whole || i < rows ? load(i) : wide::as_block(wide::set_i16(0));
  // Interleaving the first half of the rows with the second one, log2(height) times, collects the columns.
  OCTET_UNROLL
  for (int stage = 1; stage < height; stage *= 2) {
    OCTET_UNROLL
    for (int i = 0; i < height / 2; ++i) {
      next[2 * i] = low_of<Element>(v[i], v[i + height / 2]);
      next[2 * i + 1] = high_of<Element>(v[i], v[i + height / 2]);
    }
    OCTET_UNROLL
    for (int i = 0; i < height; ++i) v[i] = next[i];
  }
  OCTET_UNROLL
  for (int part = 0; part < wide::block_bytes / 16; ++part) {
    OCTET_UNROLL
    for (int i = 0; i < height; ++i) {
      const int column = part * height + i;
      if (!Whole && column >= columns) return;
      auto* to = reinterpret_cast<std::uint8_t*>(out + column * t.out_step);
      if (Whole || rows == height)
        wide::store_row<16 / wide::lanes>(to, v[i], part, 16);
      else
        wide::store_row<16 / wide::lanes>(to, v[i], part, static_cast<int>(rows) * Element);
    }
  }
}

template <int Element>
void transpose_with(const TransposeElements& t) noexcept {
  constexpr std::int64_t height = 16 / Element, width = wide::block_bytes / Element;
  for (std::int64_t column = 0; column < t.columns; column += width)
    for (std::int64_t row = 0; row < t.rows; row += height) {
      const std::byte* in = t.in + row * t.in_step + column * Element;
      std::byte* out = t.out + column * t.out_step + row * Element;
      const std::int64_t columns = t.columns - column, rows = t.rows - row;
      if (columns >= width && rows >= height)
        transpose_tile<Element, true>(t, in, out, width, height, 0);
      else
        transpose_tile<Element, false>(t, in, out, columns, rows < height ? rows : height,
                                       (rows - 1) * t.in_step + columns * Element);
    }
}

inline void transpose(const TransposeElements& t) noexcept {
  t.element == 1 ? transpose_with<1>(t) : transpose_with<4>(t);
}
