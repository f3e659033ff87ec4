#pragma once
#include "../../operators/convert.hpp"
#include "../../passes/fuse_code_functions.hpp"
#include "../../passes/lower.hpp"
#include "../prepared_model.hpp"

/// The graph that C++ source is written of.
OCTET_BEGIN
namespace detail::cpp {

/// Makes codes the inputs and outputs where the graph converts floats from or to them.
inline void remove_end_conversions(Graph& g) {
  const auto is_code = [&](int v) { return is_byte(g.value(v).dtype) && g.value(v).has_one_scale(); };
  for (int& in : g.inputs) {
    int only = Node::none;
    std::size_t users = 0;
    for (std::size_t i = 0; i < g.nodes.size(); ++i)
      for (int v : g.nodes[i].inputs)
        if (v == in) {
          ++users;
          only = static_cast<int>(i);
        }
    if (users != 1 || g.is_output(in) || g.value(in).dtype != DType::f32) continue;
    const Node& n = g.nodes[at(only)];
    if (!n.op->traits().converts || !is_code(n.outputs[0]) || g.is_output(n.outputs[0])) continue;
    g.value(n.outputs[0]).name = g.value(in).name;
    in = n.outputs[0];
    g.nodes.erase(g.nodes.begin() + only);
  }
  const std::vector<int> producers = g.producers();
  for (int& out : g.outputs) {
    const int p = producers[at(out)];
    if (p == Node::none || g.value(out).dtype != DType::f32) continue;
    const Node& n = g.nodes[at(p)];
    if (!n.op->traits().converts || !is_code(n.inputs[0]) ||
        std::find(g.inputs.begin(), g.inputs.end(), n.inputs[0]) != g.inputs.end())
      continue;
    g.value(n.inputs[0]).name = g.value(out).name;
    out = n.inputs[0];
  }
  g.remove_unused();
}

/// Puts conversions between the layers and inputs and outputs of uint8 codes, which it returns.
inline std::vector<int> separate_byte_ends(Graph& g) {
  std::vector<int> ends;
  std::vector<Node> first, last;
  const auto separate = [&](const std::vector<int>& list, bool inputs) {
    for (int v : list) {
      if (g.value(v).dtype != DType::u8 || std::find(ends.begin(), ends.end(), v) != ends.end()) continue;
      ends.push_back(v);
      const Value& end = g.value(v);
      const int u = g.add_value({end.name + ".int8", end.dtype, end.shape, end.quant, {}});
      for (Node& n : g.nodes) {
        std::replace(n.inputs.begin(), n.inputs.end(), v, u);
        std::replace(n.outputs.begin(), n.outputs.end(), v, u);
      }
      const int from = inputs ? v : u, to = inputs ? u : v;
      (inputs ? first : last).push_back({g.value(u).name, make_operator(Convert(DType::u8)), {from}, {to}});
    }
  };
  separate(g.inputs, true);
  separate(g.outputs, false);
  g.nodes.insert(g.nodes.begin(), first.begin(), first.end());
  g.nodes.insert(g.nodes.end(), last.begin(), last.end());
  return ends;
}

/// The lowered graph for a batch of one image, with all shapes.
inline Graph device_graph(const Model& model) {
  check_graph(model);
  require_runnable(model);
  for (const Node& n : model.nodes)
    require<FormatError>(!n.op->traits().data_sized, "layer '", n.name, "' (", n.op->type(),
                         "): C++ source has no results whose sizes depend on the data");
  Graph g = with_built_in_operators(without_blocks(model), nullptr);
  const auto set_shapes = [](Graph& to, const std::vector<Shape>& inputs) {
    const std::vector<Shape> shapes = to.infer_shapes(inputs);
    for (std::size_t v = 0; v < shapes.size(); ++v)
      if (!to.values[v].is_constant()) to.values[v].shape = shapes[v];
  };
  std::vector<Shape> inputs;
  for (int v : g.inputs) {
    const Value& x = g.value(v);
    Shape s = x.shape;
    if (s.rank() > 0 && s[0] == Shape::unknown) s[0] = 1;
    require<FormatError>(s.known(), "input '", x.name, "' has shape ", x.shape,
                         ": C++ source needs all sizes except that of the batch");
    inputs.push_back(s);
  }
  set_shapes(g, inputs);
  Graph lowered = fuse_code_functions(lower(optimize(std::move(g)), false));
  set_shapes(lowered, inputs);
  return lowered;
}

}  // namespace detail::cpp
OCTET_END
