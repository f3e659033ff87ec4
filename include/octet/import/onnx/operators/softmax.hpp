#pragma once
#include "rows.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// Since operator set 13 along one axis; before that over all elements from an axis on.
inline void import_softmax(NodeImport& n, bool log) {
  const Operand& x = n.input(0);
  const bool flattens = n.opset() < 13;
  int axis = normalize_axis(n.integer("axis", flattens ? 1 : -1), x.rank());
  const Shape shape = x.shape();
  Softmax op;
  op.log = log;
  if (flattens) {
    int larger = 0, last = axis;  // dimensions with more than one element
    for (int d = axis; d < x.rank(); ++d)
      if (shape[d] != 1) {
        ++larger;
        last = d;
      }
    if (larger > 1) {
      const Operand rows = rows_of(n, x, axis);
      const Order order = Order::identity(2);
      op.axis = 1;
      const int v = n.step("softmax", op, {n.builder.value(rows, order)}, Keeps::all);
      return result_of_rows(n, n.builder.operand(v, order, x.name()), x, axis);
    }
    axis = last;
  }
  op.axis = x.order.find(axis);
  n.result(n.add(op, {n.builder.value(x)}, Keeps::all), x.order);
}

}  // namespace detail::onnx
OCTET_END
