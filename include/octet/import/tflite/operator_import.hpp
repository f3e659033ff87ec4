#pragma once
#include "../../operators/all.hpp"
#include "operator_inputs.hpp"

OCTET_BEGIN
namespace detail::tflite {

/// Access to the inputs and outputs of the operator that is being imported.
class OperatorImport : public OperatorInputs {
 public:
  OperatorImport(Progress& to, const FlatTable& op)
      : OperatorInputs(to, op), outputs_(op.list<std::int32_t>(operator_field::outputs)) {
    require(!outputs_.empty(), "has no outputs");
    spend(16 * (static_cast<std::size_t>(inputs()) + outputs_.size()));
    name_ = output(0).name;
  }

  /// Input i in float, if it is quantized.
  int real_value(int i) {
    const int x = value(i);
    if (!graph_value(x).is_quantized()) return x;
    const int v = step("real", Convert(DType::f32), {x});
    remove_scale(v);
    return v;
  }
  /// For a result in float of a step that reads a quantized tensor.
  void remove_scale(int v) { to_.graph.value(v).quant = {}; }
  /// Inputs i and j: as they are if they have one scale, else in float.
  std::array<int, 2> comparable(int i, int j) {
    const int a = value(i), b = value(j);
    const bool same = graph_value(a).quant == graph_value(b).quant;
    return same ? std::array<int, 2>{a, b} : std::array<int, 2>{real_value(i), real_value(j)};
  }

  int outputs() const noexcept { return static_cast<int>(outputs_.size()); }
  Value output(int i) {
    require(i < outputs(), "has no output ", i);
    return to_.tensors.read(outputs_[at(i)]);
  }
  const std::string& name() const noexcept { return name_; }

  /// Adds an operator that writes the model's tensors from output i on.
  template <class Op>
  int add(Op op, const std::vector<int>& in, int i = 0, int count = 1) {
    return add(make_operator(std::move(op)), in, i, count);
  }
  int add(OperatorPtr op, const std::vector<int>& in, int i, int count) {
    std::vector<Value> declared;
    std::vector<std::string> names;
    for (int k = i; k < i + count; ++k) {
      declared.push_back(output(k));
      names.push_back(to_.unique(declared.back().name));
    }
    const int first = to_.graph.add(names[0], std::move(op), in, names);
    require(static_cast<int>(to_.graph.nodes.back().outputs.size()) == count, "expected ",
            to_.graph.nodes.back().outputs.size(), " outputs, found ", count);
    for (int k = 0; k < count; ++k) {
      Value &v = to_.graph.value(first + k), &d = declared[at(k)];
      const std::size_t t = static_cast<std::size_t>(outputs_[at(i + k)]);
      require(v.dtype == d.dtype, "expected output '", d.name, "' of type ", octet::name(v.dtype), ", found ",
              octet::name(d.dtype));
      require_symmetric_16x8(d);
      require_countable(v.shape);
      v.quant = std::move(d.quant);
      to_.values[t] = first + k;
    }
    return first;
  }
  /// Adds an intermediate operator whose result has the type and scale of its first input. Returns its output.
  template <class Op>
  int step(const char* what, Op op, const std::vector<int>& in) {
    return add_step(what, make_operator(std::move(op)), in);
  }
  int add_step(const char* what, OperatorPtr op, const std::vector<int>& in) {
    const std::string step_name = to_.unique(name_ + "/" + what);
    const int v = to_.graph.add(step_name, std::move(op), in, {step_name});
    require_countable(to_.graph.value(v).shape);
    to_.graph.value(v).quant = to_.graph.value(in[0]).quant;
    return v;
  }
  /// Adds an operator that has no fused activation, and a clamp after it if `range` requires one.
  template <class Op>
  int add_clamped(Op op, const std::vector<int>& in, const ActivationRange& range) {
    if (range.none()) return add(std::move(op), in);
    const int v = step("unclamped", std::move(op), in);
    to_.graph.value(v).quant = output(0).quant;
    return add(Unary(UnaryKind::clip, range.low, range.high), {v});
  }
  /// Adds a constant. `fill` writes its elements.
  template <class Fill>
  int add_copy(const std::string& copy_name, DType dtype, const Shape& shape, QuantParams quant, Fill fill) {
    to_.tensors.spend(bytes(dtype, shape.elements()));
    return add_constant(copy_name, AnyTensor::make(dtype, shape, fill), std::move(quant));
  }
  int scalar(const char* what, float x) {
    return to_.graph.add_constant(to_.unique(name_ + "/" + what), Tensor<float>(Shape{}, std::vector<float>{x}));
  }

  void note_batches(int v, SpaceToBatch from) { to_.batches[v] = std::move(from); }
  /// How SPACE_TO_BATCH_ND made the value; null if it did not.
  const SpaceToBatch* batches(int v) const {
    const auto it = to_.batches.find(v);
    return it == to_.batches.end() ? nullptr : &it->second;
  }

  /// Sets output 0 to these sizes.
  void result(Sizes s) {
    to_.tensors.spend(16 * s.entries.size());
    to_.sizes[static_cast<std::size_t>(outputs_[0])] = std::move(s);
  }
  /// Makes output 0 the float form of input 0, a 16-bit float constant. It is converted only if necessary. Returns
  /// whether input 0 is one.
  bool result_is_half() {
    const std::size_t t = tensor(0);
    if (to_.half[t] >= 0 || to_.values[t] != Node::none || to_.sizes[t]) return false;
    const Value c = to_.tensors.read(static_cast<std::int64_t>(t));
    if (!c.is_constant() || c.dtype != DType::f16 || output(0).dtype != DType::f32) return false;
    to_.half[static_cast<std::size_t>(outputs_[0])] = static_cast<std::int64_t>(t);
    return true;
  }

  /// Makes output 0 a constant.
  void result_is_constant(Value c) {
    c.name = to_.unique(output(0).name);
    to_.values[static_cast<std::size_t>(outputs_[0])] = to_.graph.add_value(std::move(c));
  }

 private:
  FlatList<std::int32_t> outputs_;
  std::string name_;
};

}  // namespace detail::tflite
OCTET_END
