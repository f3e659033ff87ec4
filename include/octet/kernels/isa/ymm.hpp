// No include guard: included inside every x86 target region. 256-bit vectors: the operations of AVX2, which depthwise
// convolution also uses with AVX-512, where 256-bit shuffles run on twice as many ports.
struct ymm_base {
  static constexpr int lanes = 8, registers = 16;
  static constexpr bool fast_fma = true, winograd = true, shifted = false, quads = false, quads_f32 = false,
                        widens = false;
  static constexpr int small_steps = 0;
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

  // (A function that only prefetches has no effect that compilers see: unless it is inlined first, calls may vanish.)
  static OCTET_INLINE void prefetch(const std::byte* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1); }
  static void prefetch_near(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0); }
  static f32 set(float x) { return _mm256_set1_ps(x); }
  static i32 set(std::int32_t x) { return _mm256_set1_epi32(x); }
  static f32 add(f32 a, f32 b) { return _mm256_add_ps(a, b); }
  static i32 add(i32 a, i32 b) { return _mm256_add_epi32(a, b); }
  static i32 sub(i32 a, i32 b) { return _mm256_sub_epi32(a, b); }
  static f32 sub(f32 a, f32 b) { return _mm256_sub_ps(a, b); }
  static f32 mul(f32 a, f32 b) { return _mm256_mul_ps(a, b); }
  static f32 div(f32 a, f32 b) { return _mm256_div_ps(a, b); }
  // Not contracted with a sum that follows, see rounded().
  static f32 rounded_mul(f32 a, f32 b) {
    f32 product = _mm256_mul_ps(a, b);
    __asm__("" : "+x"(product));
    return product;
  }
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
  static unsigned greater_bits(f32 a, f32 b) {
    return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ)));
  }
  static f32 keep_bits(unsigned bits, f32 a) {
    const __m256i one = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i all = _mm256_and_si256(_mm256_set1_epi32(static_cast<int>(bits)), one);
    return _mm256_and_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(all, one)), a);
  }
  static f32 abs(f32 a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
  static f32 to_float(i32 a) { return _mm256_cvtepi32_ps(a); }
  static i32 round(f32 a) { return _mm256_cvtps_epi32(a); }
  static f32 float_of_bits(i32 a) { return _mm256_castsi256_ps(a); }
  static f32 permute(f32 a, i32 place) { return _mm256_permutevar8x32_ps(a, place); }
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
  static void store_fp16(std::byte* p, f32 v) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }
  static f32 load_bf16(const std::byte* p) {
    const __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16));
  }
  static void store_bf16(std::byte* p, f32 v) {
    const __m256i bits = _mm256_castps_si256(v), odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), set(1));
    const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, set(0x7fff)));
    const __m256i quiet = _mm256_or_si256(bits, set(0x400000));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    const __m256i half = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm_packus_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1)));
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
  static u8x4 pack_zero() { return _mm256_setzero_si256(); }
  // In each half of the result: 4 bytes of a, of b, of c, of d.
  template <Limit L>
  static u8x4 pack(i32 a, i32 b, i32 c, i32 d, const u8_limits& m) {
    __m256i x = _mm256_packs_epi32(a, b), y = _mm256_packs_epi32(c, d);
    if (L == Limit::none) return _mm256_packus_epi16(x, y);
    x = _mm256_adds_epi16(x, m.zero);
    y = _mm256_adds_epi16(y, m.zero);
    return _mm256_min_epu8(_mm256_max_epu8(_mm256_packus_epi16(x, y), m.low), m.high);
  }
  // Vector i of those that were packed.
  static i32 unpack(u8x4 v, int i) {
    const __m128i first =
        _mm_setr_epi8(0, -128, -128, -128, 1, -128, -128, -128, 2, -128, -128, -128, 3, -128, -128, -128);
    const __m128i order = _mm_add_epi8(first, _mm_set1_epi32(4 * i));
    return _mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(order));
  }
  // Reorders the bytes from pack's order to rows of N vectors each, and back.
  template <int N>
  static u8x4 to_rows(u8x4 v) {
    if (N == 4) return v;
    if (N == 2) return _mm256_permute4x64_epi64(v, 0xD8);
    return _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }
  template <int N>
  static u8x4 from_rows(u8x4 v) {
    if (N != 1) return to_rows<N>(v);
    return _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
  }
  // Stores the first n bytes of row i of rows of N vectors.
  template <int N>
  static void store_row(std::uint8_t* p, u8x4 v, int i, int n) {
    if (N == 4) return n < 32 ? store_first(p, v, n) : _mm256_storeu_si256(vec(p), v);
    const __m128i half = (N == 2 ? i : i / 2) ? _mm256_extracti128_si256(v, 1) : _mm256_castsi256_si128(v);
    if (n < N * 8) return store_some(p, N == 1 && i % 2 ? _mm_srli_si128(half, 8) : half, n);
    if (N == 2) return _mm_storeu_si128(reinterpret_cast<__m128i*>(p), half);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), i % 2 ? _mm_srli_si128(half, 8) : half);
  }
  // Inserts row i; for i = 0, 1, ... in this order. n: number of bytes that may be read.
  template <int N>
  static u8x4 load_row(u8x4 v, const std::uint8_t* p, int i, int n) {
    if (n >= N * 8) {  // whole rows
      if (N == 4) return _mm256_loadu_si256(vec(p));
      if (N == 2) {
        const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        return i ? _mm256_inserti128_si256(v, half, 1) : _mm256_zextsi128_si256(half);
      }
      const __m256i place = _mm256_cmpeq_epi64(_mm256_setr_epi64x(0, 1, 2, 3), _mm256_set1_epi64x(i));
      const __m128i quarter = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
      return _mm256_blendv_epi8(v, _mm256_broadcastq_epi64(quarter), place);
    }
    alignas(32) std::uint8_t all[32];
    _mm256_store_si256(vec(all), v);
    std::memcpy(all + i * N * 8, p, static_cast<std::size_t>(n < N * 8 ? n : N * 8));
    return _mm256_load_si256(vec(all));
  }
  static void store(std::uint8_t* p, u8x4 v) { _mm256_storeu_si256(vec(p), v); }
  static void store_first(std::uint8_t* p, u8x4 v, int n) {
    const __m128i low = _mm256_castsi256_si128(v);
    if (n < 16) return store_some(p, low, n);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), low);
    if (n > 16) store_some(p + 16, _mm256_extracti128_si256(v, 1), n - 16);
  }
  // The first n bytes of v, up to 16. Whole 8, 4 or 2 bytes that overlap.
  static OCTET_NOINLINE void store_some(std::uint8_t* p, __m128i v, int n) {
    auto x = static_cast<std::uint64_t>(_mm_cvtsi128_si64(v));
    const auto bytes = [](int from) { return 8 * from; };
    if (n >= 8) {
      std::memcpy(p, &x, 8);
      const auto y = static_cast<std::uint64_t>(_mm_extract_epi64(v, 1));
      if (n > 8) x = n == 16 ? y : x >> bytes(n - 8) | y << bytes(16 - n);
      std::memcpy(p + n - 8, &x, 8);
    } else if (n >= 4) {
      std::memcpy(p, &x, 4);
      x >>= bytes(n - 4);
      std::memcpy(p + n - 4, &x, 4);
    } else if (n > 0) {
      p[0] = static_cast<std::uint8_t>(x);
      p[n / 2] = static_cast<std::uint8_t>(x >> bytes(n / 2));
      p[n - 1] = static_cast<std::uint8_t>(x >> bytes(n - 1));
    }
  }
  // n bytes, up to 16, and zeros.
  static OCTET_NOINLINE __m128i load_some(const std::byte* p, int n) {
    const auto bytes = [](int from) { return 8 * from; };
    std::uint64_t x = 0, y = 0;
    if (n >= 8) {
      std::memcpy(&x, p, 8);
      std::memcpy(&y, p + n - 8, 8);
      y = n == 8 ? 0 : y >> bytes(16 - n);
    } else if (n >= 4) {
      std::uint32_t low, high;
      std::memcpy(&low, p, 4);
      std::memcpy(&high, p + n - 4, 4);
      x = low | std::uint64_t{high} << bytes(n - 4);
    } else if (n > 0) {
      const auto byte = [&](int i) { return std::to_integer<std::uint64_t>(p[i]) << bytes(i); };
      x = byte(0) | byte(n / 2) | byte(n - 1);
    }
    return _mm_set_epi64x(static_cast<long long>(y), static_cast<long long>(x));
  }
  static u8x4 flip(u8x4 v, std::uint8_t mask) { return _mm256_xor_si256(v, _mm256_set1_epi8(static_cast<char>(mask))); }

  // 16-bit integers, two per lane.
  using i16 = __m256i;
  static i16 load_u8_as_i16(const std::byte* p, int n) {
    if (n >= 16) return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    alignas(16) std::byte all[16] = {};
    std::memcpy(all, p, static_cast<std::size_t>(n));
    return _mm256_cvtepu8_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(all)));
  }
  static i16 load_s8_as_i16(const std::byte* p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static void store_i16(std::byte* p, i16 v) { _mm256_storeu_si256(vec(p), v); }
  static i16 add_i16(i16 a, i16 b) { return _mm256_add_epi16(a, b); }
  static i16 sub_i16(i16 a, i16 b) { return _mm256_sub_epi16(a, b); }
  static i16 mul_i16(i16 a, int b) { return _mm256_mullo_epi16(a, set_i16(b)); }
  static i16 set_i16(int x) { return _mm256_set1_epi16(static_cast<short>(x)); }
  static void products(i16 a, i16 b, i32& low, i32& high) {
    const __m256i lower = _mm256_mullo_epi16(a, b), upper = _mm256_mulhi_epi16(a, b);
    low = _mm256_unpacklo_epi16(lower, upper);
    high = _mm256_unpackhi_epi16(lower, upper);
  }
  template <int Bits>
  static i16 shift_left_i16(i16 a) {
    return _mm256_slli_epi16(a, Bits);
  }
  static i32 mul(i32 a, i32 b) { return _mm256_mullo_epi32(a, b); }
  static i32 max(i32 a, i32 b) { return _mm256_max_epi32(a, b); }
  template <int Bits>
  static i32 shift_left(i32 a) {
    return _mm256_slli_epi32(a, Bits);
  }
  // acc += products of pairs of 16-bit integers. The products of a pair must not both be (-2^15)^2.
  static void dot_i16(i32& acc, i32 a, i32 b) { acc = _mm256_add_epi32(acc, _mm256_madd_epi16(a, b)); }

  // Weights of 4 bits, which are stored plus 8, in the low or the high half of each byte.
  template <bool High>
  static __m256i load_small(const std::byte* p) {
    const __m256i b = _mm256_loadu_si256(vec(p));
    const __m256i codes = _mm256_and_si256(High ? _mm256_srli_epi16(b, 4) : b, _mm256_set1_epi8(15));
    return _mm256_sub_epi8(codes, _mm256_set1_epi8(8));
  }

  using block = __m256i;
  static constexpr int block_bytes = 32;
  static block load_block(const std::byte* p) { return _mm256_loadu_si256(vec(p)); }
  static void store_block(std::byte* p, block v) { _mm256_storeu_si256(vec(p), v); }
  static block load_block_first(const std::byte* p, std::int64_t n) {
    if (n < 16) return _mm256_zextsi128_si256(load_some(p, static_cast<int>(n)));
    const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    if (n == 16) return _mm256_zextsi128_si256(low);
    return _mm256_set_m128i(load_some(p + 16, static_cast<int>(n - 16)), low);
  }
  static block max_u8(block a, block b) { return _mm256_max_epu8(a, b); }
  // Interleaves bytes of a and b, or pairs of bytes: of the lower and of the upper part of each half.
  static block low_bytes(block a, block b) { return _mm256_unpacklo_epi8(a, b); }
  static block high_bytes(block a, block b) { return _mm256_unpackhi_epi8(a, b); }
  static block low_pairs(block a, block b) { return _mm256_unpacklo_epi16(a, b); }
  static block high_pairs(block a, block b) { return _mm256_unpackhi_epi16(a, b); }
  // The I-th four bytes of each 16, four times.
  template <int I>
  static i32 repeat_four(block a) {
    return _mm256_shuffle_epi32(a, I * 0x55);
  }
  static void in_order(i32 low, i32 high, i32& first, i32& second) {
    first = _mm256_permute2x128_si256(low, high, 0x20);
    second = _mm256_permute2x128_si256(low, high, 0x31);
  }
  // P elements of 32 bits, repeated.
  template <int P>
  static i32 repeat(const std::byte* p) {
    if (P == 2) {
      long long x;
      std::memcpy(&x, p, 8);
      return _mm256_set1_epi64x(x);
    }
    if (P == 4) return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    return _mm256_loadu_si256(vec(p));
  }
  // The sums of neighbouring elements of a, then of b.
  static i32 pair_sums(i32 a, i32 b) { return _mm256_permute4x64_epi64(_mm256_hadd_epi32(a, b), 0xD8); }
  static f32 pair_sums(f32 a, f32 b) {
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(_mm256_hadd_ps(a, b)), 0xD8));
  }
  static i32 as_i32(block b) { return b; }
  static i16 as_i16(block b) { return b; }
  static block as_block(i16 a) { return a; }
};

// uint8 x int8 by multiply-add of even and odd bytes: exact, whereas vpmaddubsw saturates.
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

  // With weights of 4 bits vpmaddubsw is exact: the sums of 8 steps are at most 8 * 2 * 255 * 8 < 2^15.
  using small_sums = __m256i;
  static constexpr int small_steps = 8;
  static small_sums small_zero() { return _mm256_setzero_si256(); }
  static __m256i broadcast_small(const std::byte* p) {
    std::int32_t x;
    std::memcpy(&x, p, 4);
    return _mm256_set1_epi32(x);
  }
  static void dot_small(small_sums& s, __m256i a, __m256i b) { s = _mm256_add_epi16(s, _mm256_maddubs_epi16(a, b)); }
  static void add_small(i32& acc, small_sums s) {
    acc = _mm256_add_epi32(acc, _mm256_madd_epi16(s, _mm256_set1_epi16(1)));
  }
};
