#pragma once
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

  int add_value(Value v);
  int add_input(const std::string& value_name, const Shape& shape, DType dtype = DType::f32);
  int add_constant(const std::string& value_name, AnyTensor tensor, QuantParams quant = {});

  /// Appends a node with new output values, whose shapes and types the operator tells. Without names, outputs
  /// are called after the node. Returns the first output.
  int add(const std::string& node_name, OperatorPtr op, std::vector<int> in, std::vector<std::string> out_names = {});
  template <class Op, class = std::enable_if_t<std::is_base_of_v<Operator, Op>>>
  int add(const std::string& node_name, Op op, std::vector<int> in, std::vector<std::string> out_names = {}) {
    return add(node_name, make_operator(std::move(op)), std::move(in), std::move(out_names));
  }

  /// What a node's shape rule sees. Shapes come from `known` (one a value) where given, else from declarations.
  ShapeContext shape_context(const Node& node, const std::vector<Shape>* known) const;

  /// Shapes of all values for the given shapes of the inputs.
  std::vector<Shape> infer_shapes(const std::vector<Shape>& input_shapes) const;

  /// Index of the value of that name; throws where there is none.
  int find(const std::string& value_name) const;
  bool contains(const std::string& value_name) const;

  bool is_output(int v) const { return std::find(outputs.begin(), outputs.end(), v) != outputs.end(); }

  /// Index of the node that writes each value, or none.
  std::vector<int> producers() const;
  /// Number of uses of each value by nodes, plus one where it is an output.
  std::vector<int> use_counts() const;
  /// Makes every user of `from` use `to`.
  void replace_uses(int from, int to);

  /// Drops nodes whose outputs nobody uses, then values that nothing refers to.
  void remove_unused();

  /// Puts nodes into an order in which every value is written before it is read, keeping theirs where it does
  /// already. Throws where values depend on themselves or have no source.
  void sort();

 private:
  void require_fits(const Value& v, const Shape& s) const;
};

/// What load returns and an Executor runs.
using Model = Graph;

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "graph.inl"
#endif
