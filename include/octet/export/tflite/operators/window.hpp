#pragma once
#include "../../../operators/window.hpp"
#include "../node_export.hpp"

OCTET_BEGIN
namespace detail::tflite {

/// The padding of a window as TFLite has it: 0 SAME, 1 VALID, in front of which there may have to be a PAD.
struct FilePadding {
  int code = 1;
  std::vector<std::int64_t> before{0, 0}, after{0, 0};  // of the PAD
  bool pads() const noexcept { return before[0] || before[1] || after[0] || after[1]; }
};

inline FilePadding file_padding(const NodeExport& n, const Window& w, const Shape& image) {
  n.require(w.rank() == 2 && image.rank() == 4, "computes with images of shape ", image,
            ", which TFLite cannot say: it has images [N, H, W, C] only");
  if (w.padding == Window::Padding::same_upper) return {0};
  FilePadding p;
  bool same = true, any = false;
  const ShapeContext c(n.name(), n.op().type(), {}, {});
  for (int i = 0; i < 2; ++i) {
    const auto k = static_cast<std::size_t>(i);
    const WindowAxis a = resolve_axis(w, k, image[i + 1], c);
    if (image[i + 1] == Shape::unknown) {
      n.require(w.padding != Window::Padding::same_lower && !w.ceil_mode,
                "has images of unknown size, whose padding TFLite cannot say: set the size of the model's input");
      same = same && a.stride == 1 && a.before == a.after && a.before + a.after == a.reach() - 1;
      p.before[k] = a.before;
      p.after[k] = a.after;
    } else {
      const std::int64_t total = std::max<std::int64_t>(0, (a.out - 1) * a.stride + a.reach() - a.in);
      same = same && a.out == (a.in + a.stride - 1) / a.stride && a.before == total / 2;
      p.before[k] = a.before;
      p.after[k] = std::max<std::int64_t>(0, total - a.before);  // what the windows reach
    }
    any = any || p.before[k] || p.after[k];
  }
  if (same && any) return {0};
  return p;
}

/// Whether the last windows reach beyond the image and its padding, as they may in ceil_mode.
inline bool leaves_padding(const NodeExport& n, const Window& w) {
  const ShapeContext c(n.name(), n.op().type(), {}, {});
  for (int i = 0; i < w.rank(); ++i) {
    const WindowAxis a = resolve_axis(w, static_cast<std::size_t>(i), n.input(0).shape[i + 1], c);
    if (a.in != Shape::unknown && (a.out - 1) * a.stride + a.reach() > a.in + a.before + a.after) return true;
  }
  return false;
}

/// Input 0 after a PAD with zeros, if the padding needs one.
inline int padded_input(NodeExport& n, const FilePadding& p, int x) {
  if (!p.pads()) return x;
  const FileTensor from = n.tensors().at(x);
  Shape s = from.shape;
  for (int i = 0; i < 2; ++i) {
    const auto k = static_cast<std::size_t>(i);
    if (s[i + 1] >= 0) s[i + 1] += p.before[k] + p.after[k];
  }
  const int y = n.step("padded", from.dtype, s, from.quant);
  Tensor<std::int32_t> sizes({4, 2},
                             {0, 0, static_cast<std::int32_t>(p.before[0]), static_cast<std::int32_t>(p.after[0]),
                              static_cast<std::int32_t>(p.before[1]), static_cast<std::int32_t>(p.after[1]), 0, 0});
  n.operate("PAD", 1, 2, {x, n.tensors().constant(n.name() + "/paddings", std::move(sizes))}, {y}, Options(22));
  return y;
}

}  // namespace detail::tflite
OCTET_END
