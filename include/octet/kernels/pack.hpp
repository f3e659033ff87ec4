#pragma once
#include <cstring>

#include "../core/tensor.hpp"
#include "dispatch.hpp"

/// Weights in the order in which the kernels stream them. Done once, when an executor is made.
OCTET_BEGIN
namespace detail {

inline std::int64_t round_up(std::int64_t n, std::int64_t to) { return (n + to - 1) / to * to; }

/// The matrix b of a Gemm: panels of output channels, [panel][step][column][4 bytes].
struct PackedMatrix {
  std::int64_t columns = 0, k = 0, steps = 0;  // k in elements, steps of 4 bytes
  AlignedBytes data;

  /// Where a panel begins; `column` is a multiple of the kernels' panel_columns.
  const std::byte* panel(std::int64_t column) const { return data.data() + column * steps * 4; }
};

/// weights: [columns][k], row-major, int8 or float. Missing channels and elements of a step are zero.
template <class T>
PackedMatrix pack_matrix(const Kernels& kernels, const T* weights, std::int64_t columns, std::int64_t k) {
  constexpr std::int64_t per_step = 4 / static_cast<std::int64_t>(sizeof(T));
  PackedMatrix m;
  m.columns = columns;
  m.k = k;
  m.steps = (k + per_step - 1) / per_step;
  // The last panel is packed at half width where one vector of channels holds it.
  const std::int64_t padded = round_up(columns, kernels.lanes);
  m.data = AlignedBytes(static_cast<std::size_t>(padded * m.steps * 4));
  if (m.data.size()) std::memset(m.data.data(), 0, m.data.size());
  for (std::int64_t first = 0; first < columns; first += kernels.panel_columns) {
    const std::int64_t width = std::min<std::int64_t>(padded - first, kernels.panel_columns);
    T* panel = reinterpret_cast<T*>(m.data.data() + first * m.steps * 4);
    for (std::int64_t c = 0; c < std::min(width, columns - first); ++c) {
      const T* row = weights + (first + c) * k;
      for (std::int64_t i = 0; i < k; ++i) panel[(i / per_step * width + c) * per_step + i % per_step] = row[i];
    }
  }
  return m;
}

/// Bytes of a packed float matrix.
inline std::int64_t packed_f32_bytes(const Kernels& kernels, std::int64_t columns, std::int64_t k) {
  return round_up(columns, kernels.lanes) * k * 4;
}

/// The panel of a matrix b [k][columns] (row-major: the other way round than weights) that begins at column `first`,
/// a multiple of the kernels' panel_columns, into its place in `packed`.
inline void pack_panel_f32(const Kernels& kernels, const float* b, std::int64_t columns, std::int64_t k,
                           std::int64_t first, std::byte* packed) noexcept {
  const std::int64_t width = std::min<std::int64_t>(round_up(columns, kernels.lanes) - first, kernels.panel_columns);
  const std::int64_t used = std::min(width, columns - first);
  auto* panel = reinterpret_cast<float*>(packed) + first * k;
  for (std::int64_t i = 0; i < k; ++i, panel += width) {
    std::copy(b + i * columns + first, b + i * columns + first + used, panel);
    std::fill(panel + used, panel + width, 0.0f);
  }
}

/// Values per output channel, padded with zeros so that kernels may read two whole vectors from any channel on (groups
/// begin anywhere).
template <class T>
Tensor<T> pad_columns(const T* values, std::int64_t columns) {
  Tensor<T> r({round_up(columns + column_padding / 2 - 1, column_padding)});
  if (values) std::copy(values, values + columns, r.data());
  return r;
}

/// Depthwise weights [taps][channels] for depthwise_u8s8: blocks of 32 channels, 4 taps side by side, channels in
/// the order in which the kernel's vectors hold them.
inline AlignedBytes pack_depthwise(const std::int8_t* weights, std::int64_t taps, std::int64_t channels) {
  const std::int64_t groups = (taps + 3) / 4, blocks = (channels + depthwise_block - 1) / depthwise_block;
  AlignedBytes packed(static_cast<std::size_t>(blocks * groups * 4 * depthwise_block));
  auto* to = reinterpret_cast<std::int8_t*>(packed.data());
  for (std::int64_t b = 0; b < blocks; ++b)
    for (std::int64_t g = 0; g < groups; ++g)
      for (std::int64_t j = 0; j < 4; ++j)
        for (std::int64_t lane = 0; lane < 8; ++lane)
          for (std::int64_t t = 4 * g; t < 4 * g + 4; ++t) {
            const std::int64_t c = b * depthwise_block + lane / 4 * 16 + 4 * j + lane % 4;
            *to++ = t < taps && c < channels ? weights[t * channels + c] : std::int8_t{0};
          }
  return packed;
}

/// Depthwise weights [taps][channels] for depthwise_f32: [channels / 32][taps][32].
inline AlignedBytes pack_depthwise(const float* weights, std::int64_t taps, std::int64_t channels) {
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
