#pragma once
#include "convolution.hpp"

OCTET_BEGIN
namespace detail::onnx {

inline void import_max_pool(NodeImport& n) {
  const Operand& x = n.input(0);
  MaxPool op;
  op.window = import_window(n, n.integers("kernel_shape"));
  op.indices = n.wants(1);
  op.columns_first = n.flag("storage_order");
  const int count = op.indices ? 2 : 1;
  const Order order = Order::channels_last(x.rank());
  const int v = n.add(std::move(op), {image_value(n, x)}, Keeps::batch, 0, count);
  for (int i = 0; i < count; ++i) n.result(v + i, order, i);
}

inline void import_average_pool(NodeImport& n) {
  const Operand& x = n.input(0);
  AveragePool op;
  op.window = import_window(n, n.integers("kernel_shape"));
  op.include_padding = n.flag("count_include_pad");
  n.result(n.add(std::move(op), {image_value(n, x)}, Keeps::batch), Order::channels_last(x.rank()));
}

/// All axes except the first and the last.
inline std::vector<std::int64_t> spatial_axes(int rank) {
  std::vector<std::int64_t> axes;
  for (int d = 1; d + 1 < rank; ++d) axes.push_back(d);
  return axes;
}

/// Reduces over all spatial dimensions.
inline void import_global_pool(NodeImport& n, ReduceKind kind) {
  const Operand& x = n.input(0);
  const int v = n.add(Reduce(kind, spatial_axes(x.rank()), true), {image_value(n, x)}, Keeps::batch);
  n.result(v, Order::channels_last(x.rank()));
}

}  // namespace detail::onnx
OCTET_END
