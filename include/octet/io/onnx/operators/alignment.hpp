#pragma once
#include "../node.hpp"

/// Operands that broadcast against each other, brought into one order of dimensions.
OCTET_BEGIN
namespace detail::onnx {

struct Aligned {
  std::vector<int> values;
  Order order;
};

/// The value with the order of dimensions `wanted`, which may have more of them than x: those in front are of size 1.
inline int broadcast_value(NodeImport& n, const Operand& x, const Order& wanted) {
  const int missing = wanted.rank() - x.rank();
  Order own;
  std::vector<std::int64_t> inserted;  // where ones have to stand so that broadcasting finds the right dimension
  bool behind = false;
  for (int i = 0; i < wanted.rank(); ++i) {
    if (wanted[i] >= missing)
      own.push_back(wanted[i] - missing), behind = true;
    else
      inserted.push_back(i);
  }
  bool needed = false;
  for (std::int64_t i : inserted) needed = needed || i >= static_cast<std::int64_t>(inserted.size());
  if (!needed || !behind) return n.builder.value(x, own);
  if (x.is_constant()) {
    Shape shape = x.shape();
    for (int i = 0; i < missing; ++i) shape.insert(0, 1);
    return n.builder.value(constant_operand(x.name(), n.builder.constant(x).reshaped(shape)), wanted);
  }
  return n.step("aligned", Unsqueeze(inserted), {n.builder.value(x, own)});
}

/// Order of the result: of the operands with most dimensions, a computed one's, and rather a transposed one (images
/// stay channels-last).
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

/// After an operator that broadcasts: sizes of its output are those of the operand that is not 1 there.
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
