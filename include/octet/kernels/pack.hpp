#pragma once
#include <array>
#include <cstring>
#include <vector>

#include "../core/half.hpp"
#include "../core/index.hpp"
#include "../core/tensor.hpp"
#include "dispatch.hpp"

/// Packs weights in the order in which kernels read them. Done once, when an executor is made.
OCTET_BEGIN
namespace detail {

/// Output channels in a panel of weights of type T.
template <class T>
std::int64_t panel_columns(const Kernels& kernels) noexcept {
  return kernels.lanes * (sizeof(T) == 1 ? kernels.vectors_u8 : kernels.vectors_f32);
}

/// Number of elements of a column of weights of type T that are multiplied in one step of 4 bytes of activations.
template <class T>
constexpr std::int64_t weights_per_step = 1;
template <>
inline constexpr std::int64_t weights_per_step<std::int8_t> = 4;
template <>
inline constexpr std::int64_t weights_per_step<bf16> = 2;

/// The same for kernels: where activations are widened to 16 bits, a step has two of them.
template <class T>
std::int64_t step_elements(const Kernels& kernels) noexcept {
  return sizeof(T) == 1 && kernels.widen_u8 ? 2 : weights_per_step<T>;
}

/// Size in bytes of the activations that are multiplied with weights of type T.
template <class T>
constexpr std::int64_t activation_bytes = 4 / weights_per_step<T>;

/// The correction of a sum of products with activations less 128: 128 * (sum of the weights), modulo 2^32 like the
/// sums.
inline std::int32_t shifted_sum(const std::int8_t* weights, std::int64_t n, std::int64_t stride) noexcept {
  std::uint32_t sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<std::uint32_t>(weights[i * stride]);
  return static_cast<std::int32_t>(sum << 7);
}

/// The matrix product for a type of weights.
using Product = void (*)(const Gemm&) noexcept;
inline Product product_with(const Kernels& k, std::int8_t) noexcept { return k.gemm_u8s8; }
inline Product product_with(const Kernels& k, float) noexcept { return k.gemm_f32; }
inline Product product_with(const Kernels& k, fp16) noexcept { return k.gemm_fp16; }
inline Product product_with(const Kernels& k, bf16) noexcept { return k.gemm_bf16; }

/// The order of columns in the vectors of a panel; `interleaved` (see arguments.hpp) if the results are stored as
/// bytes.
enum class ColumnOrder : std::uint8_t { natural, interleaved };

/// The matrix b of a Gemm: panels of output channels, [panel][step][column][elements of a step]. If the kernels
/// multiply activations less 128 (shifted_u8), each panel is followed by the corrections of its sums (see shifted_sum),
/// one int32 per column.
struct PackedMatrix {
  std::int64_t columns = 0, k = 0, steps = 0;  // k in elements
  std::int64_t block_steps = 0;                // see Gemm
  std::int64_t column_bytes = 0;
  AlignedBytes data;

  /// The start of the panel with column `column`, a multiple of panel_columns.
  const std::byte* panel(std::int64_t column) const { return data.data() + column * column_bytes; }
  std::int64_t blocks() const noexcept { return block_steps ? (steps + block_steps - 1) / block_steps : 0; }
};

/// weights: [columns][k], row-major, of type int8, float or half precision. Missing columns and elements of a step
/// become zeros. `per_step`: step_elements; weights_per_step for packed_small; 2
/// for activations of 16 bits.
template <class T>
PackedMatrix pack_matrix(const Kernels& kernels, const T* weights, std::int64_t columns, std::int64_t k,
                         ColumnOrder order, std::int64_t per_step) {
  const std::int64_t step_bytes = per_step * static_cast<std::int64_t>(sizeof(T));
  const std::int64_t vectors = panel_columns<T>(kernels) / kernels.lanes;
  PackedMatrix m;
  m.columns = columns;
  m.k = k;
  m.steps = (k + per_step - 1) / per_step;
  const bool lacking = sizeof(T) == 1 && kernels.shifted_u8 && per_step == weights_per_step<T>;
  m.column_bytes = m.steps * step_bytes + (lacking ? 4 : 0);
  std::int64_t padded = 0;
  while (padded < columns) padded += panel_width(columns - padded, kernels.lanes, vectors);
  m.data = AlignedBytes(static_cast<std::size_t>(padded * m.column_bytes));
  if (m.data.size() == 0) return m;
  std::memset(m.data.data(), 0, m.data.size());
  for (std::int64_t first = 0; first < columns;) {
    const std::int64_t width = panel_width(columns - first, kernels.lanes, vectors);
    std::byte* panel = m.data.data() + first * m.column_bytes;
    for (std::int64_t c = 0; c < std::min(width, columns - first); ++c) {
      const std::int64_t place =
          order == ColumnOrder::interleaved ? interleaved(c, kernels.lanes, width / kernels.lanes) : c;
      std::byte* to = panel + step_bytes * place;
      const T* row = weights + (first + c) * k;
      for (std::int64_t i = 0; i < k; i += per_step, to += width * step_bytes)
        std::memcpy(to, row + i, static_cast<std::size_t>(std::min(per_step, k - i)) * sizeof(T));
      if constexpr (sizeof(T) == 1) {
        const std::int32_t sum = lacking ? shifted_sum(row, k, 1) : 0;
        if (lacking) std::memcpy(panel + m.steps * step_bytes * width + 4 * place, &sum, 4);
      }
    }
    first += width;
  }
  return m;
}

template <class T>
PackedMatrix pack_matrix(const Kernels& kernels, const T* weights, std::int64_t columns, std::int64_t k,
                         ColumnOrder order = ColumnOrder::natural) {
  return pack_matrix(kernels, weights, columns, k, order, step_elements<T>(kernels));
}

/// Size in bytes of a packed float matrix.
inline std::int64_t packed_f32_bytes(const Kernels& kernels, std::int64_t columns, std::int64_t k) {
  return round_up(columns, kernels.lanes) * k * 4;
}

/// Packs one panel of a matrix b [k][columns] (row-major, so transposed relative to weights), from column `first`, a
/// multiple of panel_columns<float>, to its place in `packed`.
inline void pack_panel_f32(const Kernels& kernels, const float* b, std::int64_t columns, std::int64_t k,
                           std::int64_t first, std::byte* packed) noexcept {
  const std::int64_t width = panel_width(columns - first, kernels.lanes, kernels.vectors_f32);
  const std::int64_t used = std::min(width, columns - first);
  auto* panel = reinterpret_cast<float*>(packed) + first * k;
  for (std::int64_t i = 0; i < k; ++i, panel += width) {
    std::copy(b + i * columns + first, b + i * columns + first + used, panel);
    std::fill(panel + used, panel + width, 0.0f);
  }
}

/// Values per output channel, padded with zeros, so that kernels can read a whole panel from any channel on (a group
/// can start at any channel).
template <class T>
Tensor<T> pad_columns(const T* values, std::int64_t columns) {
  Tensor<T> r({round_up(columns + column_padding - 1, column_padding)});
  if (values) std::copy(values, values + columns, r.data());
  return r;
}

/// Calls f(taps) for each group of `at_once` taps in kernel row `ky` that are multiplied together
/// (bodies/depthwise_u8.inl). Where a group has fewer taps, the index is -1 and the packed weight 0.
template <class F>
void each_row_shape(std::int64_t ky, std::int64_t size, std::int64_t at_once, F f) {
  for (std::int64_t odd = 0; odd < 2; ++odd)
    for (std::int64_t x = -odd; x < size; x += at_once) {
      std::array<std::int64_t, 4> taps{};
      for (std::int64_t t = 0; t < at_once; ++t)
        taps[static_cast<std::size_t>(t)] = x + t >= 0 && x + t < size ? ky * size + x + t : -1;
      f(taps);
    }
}

/// Packs depthwise weights [taps][channels] for depthwise_u8s8: blocks of 4 wide or narrow vectors of channels, 4 taps
/// next to each other, channels interleaved. by_rows: for square kernels of size 3 or 5 that process whole rows; as
/// many taps next to each other as the elements of a step. Each block is followed by the corrections of its sums, as in
/// pack_matrix.
inline AlignedBytes pack_depthwise(const Kernels& kernels, const std::int8_t* weights, std::int64_t taps,
                                   std::int64_t channels, bool by_rows) {
  std::vector<std::array<std::int64_t, 4>> groups;  // taps that are multiplied together
  const std::int64_t at_once = by_rows ? step_elements<std::int8_t>(kernels) : weights_per_step<std::int8_t>;
  const auto add = [&](const std::array<std::int64_t, 4>& four) { groups.push_back(four); };
  if (by_rows) {
    const std::int64_t size = taps == 9 ? 3 : 5;
    for (std::int64_t ky = 0; ky < size; ++ky) each_row_shape(ky, size, at_once, add);
  } else {
    for (std::int64_t t = 0; t < taps; t += 4) add({t, t + 1, t + 2, t + 3});
  }
  const auto block_lanes = [&](std::int64_t left) {
    return left > 4 * kernels.narrow_lanes ? kernels.lanes : kernels.narrow_lanes;
  };
  std::int64_t padded = 0;
  while (padded < channels) padded += 4 * block_lanes(channels - padded);
  AlignedBytes packed(static_cast<std::size_t>(
      padded * (static_cast<std::int64_t>(groups.size()) * at_once + (kernels.shifted_u8 ? 4 : 0))));
  auto* to = reinterpret_cast<std::int8_t*>(packed.data());
  for (std::int64_t first = 0; first < channels;) {
    const std::int64_t lanes = block_lanes(channels - first), width = 4 * lanes;
    for (const auto& group : groups) {
      for (std::int64_t c = 0; c < width; ++c)
        for (std::int64_t i = 0; i < at_once; ++i) {
          const std::int64_t tap = group[static_cast<std::size_t>(i)];
          const bool exists = tap >= 0 && tap < taps && first + c < channels;
          to[interleaved(c, lanes, 4) * at_once + i] = exists ? weights[tap * channels + first + c] : std::int8_t{0};
        }
      to += at_once * width;
    }
    if (kernels.shifted_u8) {
      for (std::int64_t c = 0; c < width; ++c) {
        const bool exists = first + c < channels;
        const std::int32_t sum = exists ? shifted_sum(weights + first + c, taps, channels) : 0;
        std::memcpy(to + interleaved(c, lanes, 4) * 4, &sum, 4);
      }
      to += 4 * width;
    }
    first += width;
  }
  return packed;
}

/// Packs depthwise weights [taps][channels] for depthwise_s16: blocks of two vectors of channels, two taps next to each
/// other, channels interleaved. by_rows: for square kernels of size 3 or 5, [kernel column][pair of kernel rows].
inline AlignedBytes pack_depthwise(const Kernels& kernels, const std::int16_t* weights, std::int64_t taps,
                                   std::int64_t channels, bool by_rows) {
  std::vector<std::array<std::int64_t, 2>> pairs;  // taps that are multiplied together; none: >= taps
  const std::int64_t size = !by_rows ? 1 : taps == 9 ? 3 : 5;
  for (std::int64_t kx = 0; kx < size; ++kx)
    for (std::int64_t t = kx; t < taps; t += 2 * size) pairs.push_back({t, t + size});
  const std::int64_t width = 2 * kernels.lanes, padded = round_up(channels, width);
  AlignedBytes packed(static_cast<std::size_t>(padded * static_cast<std::int64_t>(pairs.size())) * 4);
  auto* to = reinterpret_cast<std::int16_t*>(packed.data());
  for (std::int64_t first = 0; first < channels; first += width)
    for (const auto& pair : pairs) {
      for (std::int64_t c = 0; c < width; ++c)
        for (std::int64_t i = 0; i < 2; ++i) {
          const std::int64_t tap = pair[static_cast<std::size_t>(i)];
          to[interleaved(c, kernels.lanes, 2) * 2 + i] =
              tap < taps && first + c < channels ? weights[tap * channels + first + c] : std::int16_t{0};
        }
      to += 2 * width;
    }
  return packed;
}

/// Packs depthwise weights [taps][channels] for depthwise_f32: [channels / 32][taps][32].
inline AlignedBytes pack_depthwise(const Kernels&, const float* weights, std::int64_t taps, std::int64_t channels,
                                   bool) {
  const std::int64_t blocks = (channels + depthwise_block - 1) / depthwise_block;
  AlignedBytes packed(static_cast<std::size_t>(blocks * taps * depthwise_block) * sizeof(float));
  auto* to = reinterpret_cast<float*>(packed.data());
  for (std::int64_t b = 0; b < blocks; ++b)
    for (std::int64_t t = 0; t < taps; ++t)
      for (std::int64_t c = b * depthwise_block; c < (b + 1) * depthwise_block; ++c)
        *to++ = c < channels ? weights[t * channels + c] : 0.0f;
  return packed;
}

}  // namespace detail
OCTET_END
