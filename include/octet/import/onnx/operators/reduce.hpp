#pragma once
#include "plain.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// Converts axes of the model to those of the stored tensor, in ascending order.
inline std::vector<std::int64_t> stored_axes(const Operand& x, const std::vector<std::int64_t>& axes) {
  std::vector<std::int64_t> r;
  for (std::int64_t a : axes) r.push_back(x.order.find(normalize_axis(a, x.rank())));
  std::sort(r.begin(), r.end());
  r.erase(std::unique(r.begin(), r.end()), r.end());
  return r;
}

inline void import_reduce(NodeImport& n, ReduceKind kind) {
  const Operand x = plain(n, n.input(0));
  const std::vector<std::int64_t> axes = n.integers("axes", 1);
  const int v = n.builder.value(x);
  if (axes.empty() && n.flag("noop_with_empty_axes")) return n.result(n.add(Identity(), {v}, Keeps::all), x.order);
  std::vector<std::int64_t> stored = stored_axes(x, axes);
  const bool keep = n.flag("keepdims", true);
  Order order = x.order;
  if (!keep && axes.empty()) order = Order();
  if (!keep)
    for (auto a = stored.rbegin(); a != stored.rend(); ++a) order = order.without(order[static_cast<int>(*a)]);
  const bool batch = !axes.empty() && stored[0] != 0;
  n.result(n.add(Reduce(kind, std::move(stored), keep), {v}, batch ? Keeps::batch : Keeps::none), order);
}

inline void import_arg_max(NodeImport& n, bool smallest) {
  Operand x = n.input(0);
  if (n.builder.graph.value(n.builder.value(x)).quant.per_channel()) x = plain(n, x);
  const int axis = normalize_axis(n.integer("axis"), x.rank()), place = x.order.find(axis);
  ArgMax op(place, n.flag("keepdims", true));
  op.smallest = smallest;
  op.last = n.flag("select_last_index");
  const Order order = op.keep_dims ? x.order : x.order.without(axis);
  const Keeps keeps = op.keep_dims ? keeps_all_but(place) : place > 0 ? Keeps::batch : Keeps::none;
  n.result(n.add(std::move(op), {n.builder.value(x)}, keeps), order);
}

}  // namespace detail::onnx
OCTET_END
