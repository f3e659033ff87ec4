// No include guard: included inside every x86 target region. 256-bit vectors: the operations of AVX2, and what
// depthwise convolution uses on AVX-512 as well, where 256-bit shuffles run on twice as many ports.
struct ymm_base {
  static constexpr int lanes = 8, registers = 16;
  using f32 = __m256;
  using i32 = __m256i;

  static __m256i first(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static const __m256i* vec(const void* p) { return static_cast<const __m256i*>(p); }
  static __m256i* vec(void* p) { return static_cast<__m256i*>(p); }

  static f32 load(const float* p) { return _mm256_loadu_ps(p); }
  static i32 load(const std::int32_t* p) { return _mm256_loadu_si256(vec(p)); }
  static f32 load_first(const float* p, int n) { return _mm256_maskload_ps(p, first(n)); }
  static void store(float* p, f32 v) { _mm256_storeu_ps(p, v); }
  static void store(std::int32_t* p, i32 v) { _mm256_storeu_si256(vec(p), v); }
  static void store_first(float* p, f32 v, int n) { _mm256_maskstore_ps(p, first(n), v); }
  static void store_first(std::int32_t* p, i32 v, int n) { _mm256_maskstore_epi32(p, first(n), v); }

  static void prefetch(const std::byte* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1); }
  static void prefetch_near(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0); }
  static f32 set(float x) { return _mm256_set1_ps(x); }
  static i32 set(std::int32_t x) { return _mm256_set1_epi32(x); }
  static f32 add(f32 a, f32 b) { return _mm256_add_ps(a, b); }
  static i32 add(i32 a, i32 b) { return _mm256_add_epi32(a, b); }
  static i32 sub(i32 a, i32 b) { return _mm256_sub_epi32(a, b); }
  static f32 sub(f32 a, f32 b) { return _mm256_sub_ps(a, b); }
  static f32 mul(f32 a, f32 b) { return _mm256_mul_ps(a, b); }
  static f32 div(f32 a, f32 b) { return _mm256_div_ps(a, b); }
  static f32 fma(f32 a, f32 b, f32 c) { return _mm256_fmadd_ps(a, b, c); }
  static f32 clamp(f32 a, f32 low, f32 high) { return _mm256_min_ps(high, _mm256_max_ps(low, a)); }
  static f32 min(f32 a, f32 b) { return _mm256_min_ps(a, b); }
  static f32 max(f32 a, f32 b) { return _mm256_max_ps(a, b); }
  static f32 max_or_nan(f32 a, f32 b) {
    return _mm256_blendv_ps(_mm256_max_ps(a, b), a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
  }
  static f32 select_greater(f32 a, f32 b, f32 yes, f32 no) {
    return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_GT_OQ));
  }
  static f32 abs(f32 a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
  static f32 to_float(i32 a) { return _mm256_cvtepi32_ps(a); }
  static i32 round(f32 a) { return _mm256_cvtps_epi32(a); }
  static bool any_greater(f32 a, f32 b) { return _mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ)) != 0; }
  static bool any_nan(f32 a) { return _mm256_movemask_ps(_mm256_cmp_ps(a, a, _CMP_UNORD_Q)) != 0; }
  static float least(f32 a) {
    __m128 v = _mm_min_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    v = _mm_min_ps(v, _mm_movehl_ps(v, v));
    return _mm_cvtss_f32(_mm_min_ss(v, _mm_movehdup_ps(v)));
  }
  static float greatest(f32 a) {
    __m128 v = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    v = _mm_max_ps(v, _mm_movehl_ps(v, v));
    return _mm_cvtss_f32(_mm_max_ss(v, _mm_movehdup_ps(v)));
  }
  static f32 load_fp16(const std::byte* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static i32 load_u8(const std::uint8_t* p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  }
  static i32 load_u8_first(const std::uint8_t* p, int n) {
    std::uint64_t x = 0;
    std::memcpy(&x, p, static_cast<std::size_t>(n));
    return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<long long>(x)));
  }

  struct u8_limits {
    __m256i zero, low, high;
    u8_limits(std::int32_t z, std::int32_t l, std::int32_t h)
        : zero(_mm256_set1_epi16(static_cast<short>(z))),
          low(_mm256_set1_epi8(static_cast<char>(l))),
          high(_mm256_set1_epi8(static_cast<char>(h))) {}
  };
  using u8x4 = __m256i;
  // Within each 128-bit half: 4 bytes of a, then of b, c, d.
  static u8x4 pack_by_halves(i32 a, i32 b, i32 c, i32 d, const u8_limits& m) {
    const __m256i x = _mm256_adds_epi16(_mm256_packs_epi32(a, b), m.zero);
    const __m256i y = _mm256_adds_epi16(_mm256_packs_epi32(c, d), m.zero);
    return _mm256_min_epu8(_mm256_max_epu8(_mm256_packus_epi16(x, y), m.low), m.high);
  }
  static u8x4 pack(i32 a, i32 b, i32 c, i32 d, const u8_limits& m) {
    return _mm256_permutevar8x32_epi32(pack_by_halves(a, b, c, d, m), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }
  static void store(std::uint8_t* p, u8x4 v) { _mm256_storeu_si256(vec(p), v); }
  static void store_half(std::uint8_t* p, u8x4 v, int half) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), half ? _mm256_extracti128_si256(v, 1) : _mm256_castsi256_si128(v));
  }
  static void store_first(std::uint8_t* p, u8x4 v, int n) {
    if (n == 16) return _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(v));
    alignas(32) std::uint8_t all[32];
    _mm256_store_si256(vec(all), v);
    std::memcpy(p, all, static_cast<std::size_t>(n));
  }
  static u8x4 flip(u8x4 v, std::uint8_t mask) { return _mm256_xor_si256(v, _mm256_set1_epi8(static_cast<char>(mask))); }

  using block = __m256i;
  static constexpr int block_bytes = 32;
  static block load_block(const std::byte* p) { return _mm256_loadu_si256(vec(p)); }
  static void store_block(std::byte* p, block v) { _mm256_storeu_si256(vec(p), v); }
  static block load_block_first(const std::byte* p, std::int64_t n) {
    if (n == 16) return _mm256_zextsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    alignas(32) std::byte all[32] = {};
    std::memcpy(all, p, static_cast<std::size_t>(n));
    return _mm256_load_si256(vec(all));
  }
  static block max_u8(block a, block b) { return _mm256_max_epu8(a, b); }

  // Four blocks of 32 bytes (4 taps of 32 channels) to 4 vectors of 8 channels x 4 taps. Vector j holds, in its
  // halves, channels 4j .. 4j+3 and 16+4j .. 16+4j+3: what pack_by_halves puts back in order.
  static void interleave(const block (&t)[4], i32 (&v)[4]) {
    const __m256i ab0 = _mm256_unpacklo_epi8(t[0], t[1]), ab1 = _mm256_unpackhi_epi8(t[0], t[1]);
    const __m256i cd0 = _mm256_unpacklo_epi8(t[2], t[3]), cd1 = _mm256_unpackhi_epi8(t[2], t[3]);
    v[0] = _mm256_unpacklo_epi16(ab0, cd0);
    v[1] = _mm256_unpackhi_epi16(ab0, cd0);
    v[2] = _mm256_unpacklo_epi16(ab1, cd1);
    v[3] = _mm256_unpackhi_epi16(ab1, cd1);
  }
  // The accumulators of the same 8 channels, from and to an array in channel order.
  static i32 load_by_halves(const std::int32_t* p, int j) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 4 * j))),
                                   _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 + 4 * j)), 1);
  }
  static f32 load_by_halves(const float* p, int j) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p + 4 * j)), _mm_loadu_ps(p + 16 + 4 * j), 1);
  }
  static void store_by_halves(std::int32_t* p, int j, i32 v) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 4 * j), _mm256_castsi256_si128(v));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 16 + 4 * j), _mm256_extracti128_si256(v, 1));
  }
};

// uint8 x int8 by multiply-add of even and odd bytes: exact, where vpmaddubsw would saturate.
struct ymm_exact : ymm_base {
  struct pairs {
    __m256i even, odd;
  };
  using weights = pairs;
  using bytes = pairs;
  static weights load_weights(const std::byte* p) {
    const __m256i b = _mm256_loadu_si256(vec(p));
    return {_mm256_srai_epi16(_mm256_slli_epi16(b, 8), 8), _mm256_srai_epi16(b, 8)};
  }
  static bytes split(i32 a) { return {_mm256_and_si256(a, _mm256_set1_epi16(0xFF)), _mm256_srli_epi16(a, 8)}; }
  static bytes broadcast(const std::byte* p) {
    std::int32_t x;
    std::memcpy(&x, p, 4);
    return split(_mm256_set1_epi32(x));
  }
  static void dot(i32& acc, bytes a, weights b) {
    acc = _mm256_add_epi32(acc, _mm256_add_epi32(_mm256_madd_epi16(a.even, b.even), _mm256_madd_epi16(a.odd, b.odd)));
  }
};
