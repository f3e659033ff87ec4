#pragma once
#include "../../../operators/pooling/average_pool.hpp"
#include "../../../operators/pooling/max_pool.hpp"
#include "window.hpp"

OCTET_BEGIN
namespace detail::tflite {

inline Options pool_options(const Window& w, int padding) {
  Options o(5);
  o.byte(0, padding).integer(1, w.strides[1]).integer(2, w.strides[0]);
  return o.integer(3, w.kernel[1]).integer(4, w.kernel[0]);
}

/// Input 0 after padding that no maximum is in.
inline int padded_below(NodeExport& n, const FilePadding& p, int x) {
  const FileTensor from = n.tensors().at(x);
  const bool codes = is_code(from.dtype) && from.quant;
  if (!p.pads() || (codes && from.quant.zero_point[0] == integer_range(from.dtype).low)) return padded_input(n, p, x);
  Shape s = from.shape;
  for (int i = 0; i < 2; ++i)
    if (s[i + 1] >= 0) s[i + 1] += p.before[static_cast<std::size_t>(i)] + p.after[static_cast<std::size_t>(i)];
  const int y = n.step("padded", from.dtype, s, from.quant);
  Tensor<std::int32_t> sizes({4, 2},
                             {0, 0, static_cast<std::int32_t>(p.before[0]), static_cast<std::int32_t>(p.after[0]),
                              static_cast<std::int32_t>(p.before[1]), static_cast<std::int32_t>(p.after[1]), 0, 0});
  const AnyTensor lowest =
      codes ? AnyTensor::make(from.dtype, {},
                              [&](std::byte* to) {
                                store_element(from.dtype, to, 0, static_cast<double>(integer_range(from.dtype).low));
                              })
            : AnyTensor(Tensor<float>(Shape{}, std::vector<float>{std::numeric_limits<float>::lowest()}));
  n.operate("PADV2", 1, 2,
            {x, n.tensors().constant(n.name() + "/paddings", std::move(sizes)),
             n.tensors().constant(n.name() + "/lowest", lowest, from.quant)},
            {y}, Options(43));
  return y;
}

inline void require_dense(const NodeExport& n, const Window& w) {
  n.require(!w.dilated(), "is a pool with dilation, which TFLite does not have");
}

inline void export_max_pool(NodeExport& n) {
  const auto& m = static_cast<const MaxPool&>(n.op());
  n.require(!m.indices, "also gives the positions of maxima, which TFLite does not have");
  require_dense(n, m.window);
  const FilePadding p = file_padding(n, m.window, n.input(0).shape);
  n.operate("MAX_POOL_2D", 1, 2, {padded_below(n, p, n.in_like_output(0))}, {n.out()}, pool_options(m.window, p.code));
}

/// A pool of codes without padding is a depthwise convolution with weights of 1, which rounds once and has a scale of
/// its own.
inline void export_average_pool(NodeExport& n) {
  const auto& a = static_cast<const AveragePool&>(n.op());
  require_dense(n, a.window);
  FilePadding p = file_padding(n, a.window, n.input(0).shape);
  n.require(!a.include_padding || !leaves_padding(n, a.window),
            "counts padding, but not what its last windows have beyond it (ceil_mode), which TFLite does not have");
  const bool whole = p.code == 1 && (!p.pads() || a.include_padding);
  n.require(whole || (p.code == 0 && !a.include_padding) || a.include_padding,
            "averages only the pixels inside the image with a padding other than SAME, which TFLite does not have");
  if (a.include_padding && p.code == 0) {  // SAME leaves the padding out
    n.require(n.input(0).shape.known() || (n.input(0).shape[1] > 0 && n.input(0).shape[2] > 0),
              "has images of unknown size and counts padding: set the size of the model's input");
    const ShapeContext c(n.name(), n.op().type(), {}, {});
    for (int i = 0; i < 2; ++i) {
      const WindowAxis axis = resolve_axis(a.window, static_cast<std::size_t>(i), n.input(0).shape[i + 1], c);
      p.before[static_cast<std::size_t>(i)] = axis.before;
      p.after[static_cast<std::size_t>(i)] = axis.after;
    }
    p.code = 1;
  }
  if (n.has_codes() && is_signed(n.code_type()) && p.code == 1 && n.input(0).shape[3] > 0) {
    const auto taps = static_cast<float>(a.window.taps());
    return n.tensors().depthwise_of_ones(padded_input(n, p, n.in(0)), n.out(), a.window.kernel, a.window.strides,
                                         1 / taps);
  }
  const int x = padded_input(n, p, n.in(0)), y = n.out();
  const FileTensor from = n.tensors().at(x), to = n.tensors().at(y);
  const bool rescaled = is_code(from.dtype) && is_code(to.dtype) && from.quant != to.quant;
  const int mean = rescaled ? n.step("mean", to.dtype, to.shape, from.quant) : y;
  n.operate("AVERAGE_POOL_2D", 1, 2, {x}, {mean}, pool_options(a.window, p.code));
  if (!rescaled) return;
  n.note(n.tensors().options(), "is averaged in the scale of its input, as TFLite requires, and then requantized");
  n.tensors().rescale(mean, y);  // not before the average: codes beyond the result's range would be clipped
}

}  // namespace detail::tflite
OCTET_END
