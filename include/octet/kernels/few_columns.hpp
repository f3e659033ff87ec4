#pragma once
#include <algorithm>

#include "convolution_shape.hpp"
#include "pack.hpp"

/// Products with few columns (output channels): at most half as many as a vector has lanes. Most lanes of a panel would
/// multiply zeros, so a vector holds several steps of each column instead, whose sums are added at the end. Not for
/// floats, whose sums depend on the order.
OCTET_BEGIN
namespace detail {

/// The kernel for few columns and weights of type T; null if this instruction set has none.
template <class T>
Product few_columns_with(const Kernels& k) noexcept {
  return std::is_same_v<T, std::int8_t> ? k.few_u8s8 : nullptr;
}

/// Whether a product with so many columns has such a kernel.
template <class T>
bool has_few_columns(const Kernels& kernels, std::int64_t columns) noexcept {
  return few_columns_with<T>(kernels) && columns > 0 && 2 * columns <= kernels.lanes;
}

/// The matrix b of such a product: [part][group of steps][column][steps of a group][elements of a step], where columns
/// times steps are the lanes of a vector. weights: as of pack_matrix; k elements are `parts` equal parts (Gemm::parts).
template <class T>
PackedMatrix pack_few_columns(const Kernels& kernels, const T* weights, std::int64_t columns, std::int64_t k,
                              std::int64_t parts = 1) {
  const std::int64_t per_step = step_elements<T>(kernels), width = few_columns_width(columns), part = k / parts;
  const std::int64_t group = kernels.lanes / width * per_step, groups = (part + group - 1) / group;
  PackedMatrix m;
  m.columns = columns;
  m.k = k;
  m.steps = (part + per_step - 1) / per_step;
  m.data = AlignedBytes(static_cast<std::size_t>(parts * groups * width * group) * sizeof(T));
  if (m.data.size() == 0) return m;
  std::memset(m.data.data(), 0, m.data.size());
  auto* to = reinterpret_cast<T*>(m.data.data());
  for (std::int64_t p = 0; p < parts; ++p)
    for (std::int64_t first = 0; first < part; first += group, to += width * group)
      for (std::int64_t c = 0; c < columns; ++c)
        std::memcpy(to + c * group, weights + c * k + p * part + first,
                    static_cast<std::size_t>(std::min(group, part - first)) * sizeof(T));
  return m;
}

/// The input rows under `count` output pixels of one output row, one after another in `rows`, each `row_bytes` long, so
/// that the windows of these pixels overlap there: the window of the next pixel starts stride_w pixels later. `first`:
/// index of the first output pixel in all images. `padding`: kernel_w pixels of zero points.
inline void copy_overlapping_windows(const ConvolutionShape& s, const std::byte* in, const std::byte* padding,
                                     std::int64_t pixel_bytes, std::int64_t first, std::int64_t count, std::byte* rows,
                                     std::int64_t row_bytes) noexcept {
  const std::int64_t x = first % s.out_w, y = first / s.out_w % s.out_h, image = first / s.out_w / s.out_h;
  const std::int64_t from = x * s.stride_w - s.pad_left, to = from + (count - 1) * s.stride_w + s.kernel_w;
  const std::int64_t begin = std::clamp<std::int64_t>(0, from, to), end = std::clamp(s.in_w, begin, to);
  const auto bytes = [&](std::int64_t pixels) { return static_cast<std::size_t>(pixels * pixel_bytes); };
  const auto pad = [&](std::byte* at, std::int64_t pixels) {
    for (std::int64_t n; pixels > 0; pixels -= n, at += n * pixel_bytes) {
      n = std::min(pixels, s.kernel_w);
      std::memcpy(at, padding, bytes(n));
    }
  };
  for (std::int64_t ky = 0; ky < s.kernel_h; ++ky, rows += row_bytes) {
    const std::int64_t iy = y * s.stride_h - s.pad_top + ky * s.dilation_h;
    if (iy < 0 || iy >= s.in_h) {
      pad(rows, to - from);
      continue;
    }
    pad(rows, begin - from);
    std::memcpy(rows + (begin - from) * pixel_bytes, in + ((image * s.in_h + iy) * s.in_w + begin) * pixel_bytes,
                bytes(end - begin));
    pad(rows + (end - from) * pixel_bytes, to - end);
  }
}

}  // namespace detail
OCTET_END
