#pragma once
#include <map>

#include "operator.hpp"

OCTET_BEGIN

/// A layer: an operator, and the values it reads and writes.
struct Node {
  std::string name;                ///< for messages, plans and options; preferably unique
  OperatorPtr op;                  ///< not null
  std::vector<int> inputs;         ///< indices of values; none (-1) for a missing optional input
  std::vector<int> outputs;        ///< indices of values, at least one
  static constexpr int none = -1;  ///< the index of a missing optional input
};

/// A network: values, and nodes in execution order. Copies share weights and operators.
class Graph {
 public:
  std::string name;                             ///< of the model, for display only
  Rounding rounding = Rounding::fp32;           ///< how integer layers requantize their sums
  std::map<std::string, std::string> metadata;  ///< free text about the model: producer, source, ...
  std::vector<Value> values;                    ///< constants, inputs and results, in any order
  std::vector<Node> nodes;                      ///< each after the nodes whose outputs it reads
  std::vector<int> inputs;                      ///< indices of values, in the order in which a run takes tensors
  std::vector<int> outputs;                     ///< indices of values, in the order in which a run returns tensors

  /// The value with index i. Not checked.
  Value& value(int i) { return values[static_cast<std::size_t>(i)]; }
  /// The value with index i. Not checked.
  const Value& value(int i) const { return values[static_cast<std::size_t>(i)]; }

  /// Adds a value and returns its index.
  int add_value(Value v);
  /// Adds an input of the model and returns its index. Sizes that may change are Shape::unknown.
  int add_input(const std::string& value_name, const Shape& shape, DType dtype = DType::f32);
  /// Adds a constant, such as weights, and returns its index.
  int add_constant(const std::string& value_name, AnyTensor tensor, QuantParams quant = {});

  /// Appends a node with new output values. The operator determines their shapes and types. Without names, outputs are
  /// named after the node. Returns the index of the first output. Throws ShapeError if the inputs do not match.
  int add(const std::string& node_name, OperatorPtr op, std::vector<int> in, std::vector<std::string> out_names = {});
  /// Appends a node with a new operator, as above.
  template <class Op, class = std::enable_if_t<std::is_base_of_v<Operator, Op>>>
  int add(const std::string& node_name, Op op, std::vector<int> in, std::vector<std::string> out_names = {}) {
    return add(node_name, make_operator(std::move(op)), std::move(in), std::move(out_names));
  }

  /// The context for a node's shape rule. Shapes are from `known` (one per value) if given, else the declared ones.
  ShapeContext shape_context(const Node& node, const std::vector<Shape>* known) const;

  /// The shapes of all values for the given input shapes. Throws ShapeError if the model does not accept them.
  std::vector<Shape> infer_shapes(const std::vector<Shape>& input_shapes) const;
  /// The same where sizes of inputs may be unknown: what is computed from them is unknown, too.
  std::vector<Shape> infer_open_shapes(const std::vector<Shape>& input_shapes) const;

  /// Number of multiply-adds of a layer for these shapes of all values; 0 if a size of its inputs is unknown.
  std::int64_t macs(const Node& node, const std::vector<Shape>& shapes) const;

  /// The index of the value with that name. Throws Error if there is none.
  int find(const std::string& value_name) const;
  /// Whether there is a value with that name.
  bool contains(const std::string& value_name) const;

  /// Whether value v is an output of the model.
  bool is_output(int v) const { return std::find(outputs.begin(), outputs.end(), v) != outputs.end(); }

  /// For each value: the index of the node that writes it, or none.
  std::vector<int> producers() const;
  /// For each value: the number of uses by nodes, plus one if it is an output.
  std::vector<int> use_counts() const;
  /// Replaces all uses of `from` by `to`.
  void replace_uses(int from, int to);

  /// Removes nodes whose outputs are not used, then unused values.
  void remove_unused();

  /// Sorts nodes so that every value is written before it is read, keeping the present order where possible. Throws
  /// FormatError if a value depends on itself or is never written.
  void sort();

 private:
  void require_fits(const Value& v, const Shape& s) const;
};

/// A network that load returns and an Executor runs.
using Model = Graph;

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "graph.inl"
#endif
