#pragma once
#include "../../../operators/non_max_suppression.hpp"
#include "../../../operators/selection.hpp"
#include "../node_export.hpp"

OCTET_BEGIN
namespace detail::onnx {

inline void export_non_max_suppression(NodeExport& n) {
  const auto& op = static_cast<const NonMaxSuppression&>(n.op());
  const Order o = Order::identity(3);
  std::vector<std::string> in{n.real(0, o), n.real(1, o), n.integers("max_output_boxes_per_class", {op.max_per_class}),
                              n.scalar("iou_threshold", op.iou_threshold)};
  if (std::isfinite(op.score_threshold)) in.push_back(n.scalar("score_threshold", op.score_threshold));
  n.node("NonMaxSuppression", in, Order::identity(2),
         Attributes().integer("center_point_box", op.center_point_box ? 1 : 0));
}

inline void export_non_zero(NodeExport& n) {
  const bool rows = static_cast<const NonZero&>(n.op()).rows;
  // As a column or row of indices for each element: an order of the same tensor.
  n.node("NonZero", {n.real(0, Order::identity(n.rank()))}, rows ? Order{1, 0} : Order::identity(2));
}

inline void export_compress(NodeExport& n) {
  const auto& op = static_cast<const Compress&>(n.op());
  const Order o = n.order();
  n.node("Compress", {n.real(0, o), n.real(1, Order::identity(1))}, o,
         Attributes().integer("axis", o[normalize_axis(op.axis, o.rank())]));
}

inline void export_number_range(NodeExport& n) {
  n.node("Range", {n.real(0), n.real(1), n.real(2)}, Order::identity(1));
}

}  // namespace detail::onnx
OCTET_END
