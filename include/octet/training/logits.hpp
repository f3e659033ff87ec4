#pragma once
#include "../graph/graph.hpp"
#include "../operators/softmax.hpp"

OCTET_BEGIN
namespace detail {

/// If an output of the model is a softmax over classes, removes it, so that this output is logits.
inline void drop_last_softmax(Graph& g, int output) {
  int& out = g.outputs[static_cast<std::size_t>(output)];
  const int last = g.producers()[static_cast<std::size_t>(out)];
  if (last == Node::none) return;
  const Node& n = g.nodes[static_cast<std::size_t>(last)];
  const auto* softmax = as<Softmax>(*n.op);
  const int rank = g.value(n.inputs[0]).shape.rank();
  if (!softmax || softmax->log || softmax->beta != 1 || normalize_axis(softmax->axis, rank) != rank - 1) return;
  const int probabilities = out;
  out = n.inputs[0];
  bool used = g.is_output(probabilities);
  for (const Node& other : g.nodes)
    used = used || std::count(other.inputs.begin(), other.inputs.end(), probabilities) > 0;
  if (!used) g.nodes.erase(g.nodes.begin() + last);
}

}  // namespace detail
OCTET_END
