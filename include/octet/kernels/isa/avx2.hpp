// No include guard: included once, inside the avx2 target region.
#include "ymm.hpp"

struct wide : ymm_exact {
  static constexpr int rows_u8 = 4, rows_f32 = 6;  // of a register tile
};

using narrow = wide;
