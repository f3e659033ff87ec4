// No include guard: part of the operations of avx2 and avxvnni. See codes16_scalar.hpp.
struct doubles {
  __m256d low, high;

  static doubles load(const double* p) { return {_mm256_loadu_pd(p), _mm256_loadu_pd(p + 4)}; }
  static doubles set(double x) { return {_mm256_set1_pd(x), _mm256_set1_pd(x)}; }
  static doubles of(__m256i a) {
    return {_mm256_cvtepi32_pd(_mm256_castsi256_si128(a)), _mm256_cvtepi32_pd(_mm256_extracti128_si256(a, 1))};
  }
  static doubles of(__m256 a) {
    return {_mm256_cvtps_pd(_mm256_castps256_ps128(a)), _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1))};
  }
  static void store(double* p, const doubles& a) {
    _mm256_storeu_pd(p, a.low);
    _mm256_storeu_pd(p + 4, a.high);
  }
  static doubles add(const doubles& a, const doubles& b) {
    return {_mm256_add_pd(a.low, b.low), _mm256_add_pd(a.high, b.high)};
  }
  static doubles div(const doubles& a, const doubles& b) {
    return {_mm256_div_pd(a.low, b.low), _mm256_div_pd(a.high, b.high)};
  }
  static doubles mul_add(const doubles& a, const doubles& b, const doubles& c) { return fma(a, b, c); }
  static doubles fma(const doubles& a, const doubles& b, const doubles& c) {
    return {_mm256_fmadd_pd(a.low, b.low, c.low), _mm256_fmadd_pd(a.high, b.high, c.high)};
  }
  static doubles clamp(const doubles& a, const doubles& low, const doubles& high) {
    return {_mm256_min_pd(_mm256_max_pd(a.low, low.low), high.low),
            _mm256_min_pd(_mm256_max_pd(a.high, low.high), high.high)};
  }
  static doubles nearest(const doubles& a) {
    constexpr int even = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    return {_mm256_round_pd(a.low, even), _mm256_round_pd(a.high, even)};
  }
  static __m256i round(const doubles& a) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm256_cvtpd_epi32(a.low)), _mm256_cvtpd_epi32(a.high), 1);
  }
  static __m256 to_float(const doubles& a) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(a.low)), _mm256_cvtpd_ps(a.high), 1);
  }
};

struct codes16 {
  struct limits {
    __m256i low, high;
    limits(std::int32_t l, std::int32_t h)
        : low(_mm256_set1_epi16(static_cast<short>(l))), high(_mm256_set1_epi16(static_cast<short>(h))) {}
  };
  static __m256i pack(__m256i a, __m256i b, const limits& m) {
    return _mm256_min_epi16(_mm256_max_epi16(_mm256_packs_epi32(a, b), m.low), m.high);
  }
  static __m256i in_order(__m256i v) { return _mm256_permute4x64_epi64(v, 0xD8); }
  static void store_first(std::int16_t* p, __m256i v, int n) {
    if (n >= 16) return _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
    alignas(32) std::int16_t all[16];
    _mm256_store_si256(reinterpret_cast<__m256i*>(all), v);
    std::memcpy(p, all, static_cast<std::size_t>(n) * 2);
  }
  static __m256i load_first(const std::int16_t* p, int n) {
    if (n >= 8) return _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    alignas(16) std::int16_t all[8] = {};
    std::memcpy(all, p, static_cast<std::size_t>(n) * 2);
    return _mm256_cvtepi16_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(all)));
  }
};
