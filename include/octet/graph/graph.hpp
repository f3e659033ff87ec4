#pragma once
#include <algorithm>
#include <map>

#include "operator.hpp"

OCTET_BEGIN

/// One layer: an operator and the values it reads and writes.
struct Node {
  std::string name;
  OperatorPtr op;
  std::vector<int> inputs;  // indices of values; none (-1) where an optional one is missing
  std::vector<int> outputs;
  static constexpr int none = -1;
};

/// A network: values, and nodes in an order in which they can run. Copies share weights and operators.
class Graph {
 public:
  std::string name;
  Rounding rounding = Rounding::fp32;
  std::map<std::string, std::string> metadata;  // free text about the model: producer, source, ...
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<int> inputs, outputs;

  Value& value(int i) { return values[static_cast<std::size_t>(i)]; }
  const Value& value(int i) const { return values[static_cast<std::size_t>(i)]; }

  int add_value(Value v) {
    values.push_back(std::move(v));
    return static_cast<int>(values.size()) - 1;
  }
  int add_input(const std::string& value_name, const Shape& shape, DType dtype = DType::f32) {
    inputs.push_back(add_value({value_name, dtype, shape, {}, {}}));
    return inputs.back();
  }
  int add_constant(const std::string& value_name, AnyTensor tensor, QuantParams quant = {}) {
    const DType dtype = tensor.dtype();
    const Shape shape = tensor.shape();
    return add_value({value_name, dtype, shape, std::move(quant), std::move(tensor)});
  }

  /// Appends a node with new output values, whose shapes and types the operator tells. Without names, outputs
  /// are called after the node. Returns the first output.
  int add(const std::string& node_name, OperatorPtr op, std::vector<int> in, std::vector<std::string> out_names = {}) {
    Node node{node_name, std::move(op), std::move(in), {}};
    std::vector<Value> out;  // all of them before the first is added: the context refers to values
    const ShapeContext c = shape_context(node, nullptr);
    for (const Shape& shape : node.op->shapes(c)) {
      const std::size_t i = out.size();
      const std::string n = i < out_names.size() ? out_names[i] : i ? node_name + ":" + std::to_string(i) : node_name;
      out.push_back({n, node.op->dtype(c, static_cast<int>(i)), shape, {}, {}});
    }
    for (Value& v : out) node.outputs.push_back(add_value(std::move(v)));
    nodes.push_back(std::move(node));
    return nodes.back().outputs.front();
  }
  template <class Op, class = std::enable_if_t<std::is_base_of_v<Operator, Op>>>
  int add(const std::string& node_name, Op op, std::vector<int> in, std::vector<std::string> out_names = {}) {
    return add(node_name, OperatorPtr(std::make_shared<const Op>(std::move(op))), std::move(in), std::move(out_names));
  }

  /// What a node's shape rule sees. Shapes come from `known` (one a value) where given, else from declarations.
  ShapeContext shape_context(const Node& node, const std::vector<Shape>* known) const {
    std::vector<const Value*> in;
    std::vector<Shape> shapes;
    for (int i : node.inputs) {
      in.push_back(i == Node::none ? nullptr : &value(i));
      shapes.push_back(i == Node::none ? Shape{} : known ? (*known)[static_cast<std::size_t>(i)] : value(i).shape);
    }
    return {node.name, node.op->type(), std::move(in), std::move(shapes)};
  }

  /// Shapes of all values for the given shapes of the inputs.
  std::vector<Shape> infer_shapes(const std::vector<Shape>& input_shapes) const {
    detail::require<ShapeError>(input_shapes.size() == inputs.size(), "model '", name, "' takes ", inputs.size(),
                                " inputs, but was given ", input_shapes.size());
    std::vector<Shape> shapes(values.size());
    for (std::size_t i = 0; i < values.size(); ++i)
      if (values[i].is_constant()) shapes[i] = values[i].constant.shape();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Value& v = value(inputs[i]);
      require_fits(v, input_shapes[i]);
      shapes[static_cast<std::size_t>(inputs[i])] = input_shapes[i];
    }
    for (const Node& n : nodes) {
      const std::vector<Shape> out = n.op->shapes(shape_context(n, &shapes));
      for (std::size_t i = 0; i < n.outputs.size(); ++i) shapes[static_cast<std::size_t>(n.outputs[i])] = out.at(i);
    }
    return shapes;
  }

  /// Index of the value of that name; throws where there is none.
  int find(const std::string& value_name) const {
    for (std::size_t i = 0; i < values.size(); ++i)
      if (values[i].name == value_name) return static_cast<int>(i);
    detail::fail("model '", name, "' has no tensor named '", value_name, "'");
  }
  bool contains(const std::string& value_name) const {
    return std::any_of(values.begin(), values.end(), [&](const Value& v) { return v.name == value_name; });
  }

  bool is_output(int v) const { return std::find(outputs.begin(), outputs.end(), v) != outputs.end(); }

  /// Index of the node that writes each value, or none.
  std::vector<int> producers() const {
    std::vector<int> p(values.size(), Node::none);
    for (std::size_t n = 0; n < nodes.size(); ++n)
      for (int v : nodes[n].outputs) p[static_cast<std::size_t>(v)] = static_cast<int>(n);
    return p;
  }
  /// Number of uses of each value by nodes, plus one where it is an output.
  std::vector<int> use_counts() const {
    std::vector<int> uses(values.size(), 0);
    for (const Node& n : nodes)
      for (int v : n.inputs)
        if (v != Node::none) ++uses[static_cast<std::size_t>(v)];
    for (int v : outputs) ++uses[static_cast<std::size_t>(v)];
    return uses;
  }
  /// Makes every user of `from` use `to`.
  void replace_uses(int from, int to) {
    for (Node& n : nodes) std::replace(n.inputs.begin(), n.inputs.end(), from, to);
    std::replace(outputs.begin(), outputs.end(), from, to);
  }

  /// Drops nodes whose outputs nobody uses, then values that nothing refers to.
  void remove_unused() {
    std::vector<int> uses = use_counts();
    std::vector<bool> dead(nodes.size(), false);
    for (std::size_t n = nodes.size(); n-- > 0;) {  // users come after producers
      const auto& out = nodes[n].outputs;
      if (std::any_of(out.begin(), out.end(), [&](int v) { return uses[static_cast<std::size_t>(v)] > 0; })) continue;
      dead[n] = true;
      for (int v : nodes[n].inputs)
        if (v != Node::none) --uses[static_cast<std::size_t>(v)];
    }
    std::size_t n = 0;
    nodes.erase(std::remove_if(nodes.begin(), nodes.end(), [&](const Node&) { return dead[n++]; }), nodes.end());
    std::vector<bool> used(values.size(), false);
    const auto mark = [&](const std::vector<int>& list) {
      for (int v : list)
        if (v != Node::none) used[static_cast<std::size_t>(v)] = true;
    };
    mark(inputs), mark(outputs);
    for (const Node& node : nodes) mark(node.inputs), mark(node.outputs);
    std::vector<int> moved(values.size(), Node::none);
    std::vector<Value> kept;
    for (std::size_t v = 0; v < values.size(); ++v)
      if (used[v]) moved[v] = static_cast<int>(kept.size()), kept.push_back(std::move(values[v]));
    values = std::move(kept);
    const auto renumber = [&](std::vector<int>& list) {
      for (int& v : list)
        if (v != Node::none) v = moved[static_cast<std::size_t>(v)];
    };
    renumber(inputs), renumber(outputs);
    for (Node& node : nodes) renumber(node.inputs), renumber(node.outputs);
  }

  /// Puts nodes into an order in which every value is written before it is read, keeping theirs where it does
  /// already. Throws where values depend on themselves or have no source.
  void sort() {
    std::vector<Node> sorted;
    std::vector<bool> ready(values.size(), false);
    for (std::size_t v = 0; v < values.size(); ++v) ready[v] = values[v].is_constant();
    for (int v : inputs) ready[static_cast<std::size_t>(v)] = true;
    // Nodes wait at one unwritten input at a time, so that the whole order takes time linear in the edges.
    std::vector<std::vector<std::size_t>> waiting(values.size());
    std::vector<std::size_t> queue;
    for (std::size_t n = nodes.size(); n-- > 0;) queue.push_back(n);
    while (!queue.empty()) {
      const std::size_t n = queue.back();
      queue.pop_back();
      const auto& in = nodes[n].inputs;
      const auto missing = std::find_if(in.begin(), in.end(),
                                        [&](int v) { return v != Node::none && !ready[static_cast<std::size_t>(v)]; });
      if (missing != in.end()) {
        waiting[static_cast<std::size_t>(*missing)].push_back(n);
        continue;
      }
      for (int v : nodes[n].outputs) {
        ready[static_cast<std::size_t>(v)] = true;
        auto& w = waiting[static_cast<std::size_t>(v)];
        queue.insert(queue.end(), w.rbegin(), w.rend());
        w.clear();
      }
      sorted.push_back(nodes[n]);
    }
    for (std::size_t v = 0; v < values.size(); ++v)
      if (!waiting[v].empty())
        detail::fail<FormatError>("layer '", nodes[waiting[v].front()].name, "' reads '", values[v].name,
                                  "', which depends on itself or is never written");
    nodes = std::move(sorted);
  }

 private:
  void require_fits(const Value& v, const Shape& s) const {
    // Sizes may differ from the declared ones (batch, image); the operators refuse what they cannot take.
    const bool fits = s.rank() == v.shape.rank() && s.known();
    detail::require<ShapeError>(fits, "model '", name, "' takes '", v.name, "' of shape ", v.shape, ", but was given ",
                                s);
  }
};

/// What load returns and an Executor runs.
using Model = Graph;

const std::string& PrepareContext::name() const noexcept { return node_.name; }
bool PrepareContext::has(int i) const noexcept {
  return i >= 0 && i < inputs() && node_.inputs[static_cast<std::size_t>(i)] != Node::none;
}
int PrepareContext::inputs() const noexcept { return static_cast<int>(node_.inputs.size()); }
int PrepareContext::outputs() const noexcept { return static_cast<int>(node_.outputs.size()); }
const Value& PrepareContext::input(int i) const {
  require(has(i), "needs at least ", i + 1, " inputs, found ", inputs());
  return graph_.value(node_.inputs[static_cast<std::size_t>(i)]);
}
const Value& PrepareContext::output(int i) const { return graph_.value(node_.outputs[static_cast<std::size_t>(i)]); }
Rounding PrepareContext::rounding() const noexcept { return graph_.rounding; }
const AnyTensor& PrepareContext::constant(int i) const {
  const Value& v = input(i);
  require(v.is_constant(), "input ", i, " ('", v.name, "') has to be constant");
  return v.constant;
}
const QuantParams& PrepareContext::one_scale(const Value& v) const {
  require(v.is_quantized() && !v.quant.per_channel(), "'", v.name, "' has to have one scale and zero point");
  validate(v);
  return v.quant;
}
void PrepareContext::validate(const Value& v) const {
  octet::validate(v.quant, v.shape, v.dtype, where(), "'", v.name, "': ");
}
float PrepareContext::multiplier(double real) const {
  require(std::isfinite(static_cast<float>(real)) && real >= 0, "its scales are too far apart: one over the other is ",
          real);
  return static_cast<float>(real);
}
std::string PrepareContext::where() const {
  return detail::concat("layer '", node_.name, "' (", node_.op->type(), "): ");
}

OCTET_END
