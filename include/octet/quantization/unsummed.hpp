#pragma once
#include "../operators/arithmetic/binary.hpp"
#include "../operators/convolution/convolution.hpp"
#include "../passes/optimize.hpp"
#include "../passes/rewrite.hpp"

/// The results of convolutions before a residual is added. octet rounds only the sum; other formats need a scale for
/// both, so ranges of both are measured, planned and kept in the model.
OCTET_BEGIN
namespace detail {

/// The name in calibrations and plans of a layer's result before the residual is added.
inline std::string unsummed_name(const std::string& sum) { return sum + ".unsummed"; }
inline std::string unsummed_name(const Graph& g, const Node& n) { return unsummed_name(g.value(n.outputs[0]).name); }

/// The same graph with residuals added by nodes of their own.
inline Graph split_residuals(OptimizedModel model) {
  Graph g = std::move(model);
  std::vector<Node> nodes;
  for (Node& n : g.nodes) {
    const auto* c = as<Convolution>(*n.op);
    if (!c || !has_residual(n)) {
      nodes.push_back(std::move(n));
      continue;
    }
    Convolution products = *c;
    products.activation = {};
    const int residual = n.inputs[Convolution::residual];
    Node sum{n.name, make_operator(Binary(BinaryKind::add, c->activation)), {}, n.outputs};
    const Value& out = g.value(n.outputs[0]);
    const int v = g.add_value({unsummed_name(g, n), out.dtype, out.shape, {}, {}});
    sum.inputs = {v, residual};
    n.inputs.resize(Convolution::residual);
    nodes.push_back({n.name, make_operator(std::move(products)), n.inputs, {v}});
    nodes.push_back(std::move(sum));
  }
  g.nodes = std::move(nodes);
  return g;
}

}  // namespace detail
OCTET_END
