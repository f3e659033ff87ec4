#pragma once
#include "../../kernels/convolution.hpp"
#include "../../kernels/depthwise_convolution.hpp"
#include "../activation_range.hpp"
#include "../window.hpp"

/// What all forms of a convolution share.
OCTET_BEGIN
namespace detail {

/// The shape rule: inputs 0 image, 1 weights [O, kernel ..., C / groups].
inline Shape convolution_output(const ShapeContext& c, const Window& window, std::int64_t groups) {
  const Shape &x = c.shape(0), &w = c.shape(1);
  c.require(window.rank() <= 2, "convolution over ", window.rank(), " spatial dimensions is not supported");
  const auto axes = resolve(window, x, c);
  bool fits = w.rank() == window.rank() + 2 && groups >= 1 && w[0] % groups == 0;
  for (int i = 0; fits && i < window.rank(); ++i) fits = w[i + 1] == window.kernel[static_cast<std::size_t>(i)];
  c.require(fits, "weights of shape ", w, " do not fit ", groups, " groups and the kernel");
  c.require(x.back() == Shape::unknown || x.back() == w.back() * groups, "takes ", w.back() * groups,
            " channels (weights ", w, ", ", groups, " groups), but the input is ", x);
  return window_output(axes, x, w[0]);
}

/// The shape of a planned convolution; 1-D images are one row high.
inline ConvolutionShape convolution_shape(const Window& window, std::int64_t groups, const Shape& in,
                                          const Shape& out) {
  static const std::string unnamed;
  const auto axes = resolve(window, in, ShapeContext(unnamed, "Convolution", {}, {}));
  ConvolutionShape s;
  s.batch = in[0], s.in_c = in.back(), s.out_c = out.back(), s.groups = groups;
  s.in_h = axes[1].in, s.in_w = axes[2].in, s.out_h = axes[1].out, s.out_w = axes[2].out;
  s.kernel_h = axes[1].kernel, s.kernel_w = axes[2].kernel;
  s.stride_h = axes[1].stride, s.stride_w = axes[2].stride;
  s.dilation_h = axes[1].dilation, s.dilation_w = axes[2].dilation;
  s.pad_top = axes[1].before, s.pad_left = axes[2].before;
  return s;
}

/// Weights OHWI of a depthwise convolution ([channels][taps]) as [taps][channels].
template <class T>
std::vector<T> taps_first(const T* weights, std::int64_t channels, std::int64_t taps) {
  std::vector<T> r(static_cast<std::size_t>(channels * taps));
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t t = 0; t < taps; ++t) r[static_cast<std::size_t>(t * channels + c)] = weights[c * taps + t];
  return r;
}

/// The kernels a convolution uses: depthwise where it is, else as a matrix product. T as in GemmConvolution.
template <class T>
class AnyConvolution {
 public:
  AnyConvolution() = default;
  /// weights [out_c][repeat][k], k = taps * input channels of a group.
  AnyConvolution(const Kernels& kernels, const T* weights, std::int64_t out_c, std::int64_t taps, std::int64_t group_in,
                 std::int64_t groups, std::int64_t repeat = 1)
      : depthwise_(groups > 1 && groups == out_c && group_in == 1) {
    if (depthwise_)
      by_channel_ = {kernels, taps_first(weights, out_c, taps * repeat).data(), taps, out_c, repeat};
    else
      by_matrix_ = {kernels, weights, out_c, taps * group_in, groups, repeat};
  }
  std::size_t packed_bytes() const noexcept {
    return depthwise_ ? by_channel_.packed_bytes() : by_matrix_.packed_bytes();
  }
  /// Takes other weights of the same sizes, for training. Allocates nothing.
  void set_weights(const WeightsView& w, std::int64_t out_c, ThreadPool& pool) noexcept {
    depthwise_ ? by_channel_.set_weights(w, out_c) : by_matrix_.set_weights(w, pool);
  }
  /// Bytes of padding that run reads.
  std::int64_t padding_bytes(const ConvolutionShape& s) const noexcept {
    return depthwise_ ? by_channel_.padding_bytes(s) : s.kernel_w * s.group_in() * static_cast<std::int64_t>(sizeof(T));
  }
  /// dynamic: see GemmConvolution::plan; not for depthwise ones.
  std::size_t plan(const ConvolutionShape& s, int threads, bool dynamic = false) {
    return depthwise_ ? by_channel_.plan(s, threads) : by_matrix_.plan(s, threads, dynamic);
  }
  void run(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& e,
           std::int64_t out_element, std::byte* scratch, ThreadPool& pool) const noexcept {
    depthwise_ ? by_channel_.run(in, init, padding, e, scratch, pool)
               : by_matrix_.run(in, init, padding, e, out_element, scratch, pool);
  }

  /// For run_rows of at most `rows` image rows. Returns the bytes of scratch that one call needs.
  std::size_t plan_rows(const ConvolutionShape& s, std::int64_t rows, bool dynamic = false) {
    return depthwise_ ? by_channel_.plan(s, 1) : by_matrix_.plan_rows(s, rows * s.out_w, dynamic);
  }
  /// Output rows [first, last) of one image of width out_w, by the calling thread alone.
  void run_rows(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& e,
                std::int64_t out_element, std::byte* scratch, std::int64_t first, std::int64_t last,
                std::int64_t out_w) const noexcept {
    depthwise_ ? by_channel_.run_rows(in, init, padding, e, scratch, first, last)
               : by_matrix_.run_rows(in, init, padding, e, out_element, scratch, first * out_w, last * out_w);
  }

 private:
  bool depthwise_ = false;
  GemmConvolution<T> by_matrix_;
  DepthwiseConvolution<T> by_channel_;
};

}  // namespace detail
OCTET_END
