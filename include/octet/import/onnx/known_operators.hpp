#pragma once
#include "../missing_operators.hpp"
#include "node_order.hpp"
#include "registry.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// How messages name a node. i: its place in its graph.
inline std::string node_name(const NodeProto& n, std::size_t i) {
  return n.name.empty() ? "#" + std::to_string(i) : "'" + std::string(n.name) + "'";
}

/// Throws an error that names all operators that the graph needs and octet lacks.
inline void require_operators(const GraphProto& g, const std::vector<std::size_t>& order, const Needed& needed,
                              const std::string& source) {
  MissingOperators missing;
  for (std::size_t i : order) {
    const NodeProto& n = g.nodes[i];
    const bool known = find_handler(n.domain, n.op_type) || find_onnx_operator(n.domain, n.op_type);
    if (!needed.nodes[i] || known) continue;
    const std::string domain = n.domain.empty() ? "" : std::string(n.domain.substr(0, 256)) + ".";
    missing.add(domain + std::string(n.op_type.substr(0, 256)), [&] { return "node " + node_name(n, i); });
  }
  missing.require_none(source);
}

}  // namespace detail::onnx
OCTET_END
