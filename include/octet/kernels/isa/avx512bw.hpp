// No include guard: included once, inside the avx512bw target region.
#include "avx512.hpp"
#include "ymm.hpp"

struct wide : wide_base {
  static constexpr int rows_u8 = 12, rows_f32 = 14;  // of a register tile

  // As ymm_exact, twice as wide.
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
    const __m512i a = _mm512_set1_epi32(x);
    return {_mm512_and_si512(a, _mm512_set1_epi16(0xFF)), _mm512_srli_epi16(a, 8)};
  }
  static void dot(i32& acc, bytes a, weights b) {
    acc = _mm512_add_epi32(acc, _mm512_add_epi32(_mm512_madd_epi16(a.even, b.even), _mm512_madd_epi16(a.odd, b.odd)));
  }
};

using narrow = masked<ymm_exact>;
