#pragma once
#include "../../../operators/pooling/unpool.hpp"
#include "../../../operators/resize/grid_sample.hpp"
#include "../../../operators/shape/reverse_sequence.hpp"
#include "indexed.hpp"
#include "window.hpp"

OCTET_BEGIN
namespace detail::onnx {

inline void export_grid_sample(NodeExport& n) {
  const auto& g = static_cast<const GridSample&>(n.op());
  static constexpr const char* modes[] = {"nearest", "linear", "cubic"};
  static constexpr const char* paddings[] = {"zeros", "border", "reflection"};
  Attributes a;
  a.text("mode", modes[static_cast<int>(g.mode)]).text("padding_mode", paddings[static_cast<int>(g.padding)]);
  a.integer("align_corners", g.align_corners ? 1 : 0);
  n.node("GridSample", {n.real(0, n.images()), n.real(GridSample::grid, Order::identity(4))}, n.images(), a);
}

inline void export_unpool(NodeExport& n) {
  const auto& u = static_cast<const Unpool&>(n.op());
  std::vector<std::string> in{n.real(0, n.images()), n.real(Unpool::places, n.images())};
  if (!u.sizes.empty()) {
    const Shape& s = n.output().shape;
    n.require(s.known(), "has a given size, but images of unknown number or channels: set the model's input");
    std::vector<std::int64_t> shape{s[0], s.back()};
    shape.insert(shape.end(), u.sizes.begin(), u.sizes.end());
    in.push_back(n.integers("shape", shape));
  }
  n.node("MaxUnpool", in, n.images(), window_attributes(n, u.window, false));
}

/// ONNX has the two axes first.
inline void export_reverse_sequence(NodeExport& n) {
  const auto& r = static_cast<const ReverseSequence&>(n.op());
  const int time = normalize_axis(r.axis, n.rank()), batch = normalize_axis(r.batch_axis, n.rank());
  Order o;
  for (int d = 0, next = 2; d < n.rank(); ++d) o.push_back(d == time ? 0 : d == batch ? 1 : next++);
  n.node("ReverseSequence", {n.real(0, o), wide_places(n, ReverseSequence::lengths)}, o,
         Attributes().integer("time_axis", 0).integer("batch_axis", 1));
}

}  // namespace detail::onnx
OCTET_END
