#pragma once
#include "../../../operators/register_operator.hpp"
#include "../node_export.hpp"

OCTET_BEGIN
namespace detail::onnx {

inline Order own_file_order(OnnxLayout layout, const Order& stored, const Order& first) {
  if (layout == OnnxLayout::any && stored.rank() == first.rank()) return first;
  if (layout == OnnxLayout::channels_last && stored.rank() >= 3) return Order::channels_last(stored.rank());
  return Order::identity(stored.rank());
}

/// A registered operator with a name in ONNX files: its parameters become attributes.
inline void export_own_operator(NodeExport& n, const OperatorType& type) {
  const std::shared_ptr<Operator> copy = type.copy(n.op());
  Attributes a;
  AttributeWriter writer(a);
  copy->fields(writer);
  const OnnxLayout layout = type.files.onnx_layout;
  const Order first = n.has(0) ? n.order(0) : Order();
  std::vector<std::string> in;
  for (int i = 0; i < n.inputs(); ++i)
    in.push_back(n.has(i) ? n.real(i, own_file_order(layout, Order::identity(n.rank(i)), first)) : "");
  std::vector<Order> orders;
  for (int i = 0; i < n.outputs(); ++i)
    orders.push_back(own_file_order(layout, Order::identity(n.output(i).shape.rank()), first));
  n.whole_node(type.files.onnx_type, in, orders, a, type.files.onnx_domain);
}

}  // namespace detail::onnx
OCTET_END
