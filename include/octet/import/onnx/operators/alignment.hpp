#pragma once
#include "../node.hpp"

/// Brings operands that are broadcast to each other into one order of dimensions.
OCTET_BEGIN
namespace detail::onnx {

struct Aligned {
  std::vector<int> values;
  Order order;
};

/// x as a value in the order `wanted`, which may have more dimensions than x. The additional leading ones have size 1.
inline int broadcast_value(NodeImport& n, const Operand& x, const Order& wanted) {
  const int missing = wanted.rank() - x.rank();
  Order own;
  std::vector<std::int64_t> inserted;  // axes of size 1, so that broadcasting matches the right dimensions
  bool after = false;
  for (int i = 0; i < wanted.rank(); ++i) {
    if (wanted[i] >= missing) {
      own.push_back(wanted[i] - missing);
      after = true;
    } else {
      inserted.push_back(i);
    }
  }
  bool needed = false;
  for (std::int64_t i : inserted) needed = needed || i >= static_cast<std::int64_t>(inserted.size());
  if (!needed || !after) return n.builder.value(x, own);
  if (x.is_constant() && !x.source->is_run_time()) {
    Shape shape = x.shape();
    for (int i = 0; i < missing; ++i) shape.insert(0, 1);
    return n.builder.value(constant_operand(x.name(), n.builder.constant(x).reshaped(shape)), wanted);
  }
  return n.step("aligned", Unsqueeze(inserted), {n.builder.value(x, own)});
}

/// The order of the result: that of an operand with the most dimensions, preferably one that is computed and in an
/// order other than the model's, so that images stay channels-last.
inline Order common_order(const std::vector<Operand>& operands) {
  int rank = 0;
  for (const Operand& x : operands) rank = std::max(rank, x.rank());
  for (const bool full_rank : {true, false}) {
    Order best;
    for (const Operand& x : operands) {
      if (x.is_constant() || (full_rank && x.rank() != rank)) continue;
      Order o = Order::identity(rank - x.rank());
      for (int i = 0; i < x.rank(); ++i) o.push_back(x.order[i] + rank - x.rank());
      if (best.rank() == 0 || best.is_identity()) best = o;
    }
    if (best.rank() == rank) return best;
  }
  return Order::identity(rank);
}

inline Aligned align(NodeImport& n, const std::vector<Operand>& operands) {
  Aligned a;
  a.order = common_order(operands);
  for (const Operand& x : operands) a.values.push_back(broadcast_value(n, x, a.order));
  return a;
}

/// Sets the symbols of a broadcast result: each size is that of the operand whose size is not 1.
inline int with_broadcast_symbols(NodeImport& n, int out, const std::vector<int>& operands) {
  const Graph& g = n.builder.graph;
  Symbols s = n.builder.symbols(out);
  const int rank = g.value(out).shape.rank();
  for (int v : operands) {
    const Shape& shape = g.value(v).shape;
    for (int d = 0; d < shape.rank(); ++d)
      if (!g.value(v).is_constant() && shape[d] != 1)
        s[static_cast<std::size_t>(d + rank - shape.rank())] = n.builder.symbols(v)[static_cast<std::size_t>(d)];
  }
  n.builder.set_symbols(out, s);
  return out;
}

}  // namespace detail::onnx
OCTET_END
