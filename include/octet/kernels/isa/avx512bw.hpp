// No include guard: included once, inside the avx512bw target region.
#include "avx512.hpp"

struct wide : wide_base {
  static constexpr int vectors_u8 = 2, rows_f32 = 14;
  static constexpr int rows_u8(int) { return 12; }
  static constexpr bool widens = true;
  static constexpr double rate_u8 = 1, rate_i16 = 1;

  // As in ymm_exact, twice as wide.
  struct pairs {
    __m512i even, odd;
  };
  using weights = pairs;
  using bytes = pairs;
  static weights load_weights(const std::byte* p) {
    const __m512i b = _mm512_loadu_si512(p);
    return {_mm512_srai_epi16(_mm512_slli_epi16(b, 8), 8), _mm512_srai_epi16(b, 8)};
  }
  static bytes broadcast(const std::byte* p) {
    std::int32_t x;
    std::memcpy(&x, p, 4);
    return split(_mm512_set1_epi32(x));
  }
  static void dot_i16(i32& acc, i32 a, i32 b) { acc = _mm512_add_epi32(acc, _mm512_madd_epi16(a, b)); }
  static bytes split(i32 a) { return {_mm512_and_si512(a, _mm512_set1_epi16(0xFF)), _mm512_srli_epi16(a, 8)}; }
  static void dot(i32& acc, bytes a, weights b) {
    acc = _mm512_add_epi32(acc, _mm512_add_epi32(_mm512_madd_epi16(a.even, b.even), _mm512_madd_epi16(a.odd, b.odd)));
  }

  // As in ymm_exact.
  using small_sums = __m512i;
  static constexpr int small_steps = 8;
  static small_sums small_zero() { return _mm512_setzero_si512(); }
  static __m512i broadcast_small(const std::byte* p) {
    std::int32_t x;
    std::memcpy(&x, p, 4);
    return _mm512_set1_epi32(x);
  }
  static void dot_small(small_sums& s, __m512i a, __m512i b) { s = _mm512_add_epi16(s, _mm512_maddubs_epi16(a, b)); }
  static void add_small(i32& acc, small_sums s) {
    acc = _mm512_add_epi32(acc, _mm512_madd_epi16(s, _mm512_set1_epi16(1)));
  }
};

using narrow = wide;
