#pragma once
#include <algorithm>
#include <optional>

#include "../graph/graph.hpp"

OCTET_BEGIN
namespace detail {

/// A part of a graph whose sizes are known when its inputs are, and the layer after it, if there is one, whose results
/// have sizes that depend on the data. The values have the same indices in all parts.
struct Stage {
  Graph graph;                // its outputs are the inputs of `last`, or the outputs of the model
  std::optional<Graph> last;  // one node. The next stage reads its inputs and its outputs
};

/// The first layer whose results have sizes that depend on the data, or none.
inline int first_data_sized(const Graph& g) {
  for (std::size_t i = 0; i < g.nodes.size(); ++i)
    if (g.nodes[i].op->traits().data_sized) return static_cast<int>(i);
  return Node::none;
}

/// For each node: whether it needs a result whose size depends on the data, or makes one.
inline std::vector<bool> data_sized_nodes(const Graph& g) {
  std::vector<bool> value(g.values.size()), node(g.nodes.size());
  for (std::size_t i = 0; i < g.nodes.size(); ++i) {
    const Node& n = g.nodes[i];
    node[i] = n.op->traits().data_sized ||
              std::any_of(n.inputs.begin(), n.inputs.end(), [&](int v) { return v != Node::none && value[at(v)]; });
    for (int v : n.outputs) value[at(v)] = node[i];
  }
  return node;
}

/// Divides a graph after its first layer whose results have sizes that depend on the data: the layers that do not need
/// such results, that layer, and all others.
inline std::pair<Stage, Graph> divided(const Graph& g, int first) {
  const std::vector<bool> later = data_sized_nodes(g);
  Stage stage{g, g};
  Graph rest = g;
  for (Graph* part : {&stage.graph, &*stage.last, &rest}) part->nodes.clear();
  for (std::size_t i = 0; i < g.nodes.size(); ++i)
    (static_cast<int>(i) == first ? *stage.last : later[i] ? rest : stage.graph).nodes.push_back(g.nodes[i]);

  std::vector<bool> known(g.values.size()), taken(g.values.size());
  for (int v : g.inputs) known[at(v)] = true;
  for (const Node& n : stage.graph.nodes)
    for (int v : n.outputs) known[at(v)] = true;
  std::vector<int> passed;
  const auto take = [&](const std::vector<int>& list) {
    for (int v : list)
      if (v != Node::none && known[at(v)] && !taken[at(v)]) {
        taken[at(v)] = true;
        passed.push_back(v);
      }
  };
  take(stage.last->nodes[0].inputs);
  for (const Node& n : rest.nodes) take(n.inputs);
  take(g.outputs);

  stage.graph.outputs = passed;
  stage.last->inputs = passed;
  stage.last->outputs = stage.last->nodes[0].outputs;
  rest.inputs = passed;
  rest.inputs.insert(rest.inputs.end(), stage.last->outputs.begin(), stage.last->outputs.end());
  return {std::move(stage), std::move(rest)};
}

/// The stages of a graph, in the order in which they run; one if all sizes are known when those of the inputs are.
inline std::vector<Stage> stages_of(Graph g) {
  std::vector<Stage> stages;
  for (int first = first_data_sized(g); first != Node::none; first = first_data_sized(g)) {
    auto [stage, rest] = divided(g, first);
    stages.push_back(std::move(stage));
    g = std::move(rest);
  }
  stages.push_back({std::move(g), std::nullopt});
  return stages;
}

}  // namespace detail
OCTET_END
