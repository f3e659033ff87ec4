#pragma once
#include "../operators/convert.hpp"
#include "conversions.hpp"

OCTET_BEGIN
namespace detail {

/// Gives activations the type that kernels compute with (uint8 instead of int8, which dot product instructions require)
/// and shifts their zero points: the same real numbers. Inputs and outputs of the model keep their type.
inline Graph computed_activations(Graph g) {
  const std::size_t count = g.values.size();
  std::vector<bool> parameter(count, false), moved(count, false);  // moved: to the computed type
  for (const Node& n : g.nodes)
    for (std::size_t i = 0; i < n.inputs.size(); ++i)
      if (n.inputs[i] != Node::none && is_parameter(g, n, i)) parameter[static_cast<std::size_t>(n.inputs[i])] = true;
  for (std::size_t v = 0; v < count; ++v)
    moved[v] = !parameter[v] && has_activation_scale(g.values[v]) && !is_computed(g.values[v].dtype);

  const auto computed = [](const Value& v) { return format_of_activations(v.dtype)->computed; };
  const auto shifted = [&](const Value& v) {
    QuantParams q = v.quant;
    q.zero_point[0] += code_shift(v.dtype, computed(v));
    return q;
  };
  std::vector<Node> before, after;
  const auto twin = [&](int v) {  // the computed version of an input or output
    const Value& b = g.value(v);
    const DType t = computed(b);
    return g.add_value({concat(b.name, ".", name(t)), t, b.shape, shifted(b), {}});
  };
  const std::vector<int> inputs = g.inputs;
  std::vector<int> outputs = g.outputs;
  std::sort(outputs.begin(), outputs.end());
  outputs.erase(std::unique(outputs.begin(), outputs.end()), outputs.end());
  const std::vector<int> producers = g.producers();
  for (int v : inputs) {
    if (!moved[static_cast<std::size_t>(v)]) continue;
    moved[static_cast<std::size_t>(v)] = false;
    const int u = twin(v);
    for (Node& n : g.nodes) std::replace(n.inputs.begin(), n.inputs.end(), v, u);
    before.push_back({g.value(u).name, make_operator(Convert(g.value(u).dtype)), {v}, {u}});
  }
  for (int v : outputs) {
    if (!moved[static_cast<std::size_t>(v)] || producers[static_cast<std::size_t>(v)] == Node::none) continue;
    moved[static_cast<std::size_t>(v)] = false;
    const int u = twin(v);
    for (Node& n : g.nodes) {
      std::replace(n.inputs.begin(), n.inputs.end(), v, u);
      std::replace(n.outputs.begin(), n.outputs.end(), v, u);
    }
    after.push_back({g.value(v).name, make_operator(Convert(g.value(v).dtype)), {u}, {v}});
  }
  for (std::size_t v = 0; v < count; ++v) {
    if (!moved[v]) continue;
    Value& value = g.values[v];
    const DType from = value.dtype, to = computed(value);
    value.quant = shifted(value);
    value.dtype = to;
    if (value.is_constant())
      value.constant = AnyTensor::make(to, value.constant.shape(), [&](std::byte* codes) {
        for (std::int64_t i = 0; i < value.constant.size(); ++i)
          store_element(to, codes, i, load_element(from, value.constant.data(), i) + code_shift(from, to));
      });
  }
  for (Node& n : g.nodes) {
    const auto in = static_cast<std::size_t>(n.inputs.empty() ? 0 : n.inputs[0]);
    if (in >= count || moved[in])  // values from `count` on are such versions
      if (OperatorPtr op = n.op->for_shifted_codes()) n.op = std::move(op);
    if (n.op->traits().converts && is_computed(g.value(n.outputs[0]).dtype))
      n.op = make_operator(Convert(g.value(n.outputs[0]).dtype));
  }
  g.nodes.insert(g.nodes.begin(), before.begin(), before.end());
  g.nodes.insert(g.nodes.end(), after.begin(), after.end());
  return g;
}

}  // namespace detail
OCTET_END
