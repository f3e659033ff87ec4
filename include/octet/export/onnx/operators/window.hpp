#pragma once
#include "../node_export.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// The padding of a window as attributes: pads where they are known, else auto_pad.
inline void add_pads(const NodeExport& n, Attributes& a, const Window& w, const Shape& image) {
  const bool same = w.padding == Window::Padding::same_upper || w.padding == Window::Padding::same_lower;
  std::vector<std::int64_t> before, after;
  const ShapeContext c(n.name(), n.op().type(), {}, {});
  for (int i = 0; i < w.rank(); ++i) {
    const WindowAxis axis = resolve_axis(w, static_cast<std::size_t>(i), image[i + 1], c);
    if (same && image[i + 1] == Shape::unknown) {
      a.text("auto_pad", w.padding == Window::Padding::same_upper ? "SAME_UPPER" : "SAME_LOWER");
      return;
    }
    before.push_back(axis.before);
    after.push_back(axis.after);
  }
  before.insert(before.end(), after.begin(), after.end());
  a.integers("pads", before);
}

/// kernel_shape, strides, dilations and padding.
inline Attributes window_attributes(const NodeExport& n, const Window& w, bool dilates = true) {
  Attributes a;
  a.integers("kernel_shape", w.kernel).integers("strides", w.strides);
  if (dilates) a.integers("dilations", w.dilations);
  add_pads(n, a, w, n.input(0).shape);
  return a;
}

}  // namespace detail::onnx
OCTET_END
