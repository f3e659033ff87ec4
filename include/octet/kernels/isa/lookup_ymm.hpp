// No include guard: included once, inside the avx2 target region. A table of 256 bytes, looked up for every byte of a
// block: the lower four bits select in all 16 parts, the upper ones between the results.
struct byte_table {
  static constexpr bool slower_than_lines = true;
  explicit byte_table(const std::uint8_t* t) {
    for (int k = 0; k < 16; ++k)
      parts[k] = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(t + 16 * k)));
  }
  // Of parts first and first + step: where the highest bit of a byte of `bit` is set, that of the second.
  __m256i two(int first, __m256i low, __m256i bit) const {
    return _mm256_blendv_epi8(_mm256_shuffle_epi8(parts[first], low), _mm256_shuffle_epi8(parts[first + 1], low), bit);
  }
  __m256i four(int first, __m256i low, __m256i bit4, __m256i bit5) const {
    return _mm256_blendv_epi8(two(first, low, bit4), two(first + 2, low, bit4), bit5);
  }
  __m256i operator()(__m256i x) const {
    const __m256i low = _mm256_and_si256(x, _mm256_set1_epi8(15));
    const __m256i bit4 = _mm256_slli_epi16(x, 3), bit5 = _mm256_slli_epi16(x, 2), bit6 = _mm256_slli_epi16(x, 1);
    const __m256i lower = _mm256_blendv_epi8(four(0, low, bit4, bit5), four(4, low, bit4, bit5), bit6);
    const __m256i upper = _mm256_blendv_epi8(four(8, low, bit4, bit5), four(12, low, bit4, bit5), bit6);
    return _mm256_blendv_epi8(lower, upper, x);
  }
  __m256i parts[16];
};
