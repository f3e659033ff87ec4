#pragma once
#include "reshape.hpp"

/// Flatten, and operators of older files that compute with the rows of such a matrix.
OCTET_BEGIN
namespace detail::onnx {

/// Targets [product of the sizes before the axis, product of the others].
inline std::vector<Target> flattened(const Operand& x, int axis) {
  const Shape in = x.shape();
  const auto part = [&](int from, int to) {
    Target t;
    if (to - from == 1) t.from = from;
    bool known = true;
    for (int d = from; d < to; ++d) known = known && in[d] != Shape::unknown;
    if (known) t.size = in.product(from, to);
    return t;
  };
  return {part(0, axis), part(axis, in.rank())};
}

inline void import_flatten(NodeImport& n) {
  const Operand& x = n.input(0);
  const std::int64_t given = n.integer("axis", 1);
  const int axis = given == x.rank() ? x.rank() : normalize_axis(given, x.rank());
  if (const std::optional<Operand> y = try_reshaped(n, x, flattened(x, axis))) return n.result(*y);
  n.result(n.add(Flatten(axis), {n.builder.value(x, Order::identity(x.rank()))}), Order::identity(2));
}

/// x as a matrix: the dimensions before the axis, and those from it on.
inline Operand rows_of(NodeImport& n, const Operand& x, int axis) {
  if (const std::optional<Operand> y = try_reshaped(n, x, flattened(x, axis), "rows")) return *y;
  const int v = n.step("rows", Flatten(axis), {n.builder.value(x, Order::identity(x.rank()))});
  return n.builder.operand(v, Order::identity(2), x.name());
}

/// The result of the node: a matrix with the elements of `rows_of`, in the shape of x.
inline void result_of_rows(NodeImport& n, const Operand& rows, const Operand& x, int axis) {
  std::vector<Target> back;
  for (int d = 0; d < x.rank(); ++d) back.push_back({x.shape()[d], d == 0 && axis == 1 ? 0 : -1});
  if (const std::optional<Operand> y = try_reshaped(n, rows, back)) return n.result(*y);
  std::vector<std::int64_t> places;
  for (int d = 0; d < x.rank(); ++d) places.push_back(x.order.find(d));
  const int shape = n.step("shape", SizesOf(places), {n.builder.value(x)});
  Reshape op;
  op.allow_zero = true;
  const std::vector<int> in{n.builder.value(rows, Order::identity(2)), shape};
  const int v = n.add(Parametrized(std::move(op), "target", x.shape()), in);
  n.builder.set_symbols(v, n.builder.symbols(x));
  n.result(v, Order::identity(x.rank()));
}

}  // namespace detail::onnx
OCTET_END
