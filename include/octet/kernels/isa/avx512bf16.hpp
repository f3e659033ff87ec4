// No include guard: included once, inside the avx512bf16 target region.
#include "avx512.hpp"

struct wide : wide_base {
  static constexpr int vectors_u8 = 0, rows_f32 = 14;  // kernels for bytes are not compiled for it

  // Adds products of pairs of bfloat16.
  static void dot_bf16(f32& acc, i32 a, i32 b) {
#if defined(__GNUC__) && !defined(__clang__)
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
#else
    acc = _mm512_dpbf16_ps(acc, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
#endif
  }
  // The bits of bfloat16, each in 32 bits.
  static i32 bf16_bits(f32 v) {
    __m256i half;
    const __m256bh rounded = _mm512_cvtneps_pbh(v);
    std::memcpy(&half, &rounded, sizeof(half));
    return _mm512_cvtepu16_epi32(half);
  }
  // Stores pairs (a, b), a in the lower half of 32 bits.
  static void store_pairs_bf16(std::byte* p, f32 a, f32 b) {
    _mm512_storeu_si512(p, _mm512_or_si512(_mm512_slli_epi32(bf16_bits(b), 16), bf16_bits(a)));
  }
  static void round_bf16(std::byte* p, f32 v, int n) {
    __m256i half;
    const __m256bh rounded = _mm512_cvtneps_pbh(v);
    std::memcpy(&half, &rounded, sizeof(half));
    _mm256_mask_storeu_epi16(p, static_cast<__mmask16>(first(n)), half);
  }
};
