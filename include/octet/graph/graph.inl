#pragma once
#include <algorithm>
#include <cmath>

#include "gradient.hpp"
#include "graph.hpp"

OCTET_BEGIN

OCTET_API int Graph::add_value(Value v) {
  values.push_back(std::move(v));
  return static_cast<int>(values.size()) - 1;
}

OCTET_API int Graph::add_input(const std::string& value_name, const Shape& shape, DType dtype) {
  inputs.push_back(add_value({value_name, dtype, shape, {}, {}}));
  return inputs.back();
}

OCTET_API int Graph::add_constant(const std::string& value_name, AnyTensor tensor, QuantParams quant) {
  const DType dtype = tensor.dtype();
  const Shape shape = tensor.shape();
  return add_value({value_name, dtype, shape, std::move(quant), std::move(tensor)});
}

OCTET_API int Graph::add(const std::string& node_name, OperatorPtr op, std::vector<int> in,
                         std::vector<std::string> out_names) {
  Node node{node_name, std::move(op), std::move(in), {}};
  std::vector<Value> out;  // complete before adding any, because the context refers to values
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

OCTET_API ShapeContext Graph::shape_context(const Node& node, const std::vector<Shape>* known) const {
  std::vector<const Value*> in;
  std::vector<Shape> shapes;
  for (int i : node.inputs) {
    in.push_back(i == Node::none ? nullptr : &value(i));
    shapes.push_back(i == Node::none ? Shape{} : known ? (*known)[static_cast<std::size_t>(i)] : value(i).shape);
  }
  return {node.name, node.op->type(), std::move(in), std::move(shapes)};
}

OCTET_API std::vector<Shape> Graph::infer_shapes(const std::vector<Shape>& input_shapes) const {
  detail::require<ShapeError>(input_shapes.size() == inputs.size(), "model '", name, "': expected ", inputs.size(),
                              " inputs, found ", input_shapes.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) require_fits(value(inputs[i]), input_shapes[i]);
  return infer_open_shapes(input_shapes);
}

OCTET_API std::vector<Shape> Graph::infer_open_shapes(const std::vector<Shape>& input_shapes) const {
  std::vector<Shape> shapes(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i].is_constant()) shapes[i] = values[i].constant.shape();
  for (std::size_t i = 0; i < inputs.size(); ++i) shapes[static_cast<std::size_t>(inputs[i])] = input_shapes.at(i);
  for (const Node& n : nodes) {
    const ShapeContext context = shape_context(n, &shapes);
    const std::vector<Shape> out = n.op->shapes(context);
    for (const Shape& s : out) context.require(s.countable(), "a result of shape ", s, " has too many elements");
    for (std::size_t i = 0; i < n.outputs.size(); ++i) shapes[static_cast<std::size_t>(n.outputs[i])] = out.at(i);
  }
  return shapes;
}

OCTET_API std::int64_t Graph::macs(const Node& node, const std::vector<Shape>& shapes) const {
  for (int v : node.inputs)
    if (v != Node::none && !shapes[static_cast<std::size_t>(v)].known()) return 0;
  return node.op->macs(shape_context(node, &shapes));
}

OCTET_API int Graph::find(const std::string& value_name) const {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i].name == value_name) return static_cast<int>(i);
  detail::fail("model '", name, "' has no tensor named '", value_name, "'");
}

OCTET_API bool Graph::contains(const std::string& value_name) const {
  return std::any_of(values.begin(), values.end(), [&](const Value& v) { return v.name == value_name; });
}

OCTET_API std::vector<int> Graph::producers() const {
  std::vector<int> p(values.size(), Node::none);
  for (std::size_t n = 0; n < nodes.size(); ++n)
    for (int v : nodes[n].outputs) p[static_cast<std::size_t>(v)] = static_cast<int>(n);
  return p;
}

OCTET_API std::vector<int> Graph::use_counts() const {
  std::vector<int> uses(values.size(), 0);
  for (const Node& n : nodes)
    for (int v : n.inputs)
      if (v != Node::none) ++uses[static_cast<std::size_t>(v)];
  for (int v : outputs) ++uses[static_cast<std::size_t>(v)];
  return uses;
}

OCTET_API void Graph::replace_uses(int from, int to) {
  for (Node& n : nodes) std::replace(n.inputs.begin(), n.inputs.end(), from, to);
  std::replace(outputs.begin(), outputs.end(), from, to);
}

OCTET_API void Graph::remove_unused() {
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
  mark(inputs);
  mark(outputs);
  for (const Node& node : nodes) {
    mark(node.inputs);
    mark(node.outputs);
  }
  std::vector<int> moved(values.size(), Node::none);
  std::vector<Value> kept;
  for (std::size_t v = 0; v < values.size(); ++v)
    if (used[v]) {
      moved[v] = static_cast<int>(kept.size());
      kept.push_back(std::move(values[v]));
    }
  values = std::move(kept);
  const auto renumber = [&](std::vector<int>& list) {
    for (int& v : list)
      if (v != Node::none) v = moved[static_cast<std::size_t>(v)];
  };
  renumber(inputs);
  renumber(outputs);
  for (Node& node : nodes) {
    renumber(node.inputs);
    renumber(node.outputs);
  }
}

OCTET_API void Graph::sort() {
  std::vector<Node> sorted;
  std::vector<bool> ready(values.size(), false);
  for (std::size_t v = 0; v < values.size(); ++v) ready[v] = values[v].is_constant();
  for (int v : inputs) ready[static_cast<std::size_t>(v)] = true;
  // Each node waits for one unwritten input at a time, so that sorting takes time linear in the number of edges.
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

OCTET_API void Graph::require_fits(const Value& v, const Shape& s) const {
  // Sizes may differ from the declared ones (batch, image); operators check what they support.
  const bool fits = s.rank() == v.shape.rank() && s.known();
  detail::require<ShapeError>(fits, "model '", name, "': expected input '", v.name, "' of shape ", v.shape, ", found ",
                              s);
  detail::require<ShapeError>(s.countable(), "model '", name, "': input '", v.name, "' of shape ", s,
                              " has too many elements");
}

OCTET_API const std::string& PrepareContext::name() const noexcept { return node_.name; }
OCTET_API bool PrepareContext::has(int i) const noexcept {
  return i >= 0 && i < inputs() && node_.inputs[static_cast<std::size_t>(i)] != Node::none;
}
OCTET_API int PrepareContext::inputs() const noexcept { return static_cast<int>(node_.inputs.size()); }
OCTET_API int PrepareContext::outputs() const noexcept { return static_cast<int>(node_.outputs.size()); }
OCTET_API const Value& PrepareContext::input(int i) const {
  require(has(i), "expected at least ", i + 1, " inputs, found ", inputs());
  return graph_.value(node_.inputs[static_cast<std::size_t>(i)]);
}
OCTET_API const Value& PrepareContext::output(int i) const {
  return graph_.value(node_.outputs[static_cast<std::size_t>(i)]);
}
OCTET_API bool PrepareContext::as_litert() const noexcept { return graph_.rounding == Rounding::litert; }
OCTET_API bool PrepareContext::as_xnnpack() const noexcept { return graph_.rounding == Rounding::xnnpack; }
OCTET_API Rounding PrepareContext::rounding(bool plain_product) const noexcept {
  return as_xnnpack() ? Rounding::fp32 : own_rounding(plain_product);
}
OCTET_API Rounding PrepareContext::own_rounding(bool plain_product) const noexcept {
  if (as_litert() || as_xnnpack()) return plain_product ? Rounding::tflite_single : Rounding::tflite_double;
  return rounds_centered() ? Rounding::fp32 : graph_.rounding;
}
OCTET_API bool PrepareContext::rounds_centered() const noexcept { return graph_.rounding == Rounding::fp32_centered; }
OCTET_API const AnyTensor& PrepareContext::constant(int i) const {
  const Value& v = input(i);
  require(v.is_constant(), "input ", i, " ('", v.name, "') has to be constant");
  return v.constant;
}
OCTET_API const QuantParams& PrepareContext::one_scale(const Value& v) const {
  require(v.has_one_scale(), "'", v.name, "' has to have one scale and zero point");
  validate(v);
  return v.quant;
}
OCTET_API void PrepareContext::validate(const Value& v) const {
  octet::validate(v.quant, v.shape, v.dtype, detail::concat(where(), "'", v.name, "': "));
}
OCTET_API float PrepareContext::multiplier(double real) const {
  require(std::isfinite(static_cast<float>(real)) && real >= 0, "the ratio of its scales is ", real,
          ", which is out of range");
  return static_cast<float>(real);
}
OCTET_API std::string PrepareContext::where() const {
  return detail::concat("layer '", node_.name, "' (", node_.op->type(), "): ");
}

OCTET_API std::unique_ptr<GradientStep> Operator::prepare_gradient(const PrepareContext& c) const {
  c.fail("has no gradient, so neither it nor a layer before it can be trained");
}
OCTET_API OperatorPtr Operator::for_shifted_codes() const { return nullptr; }
OCTET_API OperatorPtr Operator::clamped(double, double) const { return nullptr; }
OCTET_API OperatorPtr Operator::padded(const std::vector<std::int64_t>&, const std::vector<std::int64_t>&,
                                       double) const {
  return nullptr;
}
OCTET_API bool Operator::passes_on(const Value&, const Value&, bool) const { return false; }
OCTET_API std::string Operator::summary(const ShapeContext&) const { return type(); }
OCTET_API void Operator::check(const PrepareContext& c) const { prepare(c); }

OCTET_END
