#pragma once
#include "../operators/convert.hpp"
#include "conversions.hpp"

OCTET_BEGIN
namespace detail {

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
    const bool takes_codes = form.output != IntegerForm::Output::none || compares_codes(g, n);
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
