#pragma once
#include "../passes/rewrite.hpp"
#include "layer_names.hpp"
#include "plan.hpp"

OCTET_BEGIN
namespace detail {

/// The plan of each node's layer.
inline std::vector<const LayerPlan*> layer_plans(const Graph& g, const QuantizationPlan& plan) {
  std::vector<const LayerPlan*> layers;
  for (const std::string& n : unique_layer_names(g)) layers.push_back(&plan.layers.at(n));
  return layers;
}

/// Which layers do not compute in integers between integer activations.
inline std::vector<bool> not_integer(const std::vector<const LayerPlan*>& layers) {
  std::vector<bool> floating;
  for (const LayerPlan* l : layers) floating.push_back(!has_integer_activations(l->form));
  return floating;
}

/// The format of each value of a model, where it is an integer: that of the layer that writes it. Layers that move
/// codes have the format of their input. Inputs of the model have int16 if only such layers read them. `layers`: of a
/// plan, for each node.
inline std::vector<const IntegerFormat*> planned_formats(const Graph& g, const Links& links,
                                                         const std::vector<const LayerPlan*>& layers) {
  std::vector<const IntegerFormat*> all(g.values.size(), &int8_format);
  const auto wide = [&](int layer) { return layers[at(layer)]->form == PlannedForm::integer16; };
  for (int v : g.inputs) {
    const std::vector<int>& users = links.users(v);
    if (!users.empty() && std::all_of(users.begin(), users.end(), wide)) all[at(v)] = &int16_format;
  }
  for (std::size_t l = 0; l < g.nodes.size(); ++l) {
    const Node& n = g.nodes[l];
    const IntegerForm form = n.op->integer_form();
    const bool follows = form.int16 && form.output == IntegerForm::Output::as_input && !n.inputs.empty() &&
                         n.inputs[0] != Node::none && all[at(n.inputs[0])] == &int16_format;
    if (!wide(static_cast<int>(l)) && !follows) continue;
    for (int v : n.outputs) all[at(v)] = &int16_format;
  }
  return all;
}

}  // namespace detail
OCTET_END
