#pragma once
#include <array>

#include "declare.hpp"

OCTET_BEGIN

/// Sliding windows over the spatial dimensions of an NHWC tensor, for convolution and pooling. One entry for each
/// spatial dimension (1 to 3), outermost first. Default: 1x1 windows of a 2-D image.
struct Window {
  /// How many zeros surround the image.
  enum class Padding : std::uint8_t {
    given,       ///< as in pads_before and pads_after
    same_upper,  ///< output = ceil(input / stride), the odd pixel of padding at the end (TensorFlow's SAME)
    same_lower,  ///< ... at the beginning
    valid        ///< none
  };
  std::vector<std::int64_t> kernel{1, 1};       ///< size of the window in elements
  std::vector<std::int64_t> strides{1, 1};      ///< steps from window to window, at least 1
  std::vector<std::int64_t> dilations{1, 1};    ///< distance of the window's elements, at least 1
  std::vector<std::int64_t> pads_before{0, 0};  ///< zeros at the beginning, if padding is given
  std::vector<std::int64_t> pads_after{0, 0};   ///< zeros at the end, if padding is given
  Padding padding = Padding::given;             ///< where the amount of padding comes from
  bool ceil_mode = false;                       ///< rounds the output size up; pooling only

  Window() = default;
  /// A 2-D window without padding.
  Window(std::int64_t h, std::int64_t w, std::int64_t stride = 1, std::int64_t pad = 0)
      : kernel{h, w}, strides{stride, stride}, dilations{1, 1}, pads_before{pad, pad}, pads_after{pad, pad} {}

  /// Number of spatial dimensions.
  int rank() const noexcept { return static_cast<int>(kernel.size()); }
  /// Number of elements in the window.
  std::int64_t taps() const {
    std::int64_t n = 1;
    for (std::int64_t k : kernel) n *= k;
    return n;
  }
  /// Whether elements of the window are apart.
  bool dilated() const noexcept {
    for (std::int64_t d : dilations)
      if (d != 1) return true;
    return false;
  }
  /// Whether there may be padding.
  OCTET_API bool pads() const;
  /// Adds zeros around the spatial dimensions, unless the padding depends on the input's size.
  OCTET_API bool widen(const std::vector<std::int64_t>& before, const std::vector<std::int64_t>& after);
  /// "3x3", with "/2" where the stride is not 1.
  OCTET_API std::string summary() const;

  /// The parameters of the window, as part of an operator's.
  void fields(FieldVisitor& v) {
    v.field("kernel", kernel);
    v.field("strides", strides);
    v.field("dilations", dilations);
    v.field("pads_before", pads_before);
    v.field("pads_after", pads_after);
    v.field("padding", padding, Padding::valid);
    v.field("ceil_mode", ceil_mode);
  }
};

namespace detail {

/// A window along one dimension of an input.
struct WindowAxis {
  std::int64_t in = 1, out = 1, kernel = 1, stride = 1, dilation = 1, before = 0, after = 0;
  std::int64_t reach() const noexcept { return (kernel - 1) * dilation + 1; }
};

inline WindowAxis resolve_axis(const Window& w, std::size_t i, std::int64_t in, const ShapeContext& c) {
  WindowAxis a{in, Shape::unknown, w.kernel[i], w.strides[i], w.dilations[i], 0, 0};
  constexpr std::int64_t limit = 1 << 20;
  c.require(
      a.kernel > 0 && a.stride > 0 && a.dilation > 0 && a.kernel <= limit && a.stride <= limit && a.dilation <= limit,
      "expected kernel, stride and dilation in 1 .. ", limit, ", found ", a.kernel, ", ", a.stride, ", ", a.dilation);
  if (w.padding == Window::Padding::given) {
    a.before = w.pads_before[i];
    a.after = w.pads_after[i];
    c.require(a.before >= 0 && a.after >= 0 && a.before <= limit && a.after <= limit, "expected padding in 0 .. ",
              limit, ", found ", a.before, " and ", a.after);
  }
  if (in == Shape::unknown) return a;
  if (w.padding == Window::Padding::same_upper || w.padding == Window::Padding::same_lower) {
    a.out = (in + a.stride - 1) / a.stride;
    const std::int64_t total = std::max<std::int64_t>(0, (a.out - 1) * a.stride + a.reach() - in);
    a.before = w.padding == Window::Padding::same_upper ? total / 2 : total - total / 2;
    a.after = total - a.before;
    return a;
  }
  const std::int64_t room = in + a.before + a.after - a.reach();
  c.require(room >= 0, "a window of ", a.reach(), " does not fit into ", in, " pixels with padding ", a.before, " and ",
            a.after);
  a.out = room / a.stride + 1;
  if (w.ceil_mode) {  // the last window may extend beyond the end, but has to start inside the input or the padding
                      // before it
    a.out = (room + a.stride - 1) / a.stride + 1;
    if ((a.out - 1) * a.stride >= in + a.before) --a.out;
  }
  return a;
}

/// The window for an input [N, spatial ..., C] as three dimensions; missing outer ones are trivial.
inline std::array<WindowAxis, 3> resolve(const Window& w, const Shape& input, const ShapeContext& c) {
  const auto n = w.kernel.size();
  c.require(n >= 1 && n <= 3 && w.strides.size() == n && w.dilations.size() == n &&
                (w.padding != Window::Padding::given || (w.pads_before.size() == n && w.pads_after.size() == n)),
            "kernel, strides, dilations and pads have to have one entry for each of 1 to 3 spatial dimensions");
  c.require(input.rank() == static_cast<int>(n) + 2, "expected a tensor [N, ..., C] with ", n,
            " spatial dimensions, found ", input);
  std::array<WindowAxis, 3> axes;
  for (std::size_t i = 0; i < n; ++i) axes[3 - n + i] = resolve_axis(w, i, input[static_cast<int>(i) + 1], c);
  return axes;
}

/// [N, output sizes ..., channels]
inline Shape window_output(const std::array<WindowAxis, 3>& axes, const Shape& input, std::int64_t channels) {
  Shape s{input[0]};
  for (int i = 1; i + 1 < input.rank(); ++i) s.push_back(axes[static_cast<std::size_t>(i + 4 - input.rank())].out);
  s.push_back(channels);
  return s;
}

}  // namespace detail
OCTET_END

#if !defined(OCTET_COMPILED)
#  include "window.inl"
#endif
