#pragma once
#include "reshape.hpp"

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
      const Operand rows = reshaped(n, x, flattened(x, axis), "rows");
      const Order order = Order::identity(2);
      op.axis = 1;
      const int v = n.step("softmax", op, {n.builder.value(rows, order)}, Keeps::all);
      std::vector<Target> back;
      for (int d = 0; d < x.rank(); ++d) back.push_back({shape[d], d == 0 && axis == 1 ? 0 : -1});
      return n.result(reshaped(n, n.builder.operand(v, order, x.name()), back));
    }
    axis = last;
  }
  op.axis = x.order.find(axis);
  n.result(n.add(op, {n.builder.value(x)}, Keeps::all), x.order);
}

}  // namespace detail::onnx
OCTET_END
