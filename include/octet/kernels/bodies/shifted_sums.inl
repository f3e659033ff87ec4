// No include guard: part of every instruction set's kernels.
// Sums of arrays at several places, cell by cell (see ShiftedSums).

// Cells [cell, cell + Cells) side by side, since each addition waits for the one before it.
template <int Cells>
void shifted_sums_of(const ShiftedSums& a, std::int64_t cell) noexcept {
  const wide::f32 low = wide::set(a.low), high = wide::set(a.high);
  const std::int64_t step = a.step;
  for (std::int64_t j = 0; j < a.width; j += wide::lanes) {
    wide::f32 sums[Cells];
    OCTET_UNROLL
    for (int c = 0; c < Cells; ++c) sums[c] = wide::load(a.init + j);
    for (std::int64_t t = 0; t < a.whole; ++t) {
      const float* p = a.terms[t] + cell * step + j;
      OCTET_UNROLL
      for (int c = 0; c < Cells; ++c) sums[c] = wide::add(sums[c], wide::load(p + c * step));
    }
    const int n = static_cast<int>(a.part_width - j < wide::lanes ? a.part_width - j : wide::lanes);
    if (n > 0)
      for (std::int64_t t = a.whole; t < a.whole + a.parts; ++t) {
        const float* p = a.terms[t] + cell * step + j;
        OCTET_UNROLL
        for (int c = 0; c < Cells; ++c) sums[c] = wide::add(sums[c], wide::load_first(p + c * step, n));
      }
    // What a vector writes beyond its cell is written again by the next one.
    OCTET_UNROLL
    for (int c = 0; c < Cells; ++c) wide::store(a.out + (cell + c) * a.width + j, wide::clamp(sums[c], low, high));
  }
}

inline void shifted_sums_f32(const ShiftedSums& a) noexcept {
  // (Several vectors of a cell would be written over by the cell before it.)
  const std::int64_t together = a.width <= wide::lanes ? 4 : 1;
  std::int64_t cell = 0;
  for (; together == 4 && cell + 4 <= a.cells; cell += 4) shifted_sums_of<4>(a, cell);
  for (; cell < a.cells; ++cell) shifted_sums_of<1>(a, cell);
}
