#pragma once
#include "../core/bias.hpp"
#include "../operators/convert.hpp"
#include "../operators/resize/resize.hpp"
#include "conversions.hpp"
#include "simplify.hpp"

/// Converts "dequantize, float operator, quantize" (ONNX's QDQ form) to operators on integers.
OCTET_BEGIN
namespace detail {

class QuantizedPatterns {
 public:
  QuantizedPatterns(const Graph& g, const Links& links) : graph_(g), links_(links) {}

  /// The quantized value of a float value that is directly dequantized with one scale, or none.
  int integers_of(int v) const {
    const Node* n = conversion_to(v);
    if (!n || graph_.value(v).dtype != DType::f32) return Node::none;
    const int q = n->inputs[0];
    return has_activation_scale(graph_.value(q)) ? q : Node::none;
  }
  /// The quantized constant weights of a float value, or none.
  int weights_of(int v) const {
    const Node* n = conversion_to(v);
    if (!n) return Node::none;
    const Value& q = graph_.value(n->inputs[0]);
    return q.is_constant() && is_weights(q.dtype) && q.is_quantized() && q.quant.axis <= 0 ? n->inputs[0] : Node::none;
  }
  /// The float elements of a constant or of a dequantized constant.
  std::optional<Tensor<float>> floats_of(int v) const {
    if (graph_.value(v).is_constant()) return octet::detail::to_float(graph_.value(v).constant.ref());
    const Node* n = conversion_to(v);
    if (!n || !graph_.value(n->inputs[0]).is_constant() || graph_.value(v).dtype != DType::f32) return {};
    return Tensor<float>(run_constant(graph_, *n, {graph_.value(v).shape})[0].view<float>());
  }
  /// The nodes that quantize a float value, if it has no other uses and all have the same parameters.
  std::vector<int> quantizers_of(int v) const {
    std::vector<int> all;
    if (links_.is_output(v)) return all;
    for (int n : links_.users(v)) {
      const Node& node = graph_.nodes[static_cast<std::size_t>(n)];
      const Value& out = graph_.value(node.outputs[0]);
      const bool alike =
          node.op->traits().converts && has_activation_scale(out) &&
          (all.empty() || same(out, graph_.value(graph_.nodes[static_cast<std::size_t>(all[0])].outputs[0])));
      if (!alike) return {};
      all.push_back(n);
    }
    return all;
  }

  /// The int32 codes that a float bias is dequantized from, if they count in units of the layer's sums; else none.
  int bias_codes_of(int v, float input_scale, const QuantParams& weights) const {
    const Node* n = conversion_to(v);
    if (!n) return Node::none;
    const Value& q = graph_.value(n->inputs[0]);
    bool fits = q.is_constant() && q.dtype == DType::i32 && q.quant.scale.size() == weights.scale.size();
    for (std::size_t c = 0; fits && c < weights.scale.size(); ++c)
      fits = q.quant.scale[c] == input_scale * weights.scale[c] && q.quant.zero_point[c] == 0;
    return fits ? n->inputs[0] : Node::none;
  }
  /// Whether a node reads the value.
  bool is_read(int v) const { return !links_.users(v).empty(); }

 private:
  /// The node that converts another value to v, or null.
  const Node* conversion_to(int v) const {
    const int n = links_.producer(v);
    const Node* node = n == Node::none ? nullptr : &graph_.nodes[static_cast<std::size_t>(n)];
    return node && node->op->traits().converts ? node : nullptr;
  }
  static bool same(const Value& a, const Value& b) { return a.dtype == b.dtype && a.quant == b.quant; }
  const Graph& graph_;
  const Links& links_;
};

/// Skips intermediate float values: of two consecutive conversions, the second reads the input of the first.
inline bool skip_float_between(Graph& g, std::size_t n, const QuantizedPatterns& p, Links& links) {
  Node node = g.nodes[n];
  const int q = p.integers_of(node.inputs[0]);
  if (q == Node::none || !is_quantized_activation(g.value(node.outputs[0]))) return false;
  node.inputs[0] = q;
  links.replace(g, n, std::move(node));
  return true;
}

/// Moves dequantization after a node whose results keep the scale of its integer inputs `in`.
inline void dequantize_after(Graph& g, std::size_t at, std::vector<int> in, Links& links) {
  const DType integers = g.value(in[0]).dtype;
  const QuantParams params = g.value(in[0]).quant;
  Node node = g.nodes[at];
  node.inputs = std::move(in);
  std::vector<Node> back;
  for (int& v : node.outputs) {
    if (g.value(v).dtype != DType::f32) continue;  // indices
    const std::string name = g.value(v).name;
    const Shape shape = g.value(v).shape;
    const int q = g.add_value({name + ".quantized", integers, shape, params, {}});
    back.push_back({name, make_operator(Convert(DType::f32)), {q}, {v}});
    v = q;
  }
  links.replace(g, at, std::move(node));
  for (Node& n : back) at = links.insert_after(g, at, std::move(n));
}

/// Whether the layer writes a float output of the model that no other reads: it then dequantizes its sums itself.
inline bool is_last_layer(const Graph& g, const Node& n, const QuantizedPatterns& p) {
  return n.op->traits().products == Traits::Products::all && g.is_output(n.outputs[0]) && !p.is_read(n.outputs[0]) &&
         !has_residual(n);
}

/// Converts an operator between dequantized inputs and quantized outputs to an operator on integers.
inline bool integrate(Graph& g, std::size_t at, const QuantizedPatterns& p, Links& links) {
  Node n = g.nodes[at];
  const IntegerForm form = n.op->integer_form();
  if (form.compares) {
    const int q = p.integers_of(n.inputs[0]);
    if (q == Node::none) return false;
    n.inputs[0] = q;
    links.replace(g, at, std::move(n));
    return true;
  }
  if (form.output == IntegerForm::Output::none || g.value(n.outputs[0]).dtype != DType::f32) return false;
  const IntegerFormat* format = nullptr;  // of the inputs
  std::vector<int> in = n.inputs;
  int weights = Node::none;
  std::optional<Tensor<float>> bias;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i] == Node::none) continue;
    const int k = static_cast<int>(i);
    if (k == form.bias) {
      bias = p.floats_of(in[i]);
      if (!bias) return false;
    } else {
      in[i] = k == form.weights ? p.weights_of(in[i]) : p.integers_of(in[i]);
      if (in[i] == Node::none) return false;
      if (k == form.weights) {
        weights = in[i];
        continue;
      }
      const IntegerFormat* own = format_of_activations(g.value(in[i]).dtype);
      if (format && own != format) return false;
      format = own;
    }
  }
  if (form.weights >= 0 && weights == Node::none) return false;

  const int result = n.outputs[0];
  const std::vector<int> quantizers = p.quantizers_of(result);
  const bool wide = format && format->computes(int16_format.computed);
  if (wide && !form.int16) return false;
  for (int q : quantizers)
    if (format_of_activations(g.value(g.nodes[static_cast<std::size_t>(q)].outputs[0]).dtype) != format) return false;
  // Linear interpolation rounds once to a scale of its own, which only files give it: with that of its input it is
  // faster.
  const auto* resize = as<Resize>(*n.op);
  const bool rescales = form.rescales || (resize && resize->mode != ResizeMode::nearest);
  const bool keeps_parameters = form.output == IntegerForm::Output::as_input && !(rescales && !quantizers.empty());
  if (rescales && quantizers.empty()) return false;  // nothing says how its results are rounded
  if (!keeps_parameters && n.outputs.size() > 1) return false;
  const bool gives_float = is_last_layer(g, n, p);
  if (!keeps_parameters && quantizers.empty() && !gives_float) return false;
  if (bias) {
    const int old = n.inputs[static_cast<std::size_t>(form.bias)];
    const float scale = g.value(in[0]).quant.scale[0];
    const int given = p.bias_codes_of(old, scale, g.value(weights).quant);
    const QuantParams& unit = g.value(weights).quant;
    AnyTensor codes = given != Node::none ? g.value(given).constant
                      : wide              ? AnyTensor(bias_codes<std::int64_t>(*bias, scale, unit))
                                          : AnyTensor(bias_codes(*bias, scale, unit));
    in[static_cast<std::size_t>(form.bias)] = g.add_constant(g.value(old).name, std::move(codes));
  }
  if (gives_float) {
    g.nodes[at].inputs = std::move(in);
    return true;
  }
  if (keeps_parameters) {
    dequantize_after(g, at, std::move(in), links);
    return true;
  }
  n.inputs = std::move(in);
  n.outputs[0] = g.nodes[static_cast<std::size_t>(quantizers[0])].outputs[0];
  const int out = n.outputs[0];
  std::optional<Node> rescale;
  if (form.input_rescaled) {
    const Value from = g.value(n.inputs[0]), to = g.value(out);
    const std::string name = from.name + ".rescaled";
    const int v = g.add_value({name, to.dtype, from.shape, to.quant, {}});
    rescale = Node{name, make_operator(Convert(to.dtype)), {n.inputs[0]}, {v}};
    n.inputs[0] = v;
  }
  for (int q : quantizers) {
    const auto index = static_cast<std::size_t>(q);
    if (g.nodes[index].outputs[0] == out) {
      links.remove(g, index);
    } else {  // a duplicate: becomes an identity, which is removed below unless it is an output
      Node convert = g.nodes[index];
      convert.inputs[0] = out;
      links.replace(g, index, std::move(convert));
    }
  }
  if (!rescale) {
    links.replace(g, at, std::move(n));
    return true;
  }
  links.replace(g, at, std::move(*rescale));
  links.insert_after(g, at, std::move(n));
  return true;
}

}  // namespace detail

inline Graph fuse_quantized_operators(Graph graph) {
  graph = detail::rewrite_until_stable(std::move(graph), [](Graph& g, std::size_t n, detail::Links& links) {
    const detail::QuantizedPatterns patterns(g, links);
    if (g.nodes[n].op->traits().converts) return detail::skip_float_between(g, n, patterns, links);
    return detail::integrate(g, n, patterns, links);
  });
  return remove_identities(std::move(graph));
}

OCTET_END
