// No include guard: part of the operations of the kernels of bytes. See fixed_scalar.hpp.

// The 32-bit numbers with an odd index as 64-bit ones.
OCTET_INLINE __m512i odd_numbers(__m512i a) { return _mm512_srli_epi64(a, 32); }
// The lower halves of 64-bit numbers, in turn.
OCTET_INLINE __m512i joined(__m512i even, __m512i odd) {
  return _mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32));
}

struct FixedTwice {
  __m512i left, mantissa, odd_mantissa, right, mask, threshold;
  FixedTwice(__m512i l, __m512i m, __m512i r) : left(l), mantissa(m), odd_mantissa(odd_numbers(m)), right(r) {
    const __m512i one = _mm512_set1_epi32(1);
    mask = _mm512_sub_epi32(_mm512_sllv_epi32(one, r), one);
    threshold = _mm512_srli_epi32(mask, 1);
  }
  OCTET_INLINE __m512i operator()(__m512i x) const {
    const __m512i half = _mm512_set1_epi64(std::int64_t{1} << 30);
    x = _mm512_sllv_epi32(x, left);
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(x, mantissa), half);
    const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(odd_numbers(x), odd_mantissa), half);
    // odd >> 31, in the upper halves
    const __m512i v = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 31), _mm512_slli_epi64(odd, 1));
    const __m512i above = _mm512_add_epi32(threshold, _mm512_srli_epi32(v, 31)), rest = _mm512_and_si512(v, mask);
    const __m512i q = _mm512_srav_epi32(v, right);
    return _mm512_mask_add_epi32(q, _mm512_cmpgt_epi32_mask(rest, above), q, _mm512_set1_epi32(1));
  }
};

struct FixedOnce {
  __m512i mantissa, odd_mantissa, right, odd_right, half, odd_half;
  FixedOnce(__m512i, __m512i m, __m512i r)
      : mantissa(m),
        odd_mantissa(odd_numbers(m)),
        right(_mm512_and_si512(r, _mm512_set1_epi64(0xffffffff))),
        odd_right(odd_numbers(r)),
        half(half_of(right)),
        odd_half(half_of(odd_right)) {}
  OCTET_INLINE __m512i operator()(__m512i x) const {
    return joined(shifted(_mm512_add_epi64(_mm512_mul_epi32(x, mantissa), half), right),
                  shifted(_mm512_add_epi64(_mm512_mul_epi32(odd_numbers(x), odd_mantissa), odd_half), odd_right));
  }

 private:
  static __m512i half_of(__m512i n) {
    const __m512i one = _mm512_set1_epi64(1);
    return _mm512_sllv_epi64(one, _mm512_sub_epi64(n, one));
  }
  static __m512i shifted(__m512i v, __m512i n) { return _mm512_srav_epi64(v, n); }
};

// v / 2^n, rounded down.
OCTET_INLINE __m512i shifted_right(__m512i v, int n) { return _mm512_sra_epi32(v, _mm_cvtsi32_si128(n)); }
