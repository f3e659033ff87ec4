#pragma once
#include "../../../operators/cumulative_sum.hpp"
#include "../../../operators/shape/gather_elements.hpp"
#include "../../../operators/shape/scatter.hpp"
#include "../node_export.hpp"

OCTET_BEGIN
namespace detail::onnx {

inline void export_gather_elements(NodeExport& n) {
  const auto& g = static_cast<const GatherElements&>(n.op());
  const Order o = n.common_order();
  n.node("GatherElements", {n.real(0, o), n.real(GatherElements::places, o)}, o,
         Attributes().integer("axis", o[normalize_axis(g.axis, n.rank())]));
}

inline void export_gather_nd(NodeExport& n) {
  const auto& g = static_cast<const GatherND&>(n.op());
  n.node("GatherND", {n.real(0, Order::identity(n.rank())), n.real(GatherND::places, Order::identity(n.rank(1)))},
         Order::identity(n.output().shape.rank()), Attributes().integer("batch_dims", g.batch_dims));
}

/// The version of the operator set that has the reduction.
inline std::int64_t scatter_opset(ScatterKind kind) noexcept {
  if (kind == ScatterKind::replace) return 13;
  return kind == ScatterKind::add || kind == ScatterKind::mul ? 16 : 18;
}

inline void export_scatter(NodeExport& n, const char* type, ScatterKind kind, const std::vector<Order>& orders,
                           Attributes a) {
  static constexpr const char* kinds[] = {"none", "add", "mul", "min", "max"};
  std::vector<std::string> in;
  for (int i = 0; i < 3; ++i) in.push_back(n.real(i, orders[static_cast<std::size_t>(i)]));
  if (kind != ScatterKind::replace) a.text("reduction", kinds[static_cast<int>(kind)]);
  n.node(type, in, orders[0], a);
}

inline void export_scatter_elements(NodeExport& n) {
  const auto& s = static_cast<const ScatterElements&>(n.op());
  const Order o = n.common_order();
  export_scatter(n, "ScatterElements", s.kind, {o, o, o},
                 Attributes().integer("axis", o[normalize_axis(s.axis, n.rank())]));
}

inline void export_scatter_nd(NodeExport& n) {
  std::vector<Order> orders;
  for (int i = 0; i < 3; ++i) orders.push_back(Order::identity(n.rank(i)));
  export_scatter(n, "ScatterND", static_cast<const ScatterND&>(n.op()).kind, orders, Attributes());
}

inline void export_cumulative_sum(NodeExport& n) {
  const auto& s = static_cast<const CumulativeSum&>(n.op());
  const Order o = n.order();
  n.node("CumSum", {n.real(0, o), n.integers("axis", {o[normalize_axis(s.axis, n.rank())]})}, o,
         Attributes().integer("exclusive", s.exclusive ? 1 : 0).integer("reverse", s.reverse ? 1 : 0));
}

}  // namespace detail::onnx
OCTET_END
