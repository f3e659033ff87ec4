#pragma once
#include "../model_file/graph_description.hpp"
#include "../operators/register_operator.hpp"
#include "../passes/optimize.hpp"
#include "../passes/without_blocks.hpp"
#include "../runtime/runnable.hpp"

OCTET_BEGIN
namespace detail {

/// Replaces operators of a program's own that have no name in a format by operators of octet, where the program says
/// how. `name`: the member of OperatorNames with the format's name; null for a format without names.
inline Graph with_built_in_operators(Graph g, std::string OperatorNames::*name) {
  std::vector<Node> old = std::move(g.nodes);
  g.nodes.clear();
  for (Node& n : old) {
    const OperatorType* type = find_operator(n.op->type());
    if (!type || !type->files.as_built_in || (name && !(type->files.*name).empty())) {
      g.nodes.push_back(std::move(n));
      continue;
    }
    require(n.outputs.size() == 1, "layer '", n.name, "' (", n.op->type(), ") has ", n.outputs.size(),
            " outputs, expected one for OperatorNames::as_built_in");
    const std::size_t first = g.nodes.size();
    const int result = type->files.as_built_in(g, *n.op, n.inputs);
    for (std::size_t i = first; i < g.nodes.size(); ++i) g.nodes[i].name = n.name + "/" + g.nodes[i].name;
    require(g.nodes.size() > first && g.nodes.back().outputs[0] == result, "layer '", n.name, "' (", n.op->type(),
            "): OperatorNames::as_built_in has to return the result of the last operator that it adds");
    require(g.value(result).shape == g.value(n.outputs[0]).shape, "layer '", n.name, "' (", n.op->type(),
            "): OperatorNames::as_built_in gives ", g.value(result).shape, ", expected ", g.value(n.outputs[0]).shape);
    g.nodes.back().outputs[0] = n.outputs[0];
  }
  return g;
}

/// What to do about a layer that a format has no operator for.
inline std::string missing_advice(const Node& n) {
  const std::string type = n.op->type();
  if (type.compare(0, 12, "FakeQuantize") == 0)
    return "The model is being trained for integers: save what convert makes of it";
  if (type == "SizesOf" || type == "Parametrized" || type == "NumberRange")
    return "It computes with sizes: they are constants if the original file is loaded with the shapes of its inputs "
           "(LoadOptions::input_shapes, octet convert --shape). Or save the model as .octet";
  return "Save the model as .octet, or end the model before this layer";
}

/// Whether a result does not depend on the inputs, such as weights that are converted when the model is loaded.
inline bool computes_constants(const Graph& g) {
  return std::any_of(g.nodes.begin(), g.nodes.end(), [&](const Node& n) {
    return !n.inputs.empty() && std::all_of(n.inputs.begin(), n.inputs.end(),
                                            [&](int v) { return v == Node::none || g.value(v).is_constant(); });
  });
}

/// The graph that is written: the model as it is or, if it has integer activations or computed constants, or on demand,
/// as it is executed: with integer operators in place of float operators between conversions, and batch normalization
/// folded. `notes`: see SaveOptions.
inline Graph prepared_model(const Model& model, bool optimized, std::string OperatorNames::*name,
                            std::vector<std::string>* notes) {
  check_graph(model);
  require_runnable(model);
  const bool quantized =
      std::any_of(model.values.begin(), model.values.end(), [](const Value& v) { return v.is_quantized(); });
  Graph g = optimized || quantized || computes_constants(model) ? Graph(optimize(model)) : model;
  return with_built_in_operators(without_blocks(std::move(g), notes), name);
}

/// The model's texts, without those that every reader sets.
inline std::map<std::string, std::string> prepared_metadata(const Graph& g) {
  std::map<std::string, std::string> m = g.metadata;
  m.erase("format");
  m.erase("producer");
  return m;
}

}  // namespace detail
OCTET_END
