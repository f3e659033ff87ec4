// No include guard: included once, inside the avx2 target region.
#include "ymm.hpp"

struct wide : ymm_exact {
  static constexpr int vectors_u8 = 2, rows_f32 = 6, rows_i16 = 6;
  static constexpr int rows_u8(int) { return 4; }
  static constexpr bool widens = true;
  static constexpr double rate_u8 = 1, rate_i16 = 1;
};

using narrow = wide;

#include "codes16_ymm.hpp"
