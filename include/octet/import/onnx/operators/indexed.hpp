#pragma once
#include "alignment.hpp"
#include "plain.hpp"

/// Elements at places that are computed.
OCTET_BEGIN
namespace detail::onnx {

inline void import_gather_elements(NodeImport& n) {
  const Operand &x = n.input(0), &places = n.input(1);
  n.require(x.rank() == places.rank(), "expected indices with as many dimensions as ", x.shape(), ", found ",
            places.shape());
  const Order order = common_order({x, places});
  const int axis = order.find(normalize_axis(n.integer("axis"), x.rank()));
  n.result(n.add(octet::GatherElements(axis), {n.builder.value(x, order), n.builder.value(places, order)}), order);
}

inline void import_gather_nd(NodeImport& n) {
  const Operand &x = n.input(0), &places = n.input(1);
  const std::vector<int> in{n.builder.value(x, Order::identity(x.rank())),
                            n.builder.value(places, Order::identity(places.rank()))};
  const int v = n.add(octet::GatherND(n.integer("batch_dims")), in);
  n.result(v, Order::identity(n.builder.graph.value(v).shape.rank()));
}

inline ScatterKind scatter_kind(NodeImport& n) {
  const std::string kind = n.text("reduction", "none");
  if (kind == "none") return ScatterKind::replace;
  if (kind == "add") return ScatterKind::add;
  if (kind == "mul") return ScatterKind::mul;
  if (kind == "min") return ScatterKind::min;
  n.require(kind == "max", "reduction '", kind, "' is not supported");
  return ScatterKind::max;
}

inline void import_scatter_elements(NodeImport& n) {
  const std::vector<Operand> all{plain(n, n.input(0)), n.input(1), plain(n, n.input(2))};
  for (const Operand& x : all)
    n.require(x.rank() == all[0].rank(), "'", x.name(), "' of shape ", x.shape(), " has other dimensions than ",
              all[0].shape());
  const Order order = common_order(all);
  std::vector<int> in;
  for (const Operand& x : all) in.push_back(n.builder.value(x, order));
  const int axis = order.find(normalize_axis(n.integer("axis"), order.rank()));
  n.result(n.add(ScatterElements(axis, scatter_kind(n)), in, Keeps::all), order);
}

inline void import_scatter_nd(NodeImport& n) {
  std::vector<int> in;
  for (int i = 0; i < 3; ++i) {
    const Operand x = i == 1 ? n.input(i) : plain(n, n.input(i));
    in.push_back(n.builder.value(x, Order::identity(x.rank())));
  }
  n.result(n.add(ScatterND(scatter_kind(n)), in, Keeps::all), Order::identity(n.input(0).rank()));
}

inline void import_cumulative_sum(NodeImport& n) {
  const Operand x = plain(n, n.input(0));
  const std::vector<std::int64_t> axis = n.constant_integers(1);
  n.require(axis.size() == 1, "expected one axis, found ", axis.size());
  const int place = x.order.find(normalize_axis(axis[0], x.rank()));
  n.result(n.add(CumulativeSum(place, n.flag("exclusive"), n.flag("reverse")), {n.builder.value(x)}, Keeps::all),
           x.order);
}

}  // namespace detail::onnx
OCTET_END
