// No include guard: included once, inside the avx512vnni target region.
#include "avx512.hpp"
#include "ymm.hpp"

struct wide : wide_base {
  static constexpr int vectors_u8 = 4, rows_f32 = 14;
  static constexpr int rows_u8(int vectors) { return vectors == 4 ? 6 : 12; }
  static constexpr double rate_u8 = 4, rate_i16 = 2;

  using weights = __m512i;
  using bytes = __m512i;
  static weights load_weights(const std::byte* p) { return _mm512_loadu_si512(p); }
  static bytes broadcast(const std::byte* p) {
    std::int32_t x;
    std::memcpy(&x, p, 4);
    return _mm512_set1_epi32(x);
  }
  static bytes split(i32 a) { return a; }
  static void dot_i16(i32& acc, i32 a, i32 b) {
#if defined(__GNUC__) && !defined(__clang__)
    __asm__("vpdpwssd %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
#else
    acc = _mm512_dpwssd_epi32(acc, a, b);
#endif
  }
  static void dot(i32& acc, bytes a, weights b) {
#if defined(__GNUC__) && !defined(__clang__)
    // g++ 12 spills accumulators around the intrinsic, which it treats as a copy and an addition.
    __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
#else
    acc = _mm512_dpbusd_epi32(acc, a, b);
#endif
  }
};

struct narrow : masked<ymm_base> {
  using weights = __m256i;
  using bytes = __m256i;
  static weights load_weights(const std::byte* p) { return _mm256_loadu_si256(vec(p)); }
  static bytes split(i32 a) { return a; }
  static void dot(i32& acc, bytes a, weights b) {
#if defined(__GNUC__) && !defined(__clang__)
    __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
#else
    acc = _mm256_dpbusd_epi32(acc, a, b);
#endif
  }
};
