#pragma once
#include <map>

#include "rewrite.hpp"

/// Converts a saved model to the form that the kernels run.
OCTET_BEGIN
namespace detail {

/// Whether input i of the node is weights or a bias, which keep their types.
inline bool is_parameter(const Graph& g, const Node& n, std::size_t i) {
  const IntegerForm form = n.op->integer_form();
  const int k = static_cast<int>(i);
  return n.inputs[i] != Node::none && g.value(n.inputs[i]).is_constant() && (k == form.weights || k == form.bias);
}

inline bool is_quantized_byte(const Value& v) { return is_byte(v.dtype) && v.is_quantized(); }
inline bool has_one_byte_scale(const Value& v) { return is_byte(v.dtype) && v.has_one_scale(); }

/// Whether the node reads a quantized tensor whose codes have the same order as their real values, and depends only on
/// that order.
inline bool compares_codes(const Graph& g, const Node& n) {
  return n.op->integer_form().compares && has_one_byte_scale(g.value(n.inputs[0]));
}

/// Inserts Convert nodes while the nodes of a graph are copied. Each value is converted once.
class Converter {
 public:
  Converter(Graph& g, std::vector<Node>& nodes) : graph_(g), nodes_(nodes) {}

  /// The value as float. Appends the conversion to the node list.
  int to_float(int v) { return convert(v, DType::f32, {}, ".float"); }
  int convert(int v, DType dtype, const QuantParams& q, const char* suffix) {
    const auto key = std::make_pair(v, dtype);
    if (const auto it = done_.find(key); it != done_.end() && graph_.value(it->second).quant == q) return it->second;
    const Value& from = graph_.value(v);
    const std::string value_name = from.name + suffix;
    const int out = graph_.add_value({value_name, dtype, from.shape, q, {}});
    nodes_.push_back({value_name, make_operator(Convert(dtype)), {v}, {out}});
    done_[key] = out;
    return out;
  }

 private:
  Graph& graph_;
  std::vector<Node>& nodes_;
  std::map<std::pair<int, DType>, int> done_;
};

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
      quantized = quantized || is_quantized_byte(g.value(n.inputs[i]));
      plain = plain || g.value(n.inputs[i]).dtype == DType::f32;
    }
    const IntegerForm form = n.op->integer_form();
    const bool takes_codes = form.output != IntegerForm::Output::none || compares_codes(g, n);
    if (!quantized || (!plain && takes_codes)) {
      nodes.push_back(std::move(n));
      continue;
    }
    for (int& v : n.inputs)
      if (v != Node::none && is_quantized_byte(g.value(v))) v = converter.to_float(v);
    std::vector<std::pair<int, int>> back;  // float value, quantized value
    for (int& v : n.outputs)
      if (is_quantized_byte(g.value(v))) {
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

/// Converts int8 activations to uint8 with zero points increased by 128: the same real numbers, in the type that dot
/// product instructions require. Inputs and outputs of the model keep their type.
inline Graph unsigned_activations(Graph g) {
  const std::size_t count = g.values.size();
  std::vector<bool> parameter(count, false), signed_(count, false);
  for (const Node& n : g.nodes)
    for (std::size_t i = 0; i < n.inputs.size(); ++i)
      if (n.inputs[i] != Node::none && is_parameter(g, n, i)) parameter[static_cast<std::size_t>(n.inputs[i])] = true;
  for (std::size_t v = 0; v < count; ++v)
    signed_[v] = !parameter[v] && g.values[v].dtype == DType::i8 && g.values[v].has_one_scale();

  const auto shifted = [](QuantParams q) {
    q.zero_point[0] += 128;
    return q;
  };
  std::vector<Node> before, after;
  const auto twin = [&](int v) {  // the uint8 version of an input or output
    const Value& b = g.value(v);
    return g.add_value({b.name + ".uint8", DType::u8, b.shape, shifted(b.quant), {}});
  };
  const std::vector<int> inputs = g.inputs;
  std::vector<int> outputs = g.outputs;
  std::sort(outputs.begin(), outputs.end());
  outputs.erase(std::unique(outputs.begin(), outputs.end()), outputs.end());
  const std::vector<int> producers = g.producers();
  for (int v : inputs) {
    if (!signed_[static_cast<std::size_t>(v)]) continue;
    signed_[static_cast<std::size_t>(v)] = false;
    const int u = twin(v);
    for (Node& n : g.nodes) std::replace(n.inputs.begin(), n.inputs.end(), v, u);
    before.push_back({g.value(u).name, make_operator(Convert(DType::u8)), {v}, {u}});
  }
  for (int v : outputs) {
    if (!signed_[static_cast<std::size_t>(v)] || producers[static_cast<std::size_t>(v)] == Node::none) continue;
    signed_[static_cast<std::size_t>(v)] = false;
    const int u = twin(v);
    for (Node& n : g.nodes) {
      std::replace(n.inputs.begin(), n.inputs.end(), v, u);
      std::replace(n.outputs.begin(), n.outputs.end(), v, u);
    }
    after.push_back({g.value(v).name, make_operator(Convert(DType::i8)), {u}, {v}});
  }
  for (std::size_t v = 0; v < count; ++v) {
    if (!signed_[v]) continue;
    Value& value = g.values[v];
    value.dtype = DType::u8;
    value.quant = shifted(value.quant);
    if (value.is_constant())
      value.constant = AnyTensor::make(DType::u8, value.constant.shape(), [&](std::byte* to) {
        for (std::size_t i = 0; i < value.constant.size_bytes(); ++i)
          to[i] = value.constant.data()[i] ^ std::byte{0x80};
      });
  }
  for (Node& n : g.nodes) {
    const auto* pool = as<AveragePool>(*n.op);
    const auto in = static_cast<std::size_t>(n.inputs.empty() ? 0 : n.inputs[0]);
    if (pool && (in >= count || signed_[in])) {  // values from `count` on are such versions
      AveragePool p = *pool;
      p.int8_ties = true;
      n.op = make_operator(std::move(p));
    }
    if (n.op->traits().converts && g.value(n.outputs[0]).dtype == DType::u8) n.op = make_operator(Convert(DType::u8));
  }
  g.nodes.insert(g.nodes.begin(), before.begin(), before.end());
  g.nodes.insert(g.nodes.end(), after.begin(), after.end());
  return g;
}

/// Converts a model before an executor prepares its steps.
inline Graph lower(Graph g) { return unsigned_activations(insert_float_fallbacks(std::move(g))); }

}  // namespace detail
OCTET_END
