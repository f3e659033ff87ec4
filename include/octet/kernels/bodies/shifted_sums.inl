// No include guard: part of every instruction set's kernels.
// Sums of arrays at several places, cell by cell (see ShiftedSums).

struct FloatSums {
  using number = float;
  using vector = wide::f32;
  static vector load_first(const float* p, int n) { return wide::load_first(p, n); }
  static vector limited(vector v, vector low, vector high) { return wide::clamp(v, low, high); }
};
struct IntegerSums {
  using number = std::int32_t;
  using vector = wide::i32;
  static vector load_first(const std::int32_t* p, int n) {
    if (n == wide::lanes) return wide::load(p);
    std::int32_t all[wide::lanes] = {};
    std::memcpy(all, p, static_cast<std::size_t>(n) * sizeof(std::int32_t));
    return wide::load(all);
  }
  static vector limited(vector v, vector, vector) { return v; }
};

// Cells [cell, cell + Cells) side by side, since each addition waits for the one before it.
template <class T, int Cells>
void shifted_sums_of(const ShiftedSums<typename T::number>& a, std::int64_t cell) noexcept {
  const typename T::vector low = wide::set(a.low), high = wide::set(a.high);
  const std::int64_t step = a.step;
  for (std::int64_t j = 0; j < a.width; j += wide::lanes) {
    typename T::vector sums[Cells];
    OCTET_UNROLL
    for (int c = 0; c < Cells; ++c) sums[c] = wide::load(a.init + j);
    for (std::int64_t t = 0; t < a.whole; ++t) {
      const auto* p = a.terms[t] + cell * step + j;
      OCTET_UNROLL
      for (int c = 0; c < Cells; ++c) sums[c] = wide::add(sums[c], wide::load(p + c * step));
    }
    const int n = static_cast<int>(a.part_width - j < wide::lanes ? a.part_width - j : wide::lanes);
    if (n > 0)
      for (std::int64_t t = a.whole; t < a.whole + a.parts; ++t) {
        const auto* p = a.terms[t] + cell * step + j;
        OCTET_UNROLL
        for (int c = 0; c < Cells; ++c) sums[c] = wide::add(sums[c], T::load_first(p + c * step, n));
      }
    // What a vector writes beyond its cell is written again by the next one.
    OCTET_UNROLL
    for (int c = 0; c < Cells; ++c) wide::store(a.out + (cell + c) * a.width + j, T::limited(sums[c], low, high));
  }
}

template <class T>
void shifted_sums(const ShiftedSums<typename T::number>& a) noexcept {
  // (Several vectors of a cell would be written over by the cell before it.)
  const std::int64_t together = a.width <= wide::lanes ? 4 : 1;
  std::int64_t cell = 0;
  for (; together == 4 && cell + 4 <= a.cells; cell += 4) shifted_sums_of<T, 4>(a, cell);
  for (; cell < a.cells; ++cell) shifted_sums_of<T, 1>(a, cell);
}
