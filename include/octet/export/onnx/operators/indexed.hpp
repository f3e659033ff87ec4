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

/// Input i as int64, the only type that GatherND and ScatterND have.
inline std::string wide_places(NodeExport& n, int i) {
  const std::string places = n.real(i, Order::identity(n.rank(i)));
  if (n.input(i).dtype == DType::i64) return places;
  return n.step("places", "Cast", {places}, Attributes().integer("to", data_type_code(DType::i64)));
}

inline void export_gather_nd(NodeExport& n) {
  const auto& g = static_cast<const GatherND&>(n.op());
  n.node("GatherND", {n.real(0, Order::identity(n.rank())), wide_places(n, GatherND::places)},
         Order::identity(n.output().shape.rank()), Attributes().integer("batch_dims", g.batch_dims));
}

/// The version of the operator set that has the reduction.
inline std::int64_t scatter_opset(ScatterKind kind) noexcept {
  if (kind == ScatterKind::replace) return 13;
  return kind == ScatterKind::add || kind == ScatterKind::mul ? 16 : 18;
}

inline void export_scatter(NodeExport& n, const char* type, ScatterKind kind, const std::vector<std::string>& in,
                           const Order& o, Attributes a) {
  static constexpr const char* kinds[] = {"none", "add", "mul", "min", "max"};
  if (kind != ScatterKind::replace) a.text("reduction", kinds[static_cast<int>(kind)]);
  n.node(type, in, o, a);
}

inline void export_scatter_elements(NodeExport& n) {
  const auto& s = static_cast<const ScatterElements&>(n.op());
  const Order o = n.common_order();
  export_scatter(n, "ScatterElements", s.kind, {n.real(0, o), n.real(1, o), n.real(2, o)}, o,
                 Attributes().integer("axis", o[normalize_axis(s.axis, n.rank())]));
}

inline void export_scatter_nd(NodeExport& n) {
  const Order o = Order::identity(n.rank());
  const std::vector<std::string> in{n.real(0, o), wide_places(n, 1), n.real(2, Order::identity(n.rank(2)))};
  export_scatter(n, "ScatterND", static_cast<const ScatterND&>(n.op()).kind, in, o, Attributes());
}

inline void export_cumulative_sum(NodeExport& n) {
  const auto& s = static_cast<const CumulativeSum&>(n.op());
  const Order o = n.order();
  n.node("CumSum", {n.real(0, o), n.integers("axis", {o[normalize_axis(s.axis, n.rank())]})}, o,
         Attributes().integer("exclusive", s.exclusive ? 1 : 0).integer("reverse", s.reverse ? 1 : 0));
}

}  // namespace detail::onnx
OCTET_END
