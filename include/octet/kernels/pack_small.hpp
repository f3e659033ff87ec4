#pragma once
#include "../core/weight_blocks.hpp"
#include "pack.hpp"

/// Packs weights of 4 bits, and expands them again.
OCTET_BEGIN
namespace detail {

/// A matrix with the sizes of another and `bits` for each element: 8, or 4 for two steps in one, with multipliers of
/// blocks. The corrections of sums are copied. panel(first, to, width): writes the panel with column `first` without
/// them.
template <class WritePanel>
PackedMatrix repacked(const Kernels& kernels, const PackedMatrix& given, std::int64_t bits, std::int64_t block_steps,
                      WritePanel panel) {
  PackedMatrix m;
  m.columns = given.columns;
  m.k = given.k;
  m.steps = given.steps;
  const std::int64_t lacking = kernels.shifted_u8 ? 4 : 0;
  m.block_steps = block_steps;
  m.column_bytes = (bits == 8 ? m.steps : (m.steps + 1) / 2) * 4 + m.blocks() + lacking;
  const std::int64_t padded =
      given.column_bytes ? static_cast<std::int64_t>(given.data.size()) / given.column_bytes : 0;
  m.data = AlignedBytes(static_cast<std::size_t>(padded * m.column_bytes));
  for (std::int64_t first = 0; first < padded;) {
    const std::int64_t width = panel_width(m.columns - first, kernels.lanes, kernels.vectors_u8);
    panel(first, m.data.data() + first * m.column_bytes, width);
    first += width;
    if (lacking)
      std::memcpy(m.data.data() + first * m.column_bytes - 4 * width, given.panel(first) - 4 * width,
                  static_cast<std::size_t>(4 * width));
  }
  return m;
}

/// The panels of an int8 matrix with elements in [-8, 7], four in a step, for gemm_u8s4: [panel][two steps][column][4
/// bytes], of which each has an element of the first step in its low half and one of the second in its high half, both
/// plus 8. With blocks, the elements are products of such numbers and multipliers, which follow: [block][column].
inline PackedMatrix packed_small(const Kernels& kernels, const PackedMatrix& whole,
                                 ColumnOrder order = ColumnOrder::natural, const WeightBlocks& blocks = {}) {
  const std::int64_t block_steps = blocks.size / weights_per_step<std::int8_t>;
  return repacked(kernels, whole, 4, block_steps, [&](std::int64_t first, std::byte* to, std::int64_t width) {
    const std::int64_t n = 4 * width, count = block_steps ? weight_blocks(whole.steps, block_steps) : 0;
    std::byte* multipliers = to + (whole.steps + 1) / 2 * n;
    if (count != 0) std::memset(multipliers, 1, static_cast<std::size_t>(count * width));
    for (std::int64_t c = 0; c < std::min(width, whole.columns - first); ++c)
      for (std::int64_t b = 0; b < count; ++b) {
        const std::int64_t place =
            order == ColumnOrder::interleaved ? interleaved(c, kernels.lanes, width / kernels.lanes) : c;
        multipliers[b * width + place] = static_cast<std::byte>(blocks.multipliers[(first + c) * count + b]);
      }
    const std::byte* from = whole.panel(first);
    const auto code = [&](std::int64_t step, std::int64_t i) {
      int value = static_cast<std::int8_t>(from[step * n + i]);
      if (count != 0) value /= std::to_integer<int>(multipliers[step / block_steps * width + i / 4]);
      return static_cast<unsigned>(value + 8) & 15u;
    };
    for (std::int64_t step = 0; step < whole.steps; step += 2)
      for (std::int64_t i = 0; i < n; ++i)
        *to++ = static_cast<std::byte>(code(step, i) | (step + 1 < whole.steps ? code(step + 1, i) << 4 : 0u));
  });
}

/// The int8 matrix that packed_small was made of.
inline PackedMatrix expanded_small(const Kernels& kernels, const PackedMatrix& small) {
  return repacked(kernels, small, 8, 0, [&](std::int64_t first, std::byte* to, std::int64_t width) {
    const std::int64_t n = 4 * width;
    const std::byte *from = small.panel(first), *multipliers = from + (small.steps + 1) / 2 * n;
    for (std::int64_t step = 0; step < small.steps; ++step)
      for (std::int64_t i = 0; i < n; ++i) {
        int value = (std::to_integer<int>(from[step / 2 * n + i]) >> step % 2 * 4 & 15) - 8;
        if (small.block_steps != 0)
          value *= std::to_integer<int>(multipliers[step / small.block_steps * width + i / 4]);
        *to++ = static_cast<std::byte>(value);
      }
  });
}

}  // namespace detail
OCTET_END
