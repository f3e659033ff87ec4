#pragma once
#include "../operators/fully_connected.hpp"
#include "../operators/row_weights.hpp"
#include "rewrite.hpp"

OCTET_BEGIN
namespace detail {

/// Gives layers whose weights have blocks the same weights as int8: for what has no blocks, such as other formats of
/// files. `notes`, unless it is null, gets a message for each of them.
inline Graph without_blocks(Graph g, std::vector<std::string>* notes = nullptr) {
  bool changed = false;
  for (Node& n : g.nodes) {
    const auto* f = as<FullyConnected>(*n.op);
    if (!f || (f->block == 0 && input_of(n, RowInputs::multipliers) == Node::none)) continue;
    n.op->shapes(g.shape_context(n, nullptr));  // throws unless multipliers fit
    const Value w = g.value(n.inputs[LayerInputs::weights]);
    n.inputs[LayerInputs::weights] = g.add_constant(
        w.name, whole_weights(n.name, w.constant, g.value(n.inputs[RowInputs::multipliers]).constant, f->block),
        w.quant);
    n.inputs.resize(RowInputs::multipliers);
    FullyConnected whole = *f;
    whole.block = 0;
    n.op = make_operator(std::move(whole));
    if (notes) notes->push_back(concat("layer '", n.name, "' (", n.op->type(), "): weights in blocks become int8"));
    changed = true;
  }
  if (changed) g.remove_unused();
  return g;
}

}  // namespace detail
OCTET_END
