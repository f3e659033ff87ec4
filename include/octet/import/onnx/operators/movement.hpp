#pragma once
#include "alignment.hpp"
#include "plain.hpp"
#include "run_time.hpp"

/// Operators that move elements. Axes are converted to those of the stored tensor.
OCTET_BEGIN
namespace detail::onnx {

/// The operand with its dimensions permuted: dimension j is perm[j]. Adds no node; only the order changes.
inline Operand reordered(const Operand& x, const Order& perm) {
  Operand y = x;
  y.order = permutation(perm, x.order);
  return y;
}

inline void import_transpose(NodeImport& n) {
  const Operand& x = n.input(0);
  std::vector<std::int64_t> perm = n.integers("perm");
  if (perm.empty())
    for (int d = x.rank() - 1; d >= 0; --d) perm.push_back(d);
  std::vector<std::int64_t> sorted = perm;
  std::sort(sorted.begin(), sorted.end());
  bool fits = static_cast<int>(perm.size()) == x.rank();
  for (int d = 0; fits && d < x.rank(); ++d) fits = sorted[static_cast<std::size_t>(d)] == d;
  n.require(fits, "perm is not a permutation of the dimensions of ", x.shape());
  Order p;
  for (std::int64_t d : perm) p.push_back(static_cast<int>(d));
  n.result(reordered(x, p));
}

inline void import_concat(NodeImport& n) {
  std::vector<Operand> operands = n.all_inputs();
  const Order order = common_order(operands);
  n.require(n.has_attribute("axis"), "attribute axis is missing");
  const int axis = normalize_axis(n.integer("axis"), order.rank());
  const auto quant = [&](const Operand& x) {
    return x.is_constant() ? QuantParams() : n.builder.graph.value(n.builder.value(x)).quant;
  };
  const QuantParams q = quant(operands[0]);
  bool alike = true;
  for (const Operand& x : operands) {
    n.require(x.rank() == order.rank(), "'", x.name(), "' of shape ", x.shape(), " cannot be concatenated with ",
              operands[0].shape());
    n.require(x.dtype() == operands[0].dtype(), "expected inputs of one type, found ", octet::name(operands[0].dtype()),
              " and ", octet::name(x.dtype()));
    alike = alike && quant(x) == q;
  }
  std::vector<int> in;
  for (const Operand& x : operands) in.push_back(n.builder.value(alike ? x : plain(n, x), order));
  const int place = order.find(axis);
  const int v = n.add(Concat(place), in, keeps_all_but(place));
  if (alike) n.builder.graph.value(v).quant = q;
  n.result(v, order);
}

/// A slice whose starts or ends are known in each run.
inline void import_run_time_slice(NodeImport& n) {
  const Operand& x = n.input(0);
  Slice op;
  Shape result = permuted(x.shape(), x.order);
  const Shape count = n.input(1).shape();
  n.require(count.rank() == 1 && count[0] >= 0 && count[0] <= x.rank(), "input 1: expected a vector of at most ",
            x.rank(), " starts, found the shape ", count);
  if (n.has(3)) op.axes = n.constant_integers(3);
  for (std::int64_t i = 0; i < count[0]; ++i) {
    if (static_cast<std::int64_t>(op.axes.size()) == i) op.axes.push_back(i);
    std::int64_t& axis = op.axes[static_cast<std::size_t>(i)];
    axis = x.order.find(normalize_axis(axis, x.rank()));
    result[static_cast<int>(axis)] = Shape::unknown;
  }
  if (n.has(4)) op.steps = n.constant_integers(4);
  add_parametrized(n, Parametrized(std::move(op), "starts,ends", result), x, x.order,
                   {n.builder.value(n.input(1)), n.builder.value(n.input(2))}, x.order);
}

inline void import_slice(NodeImport& n) {
  if (n.opset() >= 10 && (is_run_time(n, 1) || is_run_time(n, 2))) return import_run_time_slice(n);
  const Operand& x = n.input(0);
  Slice op;
  const auto list = [&](const char* key, int i) { return n.opset() < 10 ? n.integers(key) : n.integers(key, i); };
  op.starts = list("starts", 1);
  op.ends = list("ends", 2);
  op.axes = list("axes", 3);
  op.steps = list("steps", 4);
  n.require(op.starts.size() <= static_cast<std::size_t>(x.rank()), "found ", op.starts.size(),
            " starts for an input of shape ", x.shape());
  unsigned keeps = ~0u;
  for (std::size_t i = 0; i < op.starts.size(); ++i) {
    if (op.axes.size() == i) op.axes.push_back(static_cast<std::int64_t>(i));
    const int place = x.order.find(normalize_axis(op.axes[i], x.rank()));
    op.axes[i] = place;
    keeps &= ~(1u << place);
  }
  n.result(n.add(std::move(op), {n.builder.value(x)}, static_cast<Keeps>(keeps)), x.order);
}

inline void import_split(NodeImport& n) {
  const Operand& x = n.input(0);
  const int axis = normalize_axis(n.integer("axis"), x.rank()), place = x.order.find(axis);
  Split op;
  op.axis = place;
  if (n.opset() >= 13 && is_run_time(n, 1)) {
    require_numbers(n, 1, at(n.outputs()));
    op.parts = n.outputs();
    Shape result = x.source->shape;
    result[place] = Shape::unknown;
    Parametrized parts(std::move(op), "sizes", result);
    parts.outputs = n.outputs();
    return add_parametrized(n, std::move(parts), x, x.order, {n.builder.value(n.input(1))}, x.order);
  }
  op.sizes = n.integers("split", 1);
  if (op.sizes.empty()) op.parts = n.outputs();
  n.require(op.sizes.empty() || static_cast<int>(op.sizes.size()) == n.outputs(), "found ", op.sizes.size(),
            " sizes for ", n.outputs(), " outputs");
  const std::int64_t size = x.shape()[axis];
  n.require(n.opset() >= 18 || !op.sizes.empty() || size == Shape::unknown || size % n.outputs() == 0, "a size of ",
            size, " cannot be split into ", n.outputs(), " equal parts");
  const int v = n.add(std::move(op), {n.builder.value(x)}, keeps_all_but(place), 0, n.outputs());
  for (int i = 0; i < n.outputs(); ++i)
    if (n.wants(i)) n.result(v + i, x.order, i);
}

inline void import_gather(NodeImport& n) {
  const Operand &x = n.input(0), &indices = n.input(1);
  const int axis = normalize_axis(n.integer("axis"), x.rank()), place = x.order.find(axis), more = indices.rank() - 1;
  Order order;
  for (int i = 0; i < x.rank(); ++i) {
    if (i != place) order.push_back(x.order[i] + (x.order[i] > axis ? more : 0));
    for (int k = 0; i == place && k < indices.rank(); ++k) order.push_back(axis + k);
  }
  const std::vector<int> in{n.builder.value(x), n.builder.value(indices, Order::identity(indices.rank()))};
  n.result(n.add(octet::Gather(place), in, place > 0 ? Keeps::batch : Keeps::none), order);
}

/// Expands to sizes that are known in each run.
inline void import_run_time_expand(NodeImport& n) {
  const Operand& x = n.input(0);
  const Shape given = known_sizes(n, 1, false);
  Shape result;  // a given size of 1 keeps that of x
  for (int d = 0, more = given.rank() - x.rank(); d < std::max(given.rank(), x.rank()); ++d) {
    const std::int64_t own = d - more >= 0 && d >= more ? x.shape()[d - more] : 1;
    const std::int64_t wanted = more >= 0 ? given[d] : d + more >= 0 ? given[d + more] : 1;
    result.push_back(wanted == 1 ? (more >= 0 ? own : x.shape()[d]) : wanted);
  }
  add_parametrized(n, Parametrized(Expand(), "shape", result), x, Order::identity(x.rank()),
                   {n.builder.value(n.input(1))}, Order::identity(result.rank()));
}

inline void import_expand(NodeImport& n) {
  const Operand& x = n.input(0);
  const std::optional<Sizes> sizes = n.sizes(1);
  if (!sizes) return import_run_time_expand(n);
  const int given = static_cast<int>(sizes->entries.size()), rank = std::max(given, x.rank()), more = rank - x.rank();
  n.require(rank <= Shape::max_rank, "expands to ", rank, " dimensions, expected at most ", Shape::max_rank);
  const Symbols symbols = n.builder.symbols(x);
  std::vector<std::int64_t> shape(static_cast<std::size_t>(rank), 1);
  for (int i = 0; i < given; ++i) {
    const int d = i + rank - given, own = d - more;
    const Size& s = sizes->entries[static_cast<std::size_t>(i)];
    if (own >= 0 && s.symbol != 0 && s.symbol == symbols[static_cast<std::size_t>(own)])
      continue;  // the size does not change
    if (!s.known() && is_run_time(n, 1)) return import_run_time_expand(n);
    n.require(s.known() && s.value >= 0 && s.value < 1e12, "size ", i, " of the shape is unknown or negative");
    shape[static_cast<std::size_t>(d)] = static_cast<std::int64_t>(s.value);
  }
  Order order = Order::identity(more);
  for (int i = 0; i < x.rank(); ++i) order.push_back(x.order[i] + more);
  Expand op;
  for (int i = 0; i < rank; ++i) op.shape.push_back(shape[static_cast<std::size_t>(order[i])]);
  n.result(n.add(std::move(op), {n.builder.value(x)}), order);
}

}  // namespace detail::onnx
OCTET_END
