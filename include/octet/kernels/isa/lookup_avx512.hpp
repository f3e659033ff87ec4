// No include guard: included once, inside the avx512bw target region. As lookup_ymm.hpp, twice as wide.
struct byte_table {
  static constexpr bool slower_than_lines = true;
  explicit byte_table(const std::uint8_t* t) {
    for (int k = 0; k < 16; ++k)
      parts[k] = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(t + 16 * k)));
  }
  __m512i two(int first, __m512i low, __mmask64 bit) const {
    return _mm512_mask_shuffle_epi8(_mm512_shuffle_epi8(parts[first], low), bit, parts[first + 1], low);
  }
  __m512i four(int first, __m512i low, __mmask64 bit4, __mmask64 bit5) const {
    return _mm512_mask_blend_epi8(bit5, two(first, low, bit4), two(first + 2, low, bit4));
  }
  __m512i operator()(__m512i x) const {
    const __m512i low = _mm512_and_si512(x, _mm512_set1_epi8(15));
    const __mmask64 bit4 = _mm512_movepi8_mask(_mm512_slli_epi16(x, 3)),
                    bit5 = _mm512_movepi8_mask(_mm512_slli_epi16(x, 2)),
                    bit6 = _mm512_movepi8_mask(_mm512_slli_epi16(x, 1)), bit7 = _mm512_movepi8_mask(x);
    const __m512i lower = _mm512_mask_blend_epi8(bit6, four(0, low, bit4, bit5), four(4, low, bit4, bit5));
    const __m512i upper = _mm512_mask_blend_epi8(bit6, four(8, low, bit4, bit5), four(12, low, bit4, bit5));
    return _mm512_mask_blend_epi8(bit7, lower, upper);
  }
  __m512i parts[16];
};
