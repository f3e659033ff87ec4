// No include guard: included once, inside the avxvnni target region. AVX2 with dot products of bytes, for client CPUs
// without AVX-512.
#include "ymm.hpp"

struct wide : ymm_base {
  static constexpr int vectors_u8 = 2, rows_f32 = 6, rows_i16 = 6;
  static constexpr int rows_u8(int vectors) { return vectors == 2 ? 6 : 12; }
  static constexpr double rate_u8 = 4, rate_i16 = 2;

  using weights = __m256i;
  using bytes = __m256i;
  static weights load_weights(const std::byte* p) { return _mm256_loadu_si256(vec(p)); }
  static bytes broadcast(const std::byte* p) {
    std::int32_t x;
    std::memcpy(&x, p, 4);
    return _mm256_set1_epi32(x);
  }
  static bytes split(i32 a) { return a; }
#if defined(__GNUC__)
  // Not the intrinsics: g++ before 11 has none, and later versions spill accumulators around them. {vex} selects the
  // encoding that these CPUs have; by default the assembler chooses that of AVX-512.
  static void dot(i32& acc, bytes a, weights b) { __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc) : "x"(a), "x"(b)); }
  static void dot_i16(i32& acc, i32 a, i32 b) { __asm__("%{vex%} vpdpwssd %2, %1, %0" : "+x"(acc) : "x"(a), "x"(b)); }
#else
  static void dot(i32& acc, bytes a, weights b) { acc = _mm256_dpbusd_avx_epi32(acc, a, b); }
  static void dot_i16(i32& acc, i32 a, i32 b) { acc = _mm256_dpwssd_avx_epi32(acc, a, b); }
#endif
};

using narrow = wide;

#include "codes16_ymm.hpp"
