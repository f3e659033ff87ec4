// No include guard: part of the avx512bw and avx512vnni operations, included inside each one's target region.
// 512-bit vectors for everything but the integer dot products, which the two differ in.
struct wide_base {
  static constexpr int lanes = 16, registers = 32;  // of 32 bits each; vectors
  using f32 = __m512;
  using i32 = __m512i;

  static __mmask16 first(int n) { return static_cast<__mmask16>((1u << n) - 1); }

  static f32 load(const float* p) { return _mm512_loadu_ps(p); }
  static i32 load(const std::int32_t* p) { return _mm512_loadu_si512(p); }
  static f32 load_first(const float* p, int n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static void store(float* p, f32 v) { _mm512_storeu_ps(p, v); }
  static void store(std::int32_t* p, i32 v) { _mm512_storeu_si512(p, v); }
  static void store_first(float* p, f32 v, int n) { _mm512_mask_storeu_ps(p, first(n), v); }
  static void store_first(std::int32_t* p, i32 v, int n) { _mm512_mask_storeu_epi32(p, first(n), v); }

  static void prefetch(const std::byte* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1); }
  static void prefetch_near(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0); }
  static f32 set(float x) { return _mm512_set1_ps(x); }
  static i32 set(std::int32_t x) { return _mm512_set1_epi32(x); }
  static f32 add(f32 a, f32 b) { return _mm512_add_ps(a, b); }
  static i32 add(i32 a, i32 b) { return _mm512_add_epi32(a, b); }
  static i32 sub(i32 a, i32 b) { return _mm512_sub_epi32(a, b); }
  static f32 sub(f32 a, f32 b) { return _mm512_sub_ps(a, b); }
  static f32 mul(f32 a, f32 b) { return _mm512_mul_ps(a, b); }
  static f32 div(f32 a, f32 b) { return _mm512_div_ps(a, b); }
  static f32 fma(f32 a, f32 b, f32 c) { return _mm512_fmadd_ps(a, b, c); }
  // A NaN in `a` stays: the second operand is what max and min return then.
  static f32 clamp(f32 a, f32 low, f32 high) { return _mm512_min_ps(high, _mm512_max_ps(low, a)); }
  static f32 min(f32 a, f32 b) { return _mm512_min_ps(a, b); }
  static f32 max(f32 a, f32 b) { return _mm512_max_ps(a, b); }
  static f32 max_or_nan(f32 a, f32 b) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), _mm512_max_ps(a, b), a);
  }
  static f32 select_greater(f32 a, f32 b, f32 yes, f32 no) {  // a > b ? yes : no
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ), no, yes);
  }
  static f32 abs(f32 a) { return _mm512_abs_ps(a); }
  static f32 to_float(i32 a) { return _mm512_cvtepi32_ps(a); }
  static i32 round(f32 a) { return _mm512_cvtps_epi32(a); }  // to nearest, ties to even
  static bool any_greater(f32 a, f32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ) != 0; }
  static bool any_nan(f32 a) { return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q) != 0; }
  static float least(f32 a) { return _mm512_reduce_min_ps(a); }
  static float greatest(f32 a) { return _mm512_reduce_max_ps(a); }
  static f32 load_fp16(const std::byte* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static i32 load_u8(const std::uint8_t* p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static i32 load_u8_first(const std::uint8_t* p, int n) {
    return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(first(n), p));
  }

  // Bytes of 4 vectors in order: saturate to 16 bits, add the zero point, saturate to uint8, clamp.
  struct u8_limits {
    __m512i zero, low, high;
    u8_limits(std::int32_t z, std::int32_t l, std::int32_t h)
        : zero(_mm512_set1_epi16(static_cast<short>(z))),
          low(_mm512_set1_epi8(static_cast<char>(l))),
          high(_mm512_set1_epi8(static_cast<char>(h))) {}
  };
  using u8x4 = __m512i;
  static u8x4 pack(i32 a, i32 b, i32 c, i32 d, const u8_limits& m) {
    const __m512i x = _mm512_adds_epi16(_mm512_packs_epi32(a, b), m.zero);
    const __m512i y = _mm512_adds_epi16(_mm512_packs_epi32(c, d), m.zero);
    const __m512i bytes = _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(x, y), m.low), m.high);
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_permutexvar_epi32(order, bytes);
  }
  static void store(std::uint8_t* p, u8x4 v) { _mm512_storeu_si512(p, v); }
  static void store_half(std::uint8_t* p, u8x4 v, int half) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        half ? _mm512_extracti64x4_epi64(v, 1) : _mm512_castsi512_si256(v));
  }
  static void store_first(std::uint8_t* p, u8x4 v, int n) {
    _mm512_mask_storeu_epi8(p, n >= 64 ? ~__mmask64{0} : (__mmask64{1} << n) - 1, v);
  }
  static u8x4 flip(u8x4 v, std::uint8_t mask) { return _mm512_xor_si512(v, _mm512_set1_epi8(static_cast<char>(mask))); }

  // Runs of bytes: lanes * 4 at a time.
  using block = __m512i;
  static constexpr int block_bytes = 64;
  static block load_block(const std::byte* p) { return _mm512_loadu_si512(p); }
  static void store_block(std::byte* p, block v) { _mm512_storeu_si512(p, v); }
  static block load_block_first(const std::byte* p, std::int64_t n) {
    return _mm512_maskz_loadu_epi8((__mmask64{1} << n) - 1, p);
  }
  static block max_u8(block a, block b) { return _mm512_max_epu8(a, b); }
};

// 256-bit vectors with byte masks, which AVX2 lacks.
template <class Base>
struct masked : Base {
  static __mmask32 first_bytes(std::int64_t n) { return n >= 32 ? ~__mmask32{0} : (__mmask32{1} << n) - 1; }
  static __m256i load_block_first(const std::byte* p, std::int64_t n) {
    return _mm256_maskz_loadu_epi8(first_bytes(n), p);
  }
  using Base::store_first;
  static void store_first(std::uint8_t* p, __m256i v, int n) { _mm256_mask_storeu_epi8(p, first_bytes(n), v); }
};
