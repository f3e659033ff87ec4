#pragma once
#include <array>

#include "../../core/thread_pool.hpp"
#include "../../kernels/convolution_shape.hpp"
#include "../../kernels/transposed_axis.hpp"
#include "../shape/indexed_copy.hpp"

OCTET_BEGIN
namespace detail {

/// The outputs of a transposed convolution that have the same remainders modulo the strides. An ordinary convolution
/// with some of the taps, in reverse order, computes them.
struct TransposedPhase {
  std::int64_t y = 0, x = 0;  // along each axis

  /// The sizes of that convolution, except for batch, channels and groups.
  ConvolutionShape shape(const std::array<TransposedAxis, 2>& axes) const noexcept {
    ConvolutionShape s;
    s.in_h = axes[0].in;
    s.in_w = axes[1].in;
    s.out_h = axes[0].count(y);
    s.out_w = axes[1].count(x);
    s.kernel_h = axes[0].taps(y);
    s.kernel_w = axes[1].taps(x);
    s.dilation_h = axes[0].step();
    s.dilation_w = axes[1].step();
    s.pad_top = -axes[0].start(y);
    s.pad_left = -axes[1].start(x);
    return s;
  }

  /// Copies the phase's pixels, of so many bytes, to their positions in the output.
  void spread(const std::array<TransposedAxis, 2>& axes, std::int64_t batch, const std::byte* pixels, std::byte* out,
              std::int64_t pixel_bytes, ThreadPool& pool) const noexcept {
    const std::int64_t rows = axes[0].count(y), columns = axes[1].count(x);
    pool.parallel(batch * rows, [&](std::int64_t row, int) {
      const std::int64_t at_y = axes[0].first(y) + row % rows * axes[0].stride;
      const std::byte* from = pixels + row * columns * pixel_bytes;
      std::byte* to = out + ((row / rows * axes[0].out + at_y) * axes[1].out + axes[1].first(x)) * pixel_bytes;
      for (std::int64_t i = 0; i < columns; ++i, from += pixel_bytes, to += axes[1].stride * pixel_bytes)
        copy_bytes(to, from, pixel_bytes);
    });
  }
};

}  // namespace detail
OCTET_END
