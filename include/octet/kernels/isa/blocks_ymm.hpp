// No include guard: part of the operations of the kernels of bytes. See blocks_scalar.hpp.

template <int Bytes>
OCTET_INLINE __m256i low_of(__m256i a, __m256i b) {
  if constexpr (Bytes == 1) return _mm256_unpacklo_epi8(a, b);
  if constexpr (Bytes == 2) return _mm256_unpacklo_epi16(a, b);
  if constexpr (Bytes == 4) return _mm256_unpacklo_epi32(a, b);
  if constexpr (Bytes == 8) return _mm256_unpacklo_epi64(a, b);
}
template <int Bytes>
OCTET_INLINE __m256i high_of(__m256i a, __m256i b) {
  if constexpr (Bytes == 1) return _mm256_unpackhi_epi8(a, b);
  if constexpr (Bytes == 2) return _mm256_unpackhi_epi16(a, b);
  if constexpr (Bytes == 4) return _mm256_unpackhi_epi32(a, b);
  if constexpr (Bytes == 8) return _mm256_unpackhi_epi64(a, b);
}

template <int Bytes>
OCTET_INLINE __m256i even_of(__m256i a, __m256i b) {
  if constexpr (Bytes == 1) {
    const __m256i low = _mm256_set1_epi16(255);
    return _mm256_permute4x64_epi64(_mm256_packus_epi16(_mm256_and_si256(a, low), _mm256_and_si256(b, low)), 0xD8);
  } else {
    const __m256 even = _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88);
    return _mm256_permute4x64_epi64(_mm256_castps_si256(even), 0xD8);
  }
}

OCTET_INLINE __m256i repeat_part(const std::uint8_t* p) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
OCTET_INLINE __m256i shuffle(__m256i a, __m256i places) { return _mm256_shuffle_epi8(a, places); }
