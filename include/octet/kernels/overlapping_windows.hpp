#pragma once
#include <algorithm>
#include <cstring>

#include "convolution_shape.hpp"
#include "epilogue_at.hpp"
#include "few_columns.hpp"

/// Convolutions with few columns whose windows overlap: instead of windows, rows of the image are copied, in which the
/// window of the next output pixel starts stride_w pixels later.
OCTET_BEGIN
namespace detail {

/// The input rows under `count` output pixels of one output row, one after another in `rows`, each `row_bytes` long.
/// `first`: index of the first output pixel in all images. `padding`: kernel_w pixels of zero points.
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

class OverlappingWindows {
 public:
  /// element: bytes of one of the image; widened: products take 16-bit integers, which bytes are converted to.
  OverlappingWindows(const ConvolutionShape& shape, std::int64_t element, bool widened) noexcept
      : shape_(shape), element_(element), widened_(widened) {}

  /// Whether output rows are long enough.
  static bool pays(const ConvolutionShape& s) noexcept { return s.out_w >= 8; }

  /// The output pixels of a block, a multiple of `tile` or a row: what is copied for them should fit into the L1 cache.
  std::int64_t pixels(std::int64_t tile) const noexcept {
    constexpr std::int64_t cache = 24 * 1024;
    const std::int64_t bytes = shape_.kernel_h * shape_.stride_w * shape_.in_c * (widened_ ? 2 : element_);
    const std::int64_t n = std::max<std::int64_t>(1, cache / std::max<std::int64_t>(bytes, 1) / tile) * tile;
    return std::min(n, shape_.out_w);
  }

  /// The scratch memory of a block.
  std::int64_t scratch_bytes(std::int64_t pixels) const noexcept {
    return copied_bytes(pixels, element_) + (widened_ ? copied_bytes(pixels, 2) : 0);
  }

  struct Operands {
    const std::byte *in, *padding;
    std::int64_t first_row;  // of the block, as index of an output pixel in all images
    std::int64_t out_element;
    std::byte* scratch;
  };
  /// Computes the rows (output pixels) of g, whose a, parts and strides are set here.
  void multiply(const Kernels& kernels, Product product, Gemm g, const Operands& o) const noexcept {
    const std::int64_t pixel = shape_.in_c * element_, last = o.first_row + g.rows;
    std::byte* const widened = o.scratch + copied_bytes(std::min(g.rows, shape_.out_w), element_);
    const Epilogue epilogue = g.epilogue;
    for (std::int64_t row = o.first_row; row < last; row += g.rows) {
      g.rows = std::min(shape_.out_w - row % shape_.out_w, last - row);
      const std::int64_t in_row = row_bytes(g.rows, element_);
      copy_overlapping_windows(shape_, o.in, o.padding, pixel, row, g.rows, o.scratch, in_row);
      g.a = o.scratch;
      g.a_stride = shape_.stride_w * pixel;
      g.parts = shape_.kernel_h;
      g.part_stride = in_row;
      if (widened_) {
        const std::int64_t count = ((g.rows - 1) * shape_.stride_w + shape_.kernel_w) * shape_.in_c;
        g.part_stride = row_bytes(g.rows, 2);
        kernels.widen_u8({o.scratch, widened, in_row, g.part_stride, g.parts, count});
        g.a = widened;
        g.a_stride *= 2;
      }
      g.epilogue = epilogue_at(epilogue, row - o.first_row, 0, o.out_element);
      product(g);
    }
  }

 private:
  /// Size of one of the rows that are copied for so many output pixels, and of all of them.
  std::int64_t row_bytes(std::int64_t pixels, std::int64_t element) const noexcept {
    return round_up(((pixels - 1) * shape_.stride_w + shape_.kernel_w) * shape_.in_c * element, 64);
  }
  std::int64_t copied_bytes(std::int64_t pixels, std::int64_t element) const noexcept {
    return shape_.kernel_h * row_bytes(std::max<std::int64_t>(1, pixels), element) + 64;
  }

  const ConvolutionShape& shape_;
  std::int64_t element_;
  bool widened_;
};

}  // namespace detail
OCTET_END
