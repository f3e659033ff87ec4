#pragma once
#include "../core/thread_pool.hpp"
#include "pack.hpp"

/// Repacks weights into existing memory, for training, where weights change in every step.
OCTET_BEGIN
namespace detail {

/// The weights of a convolution with arbitrary strides. Element (output channel o, input channel i, both within group
/// g; row y and column x of the kernel) is data[g * group + o * out + y * row + x * tap + i * in]. With other strides,
/// the same memory is the weights of the gradient's convolution.
struct WeightsView {
  const float* data = nullptr;
  std::int64_t kernel_h = 1, kernel_w = 1;
  std::int64_t group = 0, out = 0, row = 0, tap = 0, in = 0;

  /// Weights in a model's order, [O][kernel_h][kernel_w][group_in].
  static WeightsView of_model(const float* data, std::int64_t out_c, std::int64_t kernel_h, std::int64_t kernel_w,
                              std::int64_t group_in, std::int64_t groups) {
    const std::int64_t k = kernel_h * kernel_w * group_in;
    return {data, kernel_h, kernel_w, out_c / groups * k, k, kernel_w * group_in, group_in, 1};
  }
};

/// Copies `steps` steps of a panel of `width` columns, of which `used` exist: w[column * out + step * in] -> panel.
inline void repack_block(const float* w, std::int64_t out, std::int64_t in, std::int64_t steps, std::int64_t used,
                         std::int64_t width, float* panel) noexcept {
  if (out == 1) {
    for (std::int64_t i = 0; i < steps; ++i) std::copy(w + i * in, w + i * in + used, panel + i * width);
    return;
  }
  constexpr std::int64_t block = 16;  // steps: 16 floats of a column are a cache line
  for (std::int64_t from = 0; from < steps; from += block) {
    const std::int64_t n = std::min(block, steps - from);
    for (std::int64_t c = 0; c < used; ++c) {
      const float* column = w + c * out + from * in;
      float* to = panel + from * width + c;
      for (std::int64_t i = 0; i < n; ++i) to[i * width] = column[i * in];
    }
  }
}

/// As pack_matrix for float weights; `first` is the panel's first column. Columns that do not exist stay as they are,
/// zero.
inline void repack_panel(const Kernels& kernels, const WeightsView& w, std::int64_t group, std::int64_t group_in,
                         std::int64_t first, PackedMatrix& m) noexcept {
  const std::int64_t width = panel_width(m.columns - first, kernels.lanes, kernels.vectors_f32);
  auto* panel = reinterpret_cast<float*>(m.data.data()) + first * m.steps;
  for (std::int64_t y = 0; y < w.kernel_h; ++y)
    for (std::int64_t x = 0; x < w.kernel_w; ++x, panel += group_in * width)
      repack_block(w.data + group * w.group + first * w.out + y * w.row + x * w.tap, w.out, w.in, group_in,
                   std::min(width, m.columns - first), width, panel);
}

/// The same for weights that are rounded to bfloat16, in pairs.
inline void repack_panel_bf16(const Kernels& kernels, const WeightsView& w, std::int64_t group, std::int64_t group_in,
                              std::int64_t first, PackedMatrix& m) noexcept {
  constexpr std::int64_t block = 16;  // rows of the panel
  const std::int64_t width = panel_width(m.columns - first, kernels.lanes, kernels.vectors_f32);
  const std::int64_t used = std::min(width, m.columns - first);
  float rows[block * 32] = {};  // columns that do not exist stay zero
  RowPairs p;
  p.x = rows;
  p.stride = p.columns = p.out_stride = width;
  for (std::int64_t from = 0; from < m.k; from += block) {
    p.rows = std::min(block, m.k - from);
    for (std::int64_t i = 0; i < p.rows;) {
      const std::int64_t tap = (from + i) / group_in, channel = (from + i) % group_in;
      const std::int64_t n = std::min(p.rows - i, group_in - channel);
      repack_block(w.data + group * w.group + first * w.out + tap / w.kernel_w * w.row + tap % w.kernel_w * w.tap +
                       channel * w.in,
                   w.out, w.in, n, used, width, rows + i * width);
      i += n;
    }
    p.out = m.data.data() + first * m.column_bytes + from / 2 * width * 4;
    kernels.gradient.pack_pairs(p);
  }
}

/// As pack_depthwise for float weights; each channel is a group.
inline void repack_depthwise(const WeightsView& w, std::int64_t channels, AlignedBytes& packed) noexcept {
  auto* to = reinterpret_cast<float*>(packed.data());
  for (std::int64_t first = 0; first < channels; first += depthwise_block)
    for (std::int64_t y = 0; y < w.kernel_h; ++y)
      for (std::int64_t x = 0; x < w.kernel_w; ++x, to += depthwise_block)
        for (std::int64_t c = 0; c < std::min<std::int64_t>(depthwise_block, channels - first); ++c)
          to[c] = w.data[(first + c) * w.group + y * w.row + x * w.tap];
}

}  // namespace detail
OCTET_END
