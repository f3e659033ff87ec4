#pragma once
#include "../operators/convert.hpp"
#include "conversions.hpp"

OCTET_BEGIN
namespace detail {

/// Whether the node reads or writes 16-bit activations.
inline bool reads_int16(const Graph& g, const Node& n) {
  const auto is_int16 = [&](int v) {
    return v != Node::none && int16_format.computes(g.value(v).dtype) && g.value(v).is_quantized();
  };
  return std::any_of(n.inputs.begin(), n.inputs.end(), is_int16) ||
         std::any_of(n.outputs.begin(), n.outputs.end(), is_int16);
}

/// Whether all activations that the node reads and writes are of 16 bits.
inline bool all_int16(const Graph& g, const Node& n) {
  const auto other = [&](int v) {
    return is_quantized_activation(g.value(v)) && !int16_format.computes(g.value(v).dtype);
  };
  for (std::size_t i = 0; i < n.inputs.size(); ++i)
    if (n.inputs[i] != Node::none && !is_parameter(g, n, i) && other(n.inputs[i])) return false;
  return std::none_of(n.outputs.begin(), n.outputs.end(), other);
}

/// Whether the node's weights are integers. In float it would be another layer, which quantizes its inputs as it runs.
inline bool has_integer_weights(const Graph& g, const Node& n) {
  const int w = n.op->integer_form().weights;
  return w >= 0 && n.op->traits().products != Traits::Products::none &&
         input_of(n, static_cast<std::size_t>(w)) != Node::none &&
         g.value(n.inputs[static_cast<std::size_t>(w)]).is_quantized();
}

/// Surrounds operators that have no integer form with conversions to float and back.
inline Graph insert_float_fallbacks(Graph g) {
  std::vector<Node> nodes;
  Converter converter(g, nodes);
  for (Node n : g.nodes) {
    if (n.op->traits().converts) {
      nodes.push_back(std::move(n));
      continue;
    }
    bool quantized = false, plain = false;
    for (std::size_t i = 0; i < n.inputs.size(); ++i) {
      if (n.inputs[i] == Node::none || is_parameter(g, n, i)) continue;
      quantized = quantized || is_quantized_activation(g.value(n.inputs[i]));
      plain = plain || g.value(n.inputs[i]).dtype == DType::f32;
    }
    const IntegerForm form = n.op->integer_form();
    const bool takes_codes =
        (form.output != IntegerForm::Output::none && (!reads_int16(g, n) || (form.int16 && all_int16(g, n)))) ||
        compares_codes(g, n) || has_integer_weights(g, n);
    if (!quantized || (!plain && takes_codes)) {
      nodes.push_back(std::move(n));
      continue;
    }
    for (int& v : n.inputs)
      if (v != Node::none && is_quantized_activation(g.value(v))) v = converter.to_float(v);
    std::vector<std::pair<int, int>> back;  // float value, quantized value
    for (int& v : n.outputs)
      if (is_quantized_activation(g.value(v))) {
        const int result = g.add_value({g.value(v).name + ".float", DType::f32, g.value(v).shape, {}, {}});
        back.emplace_back(result, v);
        v = result;
      }
    nodes.push_back(std::move(n));
    for (const auto& [from, to] : back)
      nodes.push_back({g.value(from).name, make_operator(Convert(g.value(to).dtype)), {from}, {to}});
  }
  g.nodes = std::move(nodes);
  return g;
}

}  // namespace detail
OCTET_END
