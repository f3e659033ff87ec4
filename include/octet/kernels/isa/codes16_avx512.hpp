// No include guard: part of the operations of avx512bw and avx512vnni. See codes16_scalar.hpp.
struct doubles {
  __m512d low, high;

  static doubles load(const double* p) { return {_mm512_loadu_pd(p), _mm512_loadu_pd(p + 8)}; }
  static doubles set(double x) { return {_mm512_set1_pd(x), _mm512_set1_pd(x)}; }
  static doubles of(__m512i a) {
    return {_mm512_cvtepi32_pd(_mm512_castsi512_si256(a)), _mm512_cvtepi32_pd(_mm512_extracti64x4_epi64(a, 1))};
  }
  static doubles of(__m512 a) {
    return {_mm512_cvtps_pd(_mm512_castps512_ps256(a)), _mm512_cvtps_pd(_mm512_extractf32x8_ps(a, 1))};
  }
  static void store(double* p, const doubles& a) {
    _mm512_storeu_pd(p, a.low);
    _mm512_storeu_pd(p + 8, a.high);
  }
  static doubles add(const doubles& a, const doubles& b) {
    return {_mm512_add_pd(a.low, b.low), _mm512_add_pd(a.high, b.high)};
  }
  static doubles div(const doubles& a, const doubles& b) {
    return {_mm512_div_pd(a.low, b.low), _mm512_div_pd(a.high, b.high)};
  }
  static doubles mul_add(const doubles& a, const doubles& b, const doubles& c) { return fma(a, b, c); }
  static doubles fma(const doubles& a, const doubles& b, const doubles& c) {
    return {_mm512_fmadd_pd(a.low, b.low, c.low), _mm512_fmadd_pd(a.high, b.high, c.high)};
  }
  static doubles clamp(const doubles& a, const doubles& low, const doubles& high) {
    return {_mm512_min_pd(_mm512_max_pd(a.low, low.low), high.low),
            _mm512_min_pd(_mm512_max_pd(a.high, low.high), high.high)};
  }
  static doubles nearest(const doubles& a) { return {_mm512_roundscale_pd(a.low, 0), _mm512_roundscale_pd(a.high, 0)}; }
  // Adding 1.5 * 2^52 rounds, and leaves the integer in the lower halves.
  static __m512i round(const doubles& a) {
    const __m512d shift = _mm512_set1_pd(6755399441055744.0);
    const __m512i order = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    return _mm512_permutex2var_epi32(_mm512_castpd_si512(_mm512_add_pd(a.low, shift)), order,
                                     _mm512_castpd_si512(_mm512_add_pd(a.high, shift)));
  }
  static __m512 to_float(const doubles& a) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(a.low)), _mm512_cvtpd_ps(a.high), 1);
  }
};

struct codes16 {
  struct limits {
    __m512i low, high;
    limits(std::int32_t l, std::int32_t h)
        : low(_mm512_set1_epi16(static_cast<short>(l))), high(_mm512_set1_epi16(static_cast<short>(h))) {}
  };
  static __m512i pack(__m512i a, __m512i b, const limits& m) {
    return _mm512_min_epi16(_mm512_max_epi16(_mm512_packs_epi32(a, b), m.low), m.high);
  }
  static __m512i in_order(__m512i v) { return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), v); }
  static void store_first(std::int16_t* p, __m512i v, int n) {  // (masked stores of much memory take longer)
    if (n >= 32) return _mm512_storeu_si512(p, v);
    _mm512_mask_storeu_epi16(p, (__mmask32{1} << n) - 1, v);
  }
  static __m512i load_first(const std::int16_t* p, int n) {
    return _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(wide_base::first(n < 16 ? n : 16), p));
  }
};
