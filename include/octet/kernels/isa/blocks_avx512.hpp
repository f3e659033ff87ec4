// No include guard: part of the operations of the kernels of bytes. See blocks_scalar.hpp.

template <int Bytes>
OCTET_INLINE __m512i low_of(__m512i a, __m512i b) {
  if constexpr (Bytes == 1) return _mm512_unpacklo_epi8(a, b);
  if constexpr (Bytes == 2) return _mm512_unpacklo_epi16(a, b);
  if constexpr (Bytes == 4) return _mm512_unpacklo_epi32(a, b);
  if constexpr (Bytes == 8) return _mm512_unpacklo_epi64(a, b);
}
template <int Bytes>
OCTET_INLINE __m512i high_of(__m512i a, __m512i b) {
  if constexpr (Bytes == 1) return _mm512_unpackhi_epi8(a, b);
  if constexpr (Bytes == 2) return _mm512_unpackhi_epi16(a, b);
  if constexpr (Bytes == 4) return _mm512_unpackhi_epi32(a, b);
  if constexpr (Bytes == 8) return _mm512_unpackhi_epi64(a, b);
}

template <int Bytes>
OCTET_INLINE __m512i even_of(__m512i a, __m512i b) {
  if constexpr (Bytes == 1) {
    const __m512i low = _mm512_set1_epi16(255), order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    return _mm512_permutexvar_epi64(order, _mm512_packus_epi16(_mm512_and_si512(a, low), _mm512_and_si512(b, low)));
  } else {
    const __m512i order = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    return _mm512_permutex2var_epi32(a, order, b);
  }
}

OCTET_INLINE __m512i repeat_part(const std::uint8_t* p) {
  return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
OCTET_INLINE __m512i shuffle(__m512i a, __m512i places) { return _mm512_shuffle_epi8(a, places); }
