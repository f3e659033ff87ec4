// No include guard: part of the operations of the kernels of bytes. See fixed_scalar.hpp.

// The 32-bit numbers with an odd index as 64-bit ones.
OCTET_INLINE __m256i odd_numbers(__m256i a) { return _mm256_srli_epi64(a, 32); }
// The lower halves of 64-bit numbers, in turn.
OCTET_INLINE __m256i joined(__m256i even, __m256i odd) {
  return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
}

struct FixedTwice {
  __m256i left, mantissa, odd_mantissa, right, mask, threshold;
  FixedTwice(__m256i l, __m256i m, __m256i r) : left(l), mantissa(m), odd_mantissa(odd_numbers(m)), right(r) {
    const __m256i one = _mm256_set1_epi32(1);
    mask = _mm256_sub_epi32(_mm256_sllv_epi32(one, r), one);
    threshold = _mm256_srli_epi32(mask, 1);
  }
  OCTET_INLINE __m256i operator()(__m256i x) const {
    const __m256i half = _mm256_set1_epi64x(std::int64_t{1} << 30);
    x = _mm256_sllv_epi32(x, left);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(x, mantissa), half);
    const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(odd_numbers(x), odd_mantissa), half);
    // odd >> 31, in the upper halves
    const __m256i v = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xAA);
    const __m256i above = _mm256_add_epi32(threshold, _mm256_srli_epi32(v, 31)), rest = _mm256_and_si256(v, mask);
    return _mm256_sub_epi32(_mm256_srav_epi32(v, right), _mm256_cmpgt_epi32(rest, above));
  }
};

struct FixedOnce {
  __m256i mantissa, odd_mantissa, right, odd_right, half, odd_half;
  FixedOnce(__m256i, __m256i m, __m256i r)
      : mantissa(m),
        odd_mantissa(odd_numbers(m)),
        right(_mm256_and_si256(r, _mm256_set1_epi64x(0xffffffff))),
        odd_right(odd_numbers(r)),
        half(half_of(right)),
        odd_half(half_of(odd_right)) {}
  OCTET_INLINE __m256i operator()(__m256i x) const {
    return joined(shifted(_mm256_add_epi64(_mm256_mul_epi32(x, mantissa), half), right),
                  shifted(_mm256_add_epi64(_mm256_mul_epi32(odd_numbers(x), odd_mantissa), odd_half), odd_right));
  }

 private:
  static __m256i half_of(__m256i n) {
    const __m256i one = _mm256_set1_epi64x(1);
    return _mm256_sllv_epi64(one, _mm256_sub_epi64(n, one));
  }
  // AVX2 has no arithmetic shift of 64-bit integers. With 2^62 added they are not negative, and a logical shift does.
  static __m256i shifted(__m256i v, __m256i n) {
    const __m256i up = _mm256_set1_epi64x(std::int64_t{1} << 62);
    return _mm256_sub_epi64(_mm256_srlv_epi64(_mm256_add_epi64(v, up), n), _mm256_srlv_epi64(up, n));
  }
};

// v / 2^n, rounded down.
OCTET_INLINE __m256i shifted_right(__m256i v, int n) { return _mm256_sra_epi32(v, _mm_cvtsi32_si128(n)); }
