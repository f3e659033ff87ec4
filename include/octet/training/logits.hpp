#pragma once
#include "../graph/graph.hpp"
#include "../operators/softmax.hpp"

OCTET_BEGIN
namespace detail {

/// If the model ends in a softmax over classes, removes it, so that the model returns logits.
inline void drop_last_softmax(Graph& g) {
  const int last = g.outputs.size() == 1 ? g.producers()[static_cast<std::size_t>(g.outputs[0])] : Node::none;
  if (last == Node::none) return;
  const Node& n = g.nodes[static_cast<std::size_t>(last)];
  const auto* softmax = as<Softmax>(*n.op);
  const int rank = g.value(n.inputs[0]).shape.rank();
  if (!softmax || softmax->log || softmax->beta != 1 || normalize_axis(softmax->axis, rank) != rank - 1) return;
  g.outputs = {n.inputs[0]};
  g.nodes.erase(g.nodes.begin() + last);
}

}  // namespace detail
OCTET_END
