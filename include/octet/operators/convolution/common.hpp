#pragma once
#include "../../kernels/convolution.hpp"
#include "../../kernels/depthwise_convolution.hpp"
#include "../../kernels/grouped_convolution.hpp"
#include "../../kernels/half.hpp"
#include "../../kernels/merged_groups.hpp"
#include "../../kernels/tap_products.hpp"
#include "../../kernels/winograd.hpp"
#include "../activation_range.hpp"
#include "../operands.hpp"
#include "../window.hpp"

/// Shared by all forms of convolution.
OCTET_BEGIN
namespace detail {

/// The shape rule: inputs 0 image, 1 weights [O, kernel ..., C / groups].
inline Shape convolution_output(const ShapeContext& c, const Window& window, std::int64_t groups) {
  const Shape &x = c.shape(0), &w = c.shape(ConvolutionInputs::weights);
  c.require(window.rank() <= 2, "convolution over ", window.rank(), " spatial dimensions is not supported");
  const auto axes = resolve(window, x, c);
  bool fits = w.rank() == window.rank() + 2 && groups >= 1 && w[0] % groups == 0;
  for (int i = 0; fits && i < window.rank(); ++i) fits = w[i + 1] == window.kernel[static_cast<std::size_t>(i)];
  c.require(fits, "weights of shape ", w, " do not match ", groups, " groups and the kernel");
  c.require(x.back() == Shape::unknown || x.back() == w.back() * groups, "expected an input with ", w.back() * groups,
            " channels (weights ", w, ", ", groups, " groups), found ", x);
  return window_output(axes, x, w[0]);
}

/// The window in the form that kernels use, without image sizes. 1-D windows have a height of 1.
inline KernelWindow kernel_window(const Window& w) {
  const auto from_last = [](const std::vector<std::int64_t>& v, std::size_t i) {
    return i < v.size() ? v[v.size() - 1 - i] : 1;
  };
  KernelWindow k;
  k.kernel_w = from_last(w.kernel, 0);
  k.stride_w = from_last(w.strides, 0);
  k.dilation_w = from_last(w.dilations, 0);
  k.kernel_h = from_last(w.kernel, 1);
  k.stride_h = from_last(w.strides, 1);
  k.dilation_h = from_last(w.dilations, 1);
  return k;
}

/// The sizes of a convolution of a given image. 1-D images have a height of 1.
inline ConvolutionShape convolution_shape(const Window& window, std::int64_t groups, const Shape& in,
                                          const Shape& out) {
  static const std::string unnamed;
  const auto axes = resolve(window, in, ShapeContext(unnamed, "Convolution", {}, {}));
  ConvolutionShape s;
  s.batch = in[0];
  s.in_c = in.back();
  s.out_c = out.back();
  s.groups = groups;
  s.in_h = axes[1].in;
  s.in_w = axes[2].in;
  s.out_h = axes[1].out;
  s.out_w = axes[2].out;
  s.kernel_h = axes[1].kernel;
  s.kernel_w = axes[2].kernel;
  s.stride_h = axes[1].stride;
  s.stride_w = axes[2].stride;
  s.dilation_h = axes[1].dilation;
  s.dilation_w = axes[2].dilation;
  s.pad_top = axes[1].before;
  s.pad_left = axes[2].before;
  return s;
}

/// Selects the kernels of a convolution: depthwise, matrix product, or Winograd's algorithm where that is faster. T as
/// in GemmConvolution. Only matrix products support half precision.
template <class T>
class AnyConvolution {
 public:
  using Other = std::conditional_t<sizeof(T) == 2, float, T>;

  AnyConvolution() = default;
  AnyConvolution(const Kernels& kernels, const ConvolutionWeights<T>& w)
      : groups_(w.groups), depthwise_(w.groups > 1 && w.groups == w.out_c && w.group_in == 1) {
    Tensor<Other> expanded;
    const ConvolutionWeights<Other> other = expand(w, expanded);
    if (depthwise_) {
      by_channel_ = {kernels, other};
    } else {
      if constexpr (std::is_same_v<Other, float> && !std::is_same_v<T, bf16>)
        if (GroupedConvolution::pays(kernels, other)) {
          by_group_ = {kernels, other};
          return;
        }
      if constexpr (std::is_same_v<T, std::int8_t>) {
        const MergedGroups merged(w);
        merged_ = merged.count();
        depthwise_ = merged.fours();
        if (depthwise_)
          by_channel_ = {kernels, merged.weights(w)};
        else
          prepare_products(kernels, merged.weights(w), merged.weights(w));
      } else {
        prepare_products(kernels, w, other);
      }
      if constexpr (std::is_same_v<Other, float> && !std::is_same_v<T, bf16>) prepare_taps(kernels, other);
    }
  }
  std::size_t packed_bytes() const noexcept {
    return depthwise_  ? by_channel_.packed_bytes()
           : grouped() ? by_group_.packed_bytes()
                       : by_matrix_.packed_bytes() + by_points_.packed_bytes() + by_taps_.packed_bytes();
  }
  const char* form() const noexcept {
    return depthwise_  ? by_channel_.form()
           : grouped() ? "groups in vectors"
           : winograd_ ? by_points_.form()
           : taps_     ? by_taps_.form()
                       : by_matrix_.form();
  }
  /// Whether it sets Epilogue::range. (Not with groups, where columns beyond a group's last belong to the next group.)
  bool measures_range() const noexcept { return !depthwise_ && groups_ == 1; }
  /// Whether float is faster than bfloat16 products. (Those are twice as fast, but gain only half of that here.)
  bool better_in_float(const ConvolutionShape& s) const noexcept {
    return depthwise_ || by_points_.pays(merged(s), 1.5);
  }
  /// Replaces the weights by float weights of the same sizes, for training. Does not allocate.
  void set_weights(const WeightsView& w, std::int64_t out_c, ThreadPool& pool) noexcept {
    if (depthwise_)
      by_channel_.set_weights(w, out_c);
    else
      by_matrix_.set_weights(w, pool);
  }
  /// Whether run, as planned, supports Epilogue::pooled.
  bool can_pool() const noexcept { return pools_; }
  /// Size in bytes of the padding that run reads.
  std::int64_t padding_bytes(const ConvolutionShape& s) const noexcept {
    if (grouped()) return by_group_.padding_bytes(s);
    return depthwise_ ? by_channel_.padding_bytes(s) : s.kernel_w * merged(s).group_in() * GemmConvolution<T>::element;
  }
  bool can_quantize(const ConvolutionShape& s) const noexcept {
    return !depthwise_ && !grouped() && GemmConvolution<T>::can_quantize(s);
  }
  /// Returns the size of the scratch memory of run in bytes. `quantizes`: see GemmConvolution::plan.
  std::size_t plan(const ConvolutionShape& shape, int threads, bool quantizes = false) {
    if (depthwise_) return by_channel_.plan(shape, threads);
    if (grouped()) return by_group_.plan(shape, threads);
    const ConvolutionShape s = merged(shape);
    const std::size_t scratch = by_matrix_.plan(s, threads, quantizes);
    const bool few_floats = std::is_same_v<T, float> && by_matrix_.few_columns();
    winograd_ = !few_floats && by_points_.pays(s, std::is_same_v<T, bf16> ? 2 : 1);
    pools_ = winograd_ && by_points_.others().empty() && s.out_h % 2 == 0 && s.out_w % 2 == 0;
    taps_ =
        !by_taps_.empty() && s.rows() > 0 && s.in_h * s.in_w > 0 && s.pad_top < s.kernel_h && s.pad_left < s.kernel_w;
    if (taps_) return std::max(scratch, by_taps_.plan(s.batch, TapProducts<float>::axes_of(s), s.in_c, threads));
    return winograd_ ? std::max(scratch, by_points_.plan(s, threads)) : scratch;
  }
  void run(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& e,
           std::int64_t out_element, std::byte* scratch, ThreadPool& pool, DynamicScale scale = {}) const noexcept {
    if (depthwise_) return by_channel_.run(in, init, padding, e, scratch, pool);
    if (grouped()) return by_group_.run(in, init, padding, e, scratch, pool);
    if (taps_) {
      auto* out = reinterpret_cast<float*>(e.out);
      const std::int64_t channels = by_taps_.channels();
      return by_taps_.run(in, reinterpret_cast<const float*>(init), e.low_f32, e.high_f32, scratch, pool,
                          [=](const float* results, std::int64_t pixel, std::int64_t pixels) {
                            std::copy_n(results, pixels * channels, out + pixel * channels);
                          });
    }
    if (!winograd_) return by_matrix_.run(in, init, padding, e, out_element, scratch, pool, scale);
    by_points_.run(in, init, padding, e, scratch, pool, by_matrix_.packed());
    for (const auto& [first, last] : by_points_.others())
      by_matrix_.run_columns(in, init, padding, e, out_element, scratch, pool, first, last);
  }

  /// Plans run_rows for at most `rows` image rows. Returns the size of the scratch memory of one call, in bytes.
  std::size_t plan_rows(const ConvolutionShape& s, std::int64_t rows) {
    if (grouped()) return by_group_.plan(s, 1);
    return depthwise_ ? by_channel_.plan(s, 1) : by_matrix_.plan_rows(merged(s), rows * s.out_w);
  }
  /// Computes output rows [first, last) of one image on the calling thread.
  void run_rows(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& e,
                std::int64_t out_element, std::byte* scratch, std::int64_t first, std::int64_t last,
                std::int64_t out_w) const noexcept {
    if (depthwise_)
      by_channel_.run_rows(in, init, padding, e, scratch, first, last);
    else if (grouped())
      by_group_.run_rows(in, init, padding, e, scratch, first, last);
    else
      by_matrix_.run_rows(in, init, padding, e, out_element, scratch, first * out_w, last * out_w);
  }

 private:
  bool grouped() const noexcept { return !by_group_.empty(); }
  void prepare_products(const Kernels& kernels, const ConvolutionWeights<T>& w,
                        const ConvolutionWeights<Other>& other) {
    by_matrix_ = {kernels, w};
    if (kernels.winograd || w.varies || w.same_floats) by_points_ = {kernels, other};
  }
  /// The sizes with merged groups.
  ConvolutionShape merged(ConvolutionShape s) const noexcept {
    s.groups /= merged_;
    return s;
  }
  void prepare_taps(const Kernels& kernels, const ConvolutionWeights<float>& w) {
    const KernelWindow& k = w.window;
    ConvolutionShape s;
    static_cast<KernelWindow&>(s) = k;
    if (by_matrix_.few_columns() || w.varies || w.adds || w.groups != 1 || w.repeat != 1 || k.stride_h != 1 ||
        k.stride_w != 1 || k.dilation_h != 1 || k.dilation_w != 1 ||
        !TapProducts<float>::pays(TapProducts<float>::axes_of(s), w.group_in, w.out_c))
      return;
    by_taps_ = {kernels, w.values, TapProducts<float>::axes_of(s), w.group_in, w.out_c, true};
  }

  /// Converts the weights for kernels that do not support their type. `room` owns the result.
  static ConvolutionWeights<Other> expand(const ConvolutionWeights<T>& w, Tensor<Other>& room) {
    if constexpr (std::is_same_v<T, Other>) {
      return w;
    } else {
      room = to_float(View<const T>(w.values, {w.out_c * w.repeat * w.k()}));
      ConvolutionWeights<Other> o{room.data(), w.out_c,  w.window, w.group_in, w.groups,
                                  w.order,     w.repeat, w.memory, w.init};
      o.adds = w.adds;
      o.same_floats = w.same_floats;
      return o;
    }
  }

  std::int64_t groups_ = 1, merged_ = 1;  // merged: groups that became one
  bool depthwise_ = false, winograd_ = false, pools_ = false, taps_ = false;
  GemmConvolution<T> by_matrix_;
  WinogradConvolution<Other> by_points_;
  DepthwiseConvolution<Other> by_channel_;
  GroupedConvolution by_group_;
  TapProducts<float> by_taps_;
};

}  // namespace detail
OCTET_END
