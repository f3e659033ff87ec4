#pragma once
#include <map>

#include "../core/integer_format.hpp"
#include "../operators/convert.hpp"
#include "rewrite.hpp"

/// Which values are activations, and conversions between their types.
OCTET_BEGIN
namespace detail {

/// Whether input i of the node is weights or a bias, which keep their types.
inline bool is_parameter(const Graph& g, const Node& n, std::size_t i) {
  const IntegerForm form = n.op->integer_form();
  const int k = static_cast<int>(i);
  return n.inputs[i] != Node::none && g.value(n.inputs[i]).is_constant() && (k == form.weights || k == form.bias);
}

/// Whether input i of a node that moves codes says which ones: it stays as it is.
inline bool is_index(const Graph& g, const Node& n, std::size_t i) {
  if (i == 0 || n.inputs[i] == Node::none || n.op->integer_form().output != IntegerForm::Output::as_input) return false;
  const DType t = g.value(n.inputs[i]).dtype;
  return t == DType::i32 || t == DType::i64;
}

inline bool is_quantized_activation(const Value& v) { return is_activation(v.dtype) && v.is_quantized(); }
inline bool has_activation_scale(const Value& v) {
  return is_activation(v.dtype) && v.has_one_scale() && (!int16_format.computes(v.dtype) || v.quant.zero_point[0] == 0);
}

/// Whether the node reads a quantized tensor whose codes have the same order as their real values, and needs
/// nothing but that order.
inline bool compares_codes(const Graph& g, const Node& n) {
  return n.op->integer_form().compares && has_activation_scale(g.value(n.inputs[0]));
}

/// Inserts Convert nodes while the nodes of a graph are copied. Each value is converted once.
class Converter {
 public:
  Converter(Graph& g, std::vector<Node>& nodes) : graph_(g), nodes_(nodes) {}

  /// The value as float. Appends the conversion to the node list.
  int to_float(int v) { return convert(v, DType::f32, {}, ".float"); }
  int convert(int v, DType dtype, const QuantParams& q, const std::string& suffix) {
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

}  // namespace detail
OCTET_END
