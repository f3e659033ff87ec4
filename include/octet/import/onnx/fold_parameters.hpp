#pragma once
#include "../../graph/run_constant.hpp"
#include "sizes.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// Whether a tensor may be a parameter of layers: pads, axes, conditions, a few scales.
inline bool may_be_parameter(const Value& v) {
  const bool integers = v.dtype == DType::i64 || v.dtype == DType::i32 || v.dtype == DType::boolean;
  return (integers || v.dtype == DType::f32) && !v.is_quantized() && v.shape.known() &&
         v.shape.elements() <= (integers ? static_cast<std::int64_t>(Sizes::most) : Shape::max_rank);
}

/// Computes the nodes from `first` on if all that they read and write may be parameters and is constant, because layers
/// need their parameters as constants. Removes these nodes, then. Returns whether it did. `budget`: of bytes.
inline bool fold_parameters(Graph& g, std::size_t first, std::size_t& budget) {
  if (g.nodes.size() == first) return false;
  std::vector<int> computed;
  const auto forget = [&] {
    for (int v : computed) g.value(v).constant = {};
    return false;
  };
  for (std::size_t k = first; k < g.nodes.size(); ++k) {
    const Node& n = g.nodes[k];
    if (n.op->traits().data_sized) return forget();
    for (int v : n.inputs)
      if (v != Node::none && (!g.value(v).is_constant() || !may_be_parameter(g.value(v)))) return forget();
    for (int v : n.outputs)
      if (!may_be_parameter(g.value(v))) return forget();
    std::size_t size = 0;
    for (int v : n.outputs) size += bytes(g.value(v).dtype, g.value(v).shape.elements());
    if (size > budget) return forget();
    budget -= size;
    const std::vector<AnyTensor> results = run_constant(g, n, n.op->shapes(g.shape_context(n, nullptr)));
    for (std::size_t i = 0; i < n.outputs.size(); ++i) {
      g.value(n.outputs[i]).constant = results[i];
      computed.push_back(n.outputs[i]);
    }
  }
  g.nodes.resize(first);
  return true;
}

}  // namespace detail::onnx
OCTET_END
