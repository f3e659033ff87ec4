// No include guard: part of the operations of avx512bw and avx512vnni, included inside their target regions.
// 512-bit vectors: all operations except the integer dot products, in which the two differ.
struct wide_base {
  static constexpr int lanes = 16, registers = 32, rows_i16 = 14;  // lanes of 32 bits; registers are vectors
  static constexpr bool fast_fma = true, winograd = true, shifted = false, quads = false, quads_f32 = false,
                        widens = false;
  static constexpr int small_steps = 0;
  using f32 = __m512;
  using i32 = __m512i;

  static __mmask16 first(int n) { return static_cast<__mmask16>((1u << n) - 1); }
  static __mmask64 first_bytes(std::int64_t n) { return n >= 64 ? ~__mmask64{0} : (__mmask64{1} << n) - 1; }

  static f32 load(const float* p) { return _mm512_loadu_ps(p); }
  static i32 load(const std::int32_t* p) { return _mm512_loadu_si512(p); }
  static f32 load_first(const float* p, int n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static void store(float* p, f32 v) { _mm512_storeu_ps(p, v); }
  static void store(std::int32_t* p, i32 v) { _mm512_storeu_si512(p, v); }
  static void store_first(float* p, f32 v, int n) { _mm512_mask_storeu_ps(p, first(n), v); }
  static void store_first(std::int32_t* p, i32 v, int n) { _mm512_mask_storeu_epi32(p, first(n), v); }

  // (A function that only prefetches has no effect that compilers see: unless it is inlined first, calls may vanish.)
  static OCTET_INLINE void prefetch(const std::byte* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1); }
  static void prefetch_near(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0); }
  static f32 set(float x) { return _mm512_set1_ps(x); }
  static i32 set(std::int32_t x) { return _mm512_set1_epi32(x); }
  static f32 add(f32 a, f32 b) { return _mm512_add_ps(a, b); }
  static i32 add(i32 a, i32 b) { return _mm512_add_epi32(a, b); }
  static i32 sub(i32 a, i32 b) { return _mm512_sub_epi32(a, b); }
  static f32 sub(f32 a, f32 b) { return _mm512_sub_ps(a, b); }
  static f32 mul(f32 a, f32 b) { return _mm512_mul_ps(a, b); }
  static f32 div(f32 a, f32 b) { return _mm512_div_ps(a, b); }
  // Not contracted with a sum that follows, see rounded().
  static f32 rounded_mul(f32 a, f32 b) {
    f32 product = _mm512_mul_ps(a, b);
    __asm__("" : "+v"(product));
    return product;
  }
  static f32 fma(f32 a, f32 b, f32 c) { return _mm512_fmadd_ps(a, b, c); }
  // A NaN in `a` is kept: max and min return the second operand then.
  static f32 clamp(f32 a, f32 low, f32 high) { return _mm512_min_ps(high, _mm512_max_ps(low, a)); }
  static f32 min(f32 a, f32 b) { return _mm512_min_ps(a, b); }
  static f32 max(f32 a, f32 b) { return _mm512_max_ps(a, b); }
  static f32 max_or_nan(f32 a, f32 b) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), _mm512_max_ps(a, b), a);
  }
  static f32 select_greater(f32 a, f32 b, f32 yes, f32 no) {  // a > b ? yes : no
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ), no, yes);
  }
  // Bit i: whether lane i of a is greater. keep_bits sets lanes whose bit is 0 to 0.
  static unsigned greater_bits(f32 a, f32 b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
  static f32 keep_bits(unsigned bits, f32 a) { return _mm512_maskz_mov_ps(static_cast<__mmask16>(bits), a); }
  static f32 abs(f32 a) { return _mm512_abs_ps(a); }
  static f32 to_float(i32 a) { return _mm512_cvtepi32_ps(a); }
  static i32 round(f32 a) { return _mm512_cvtps_epi32(a); }  // to nearest, ties to even
  static f32 float_of_bits(i32 a) { return _mm512_castsi512_ps(a); }
  // Lane i becomes lane place[i] (modulo lanes) of a.
  static f32 permute(f32 a, i32 place) { return _mm512_permutexvar_ps(place, a); }
  static bool any_nan(f32 a) { return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q) != 0; }
  static float least(f32 a) { return _mm512_reduce_min_ps(a); }
  static float greatest(f32 a) { return _mm512_reduce_max_ps(a); }
  static f32 load_fp16(const std::byte* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static void store_fp16(std::byte* p, f32 v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }
  static f32 load_bf16(const std::byte* p) {
    const __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
  }
  static void store_bf16(std::byte* p, f32 v) {
    const __m512i bits = _mm512_castps_si512(v), odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), set(1));
    const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, set(0x7fff)));
    const __m512i quiet = _mm512_or_si512(bits, set(0x400000));
    const __m512i half = _mm512_mask_blend_epi32(_mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), rounded, quiet);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(_mm512_srli_epi32(half, 16)));
  }
  static i32 load_u8(const std::uint8_t* p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static i32 load_u8_first(const std::uint8_t* p, int n) {
    return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(first(n), p));
  }

  // Converts sums to bytes: saturates to 16 bits, adds the zero point, saturates to uint8, clamps.
  struct u8_limits {
    __m512i zero, low, high;
    u8_limits(std::int32_t z, std::int32_t l, std::int32_t h)
        : zero(_mm512_set1_epi16(static_cast<short>(z))),
          low(_mm512_set1_epi8(static_cast<char>(l))),
          high(_mm512_set1_epi8(static_cast<char>(h))) {}
  };
  using u8x4 = __m512i;
  static u8x4 pack_zero() { return _mm512_setzero_si512(); }
  // In each quarter of the result: 4 bytes of a, of b, of c, of d.
  template <Limit L>
  static u8x4 pack(i32 a, i32 b, i32 c, i32 d, const u8_limits& m) {
    __m512i x = _mm512_packs_epi32(a, b), y = _mm512_packs_epi32(c, d);
    if (L == Limit::none) return _mm512_packus_epi16(x, y);
    x = _mm512_adds_epi16(x, m.zero);
    y = _mm512_adds_epi16(y, m.zero);
    return _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(x, y), m.low), m.high);
  }
  // Vector i of those that were packed.
  static i32 unpack(u8x4 v, int i) {
    const __m128i first =
        _mm_setr_epi8(0, -128, -128, -128, 1, -128, -128, -128, 2, -128, -128, -128, 3, -128, -128, -128);
    const __m128i order = _mm_add_epi8(first, _mm_set1_epi32(4 * i));
    return _mm512_shuffle_epi8(v, _mm512_broadcast_i32x4(order));
  }
  // Reorders the bytes from pack's order to rows of N vectors each, and back.
  template <int N>
  static u8x4 to_rows(u8x4 v) {
    if (N == 4) return v;
    if (N == 2) return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), v);
    return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), v);
  }
  template <int N>
  static u8x4 from_rows(u8x4 v) {
    if (N == 2) return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7), v);
    return to_rows<N>(v);
  }
  // Stores the first n bytes of row i of rows of N vectors. (Masked stores cost no more than others.)
  template <int N>
  static void store_row(std::uint8_t* p, u8x4 v, int i, int n) {
    if (N == 4)
      _mm512_mask_storeu_epi8(p, first_bytes(n), v);
    else if (N == 2)
      _mm256_mask_storeu_epi8(p, static_cast<__mmask32>(first_bytes(n)),
                              i ? _mm512_extracti64x4_epi64(v, 1) : _mm512_castsi512_si256(v));
    else
      _mm_mask_storeu_epi8(p, static_cast<__mmask16>(first_bytes(n)), quarter(v, i));
  }
  // Inserts row i; for i = 0, 1, ... in this order. n: number of bytes that may be read.
  template <int N>
  static u8x4 load_row(u8x4 v, const std::uint8_t* p, int i, int n) {
    if (N == 4) return _mm512_maskz_loadu_epi8(first_bytes(n), p);
    if (N == 2) {
      const __m256i half = _mm256_maskz_loadu_epi8(static_cast<__mmask32>(first_bytes(n)), p);
      return i ? _mm512_inserti64x4(v, half, 1) : _mm512_zextsi256_si512(half);
    }
    const __m128i row = _mm_maskz_loadu_epi8(static_cast<__mmask16>(first_bytes(n)), p);
    return _mm512_mask_broadcast_i32x4(v, static_cast<__mmask16>(0xF << 4 * i), row);
  }
  static void store(std::uint8_t* p, u8x4 v) { _mm512_storeu_si512(p, v); }
  static void store_first(std::uint8_t* p, u8x4 v, int n) { _mm512_mask_storeu_epi8(p, first_bytes(n), v); }
  static u8x4 flip(u8x4 v, std::uint8_t mask) { return _mm512_xor_si512(v, _mm512_set1_epi8(static_cast<char>(mask))); }

  // 16-bit integers, two per lane.
  using i16 = __m512i;
  static i16 load_u8_as_i16(const std::byte* p, int n) {
    return _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(static_cast<__mmask32>(first_bytes(n)), p));
  }
  static i16 load_s8_as_i16(const std::byte* p) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static void store_i16(std::byte* p, i16 v) { _mm512_storeu_si512(p, v); }
  static i16 add_i16(i16 a, i16 b) { return _mm512_add_epi16(a, b); }
  static i16 sub_i16(i16 a, i16 b) { return _mm512_sub_epi16(a, b); }
  static i16 mul_i16(i16 a, int b) { return _mm512_mullo_epi16(a, set_i16(b)); }
  static i16 set_i16(int x) { return _mm512_set1_epi16(static_cast<short>(x)); }
  // Products of all 32 bits, of the elements that low_pairs and high_pairs take.
  static void products(i16 a, i16 b, i32& low, i32& high) {
    const __m512i lower = _mm512_mullo_epi16(a, b), upper = _mm512_mulhi_epi16(a, b);
    low = _mm512_unpacklo_epi16(lower, upper);
    high = _mm512_unpackhi_epi16(lower, upper);
  }
  template <int Bits>
  static i16 shift_left_i16(i16 a) {
    return _mm512_slli_epi16(a, Bits);
  }
  static i32 mul(i32 a, i32 b) { return _mm512_mullo_epi32(a, b); }
  static i32 max(i32 a, i32 b) { return _mm512_max_epi32(a, b); }
  template <int Bits>
  static i32 shift_left(i32 a) {
    return _mm512_slli_epi32(a, Bits);
  }

  // Weights of 4 bits, which are stored plus 8, in the low or the high half of each byte.
  template <bool High>
  static __m512i load_small(const std::byte* p) {
    const __m512i b = _mm512_loadu_si512(p);
    const __m512i codes = _mm512_and_si512(High ? _mm512_srli_epi16(b, 4) : b, _mm512_set1_epi8(15));
    return _mm512_sub_epi8(codes, _mm512_set1_epi8(8));
  }

  // Blocks of bytes: 4 * lanes bytes at a time.
  using block = __m512i;
  static constexpr int block_bytes = 64;
  static block load_block(const std::byte* p) { return _mm512_loadu_si512(p); }
  static void store_block(std::byte* p, block v) { _mm512_storeu_si512(p, v); }
  static block load_block_first(const std::byte* p, std::int64_t n) {
    return _mm512_maskz_loadu_epi8(first_bytes(n), p);
  }
  static block max_u8(block a, block b) { return _mm512_max_epu8(a, b); }
  // Interleaves bytes of a and b, or pairs of bytes: of the lower and of the upper half of each quarter.
  static block low_bytes(block a, block b) { return _mm512_unpacklo_epi8(a, b); }
  static block high_bytes(block a, block b) { return _mm512_unpackhi_epi8(a, b); }
  static block low_pairs(block a, block b) { return _mm512_unpacklo_epi16(a, b); }
  static block high_pairs(block a, block b) { return _mm512_unpackhi_epi16(a, b); }
  template <int I>
  static i32 repeat_four(block a) {
    return _mm512_shuffle_epi32(a, static_cast<_MM_PERM_ENUM>(I * 0x55));
  }
  // The lanes of `low` and `high` in the order of what low_pairs and high_pairs took.
  static void in_order(i32 low, i32 high, i32& first, i32& second) {
    first = _mm512_permutex2var_epi64(low, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), high);
    second = _mm512_permutex2var_epi64(low, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), high);
  }
  // P elements of 32 bits, repeated.
  template <int P>
  static i32 repeat(const std::byte* p) {
    if (P == 2) {
      long long x;
      std::memcpy(&x, p, 8);
      return _mm512_set1_epi64(x);
    }
    if (P == 4) return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    if (P == 8) return _mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    return _mm512_loadu_si512(p);
  }
  // The sums of neighbouring elements of a, then of b.
  static i32 pair_sums(i32 a, i32 b) { return _mm512_add_epi32(every_second<0>(a, b), every_second<1>(a, b)); }
  static f32 pair_sums(f32 a, f32 b) {
    const __m512i x = _mm512_castps_si512(a), y = _mm512_castps_si512(b);
    return _mm512_add_ps(_mm512_castsi512_ps(every_second<0>(x, y)), _mm512_castsi512_ps(every_second<1>(x, y)));
  }
  static i32 as_i32(block b) { return b; }
  static i16 as_i16(block b) { return b; }
  static block as_block(i16 a) { return a; }

 private:
  template <int First>
  static __m512i every_second(__m512i a, __m512i b) {
    const __m512i order = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    return _mm512_permutex2var_epi32(a, _mm512_add_epi32(order, _mm512_set1_epi32(First)), b);
  }
  static __m128i quarter(__m512i v, int i) {
    switch (i) {
      case 0: return _mm512_castsi512_si128(v);
      case 1: return _mm512_extracti32x4_epi32(v, 1);
      case 2: return _mm512_extracti32x4_epi32(v, 2);
      default: return _mm512_extracti32x4_epi32(v, 3);
    }
  }
};

// 256-bit vectors with byte masks, which AVX2 does not have.
template <class Base>
struct masked : Base {
  static constexpr int registers = 32;
  static __mmask32 first_bytes(std::int64_t n) { return n >= 32 ? ~__mmask32{0} : (__mmask32{1} << n) - 1; }
  static __m256i load_block_first(const std::byte* p, std::int64_t n) {
    return _mm256_maskz_loadu_epi8(first_bytes(n), p);
  }
  template <int N>
  static void store_row(std::uint8_t* p, __m256i v, int i, int n) {
    if (N == 4)
      _mm256_mask_storeu_epi8(p, first_bytes(n), v);
    else
      Base::template store_row<N>(p, v, i, n);
  }
  template <int N>
  static __m256i load_row(__m256i v, const std::uint8_t* p, int i, int n) {
    return N == 4 ? _mm256_maskz_loadu_epi8(first_bytes(n), p) : Base::template load_row<N>(v, p, i, n);
  }
  using Base::store_first;
  static void store_first(std::uint8_t* p, __m256i v, int n) { _mm256_mask_storeu_epi8(p, first_bytes(n), v); }
};

#include "codes16_avx512.hpp"
