#pragma once
#include "../operators/arithmetic/binary.hpp"
#include "../operators/unary.hpp"
#include "rewrite.hpp"

OCTET_BEGIN
namespace detail {

/// The operator of a node, if it computes that function; else null.
inline const Unary* elementwise(const Node& n, UnaryKind kind) {
  const auto* op = as<Unary>(*n.op);
  return op && op->kind == kind ? op : nullptr;
}
inline const Binary* elementwise(const Node& n, BinaryKind kind) {
  const auto* op = as<Binary>(*n.op);
  return op && op->kind == kind ? op : nullptr;
}

/// The operator that computes v, if it is that function; else null.
template <class Kind>
auto computed_by(const Graph& g, const Links& links, int v, Kind kind) {
  const int n = links.producer(v);
  return n == Node::none ? nullptr : elementwise(g.nodes[static_cast<std::size_t>(n)], kind);
}

}  // namespace detail
OCTET_END
