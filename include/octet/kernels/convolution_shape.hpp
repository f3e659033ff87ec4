#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN
namespace detail {

/// Kernel size, strides, dilations and padding of a 2-D convolution: everything except the sizes of the image.
struct KernelWindow {
  std::int64_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;

  std::int64_t taps() const noexcept { return kernel_h * kernel_w; }
  bool square(std::int64_t size, std::int64_t stride) const noexcept {
    return kernel_h == size && kernel_w == size && stride_h == stride && stride_w == stride && dilation_h == 1 &&
           dilation_w == 1;
  }
};

/// Sizes of a 2-D convolution on NHWC tensors.
struct ConvolutionShape : KernelWindow {
  std::int64_t batch = 1, in_h = 1, in_w = 1, in_c = 1, out_h = 1, out_w = 1, out_c = 1;
  std::int64_t pad_top = 0, pad_left = 0, groups = 1;

  std::int64_t group_in() const noexcept { return in_c / groups; }
  std::int64_t group_out() const noexcept { return out_c / groups; }
  std::int64_t rows() const noexcept { return batch * out_h * out_w; }
  /// Whether the input in its memory order is already the left operand of the matrix product.
  bool pointwise() const noexcept {
    return kernel_h == 1 && kernel_w == 1 && stride_h == 1 && stride_w == 1 && in_h == out_h && in_w == out_w &&
           pad_top == 0 && pad_left == 0 && groups == 1;
  }
};

}  // namespace detail
OCTET_END
