#pragma once
#include "../../core/affine.hpp"
#include "../../operators/all.hpp"
#include "operator_options.hpp"
#include "progress.hpp"

OCTET_BEGIN
namespace detail::tflite {

/// The inputs of the operator that is being imported.
class OperatorInputs : public OperatorOptions {
 public:
  OperatorInputs(Progress& to, const FlatTable& op)
      : OperatorOptions(to.tensors, op), to_(to), inputs_(op.list<std::int32_t>(operator_field::inputs)) {}

  int inputs() const noexcept { return static_cast<int>(inputs_.size()); }
  bool has(int i) const noexcept { return i < inputs() && inputs_[at(i)] >= 0; }
  /// The value of input i, or Node::none if it is missing.
  int optional(int i) { return has(i) ? value(i) : Node::none; }
  int value(int i) {
    const std::size_t t = tensor(i);
    int& v = to_.values[t];
    if (v != Node::none) return v;
    if (to_.half[t] >= 0) {  // the floats themselves are needed
      Value f = to_.tensors.read(static_cast<std::int64_t>(t));
      const std::string name = to_.unique(f.name);
      v = to_.graph.add(name, Convert(DType::f32), {constant_value(static_cast<std::size_t>(to_.half[t]))}, {name});
      return v;
    }
    require(!to_.sizes[t] || known(*to_.sizes[t]), "input ", i,
            " is computed from the batch size, which is not supported");
    if (to_.sizes[t]) return v = sizes_value(t);
    return v = constant_value(t);
  }
  /// The constant input i, as it is in the file. Constants that are dequantized from 16-bit floats stay in 16 bits.
  Value constant(int i) {
    const std::size_t t = tensor(i);
    if (to_.values[t] != Node::none && to_.graph.value(to_.values[t]).is_constant())
      return to_.graph.value(to_.values[t]);
    Value c = to_.tensors.read(to_.half[t] >= 0 ? to_.half[t] : static_cast<std::int64_t>(t));
    require(c.is_constant(), "input ", i, " ('", c.name, "') has to be constant");
    return c;
  }
  /// The constant input i as a value of the graph, for use as weights.
  int weights(int i) {
    const std::size_t t = tensor(i);
    const int v = constant_value(to_.half[t] >= 0 ? static_cast<std::size_t>(to_.half[t]) : t);
    const Value& c = graph_value(v);
    require(c.is_constant() || dequantized(i), "input ", i, " ('", c.name, "') has to be constant");
    const bool fits = is_floating(c.dtype) || is_byte(c.dtype) || c.dtype == DType::i4;
    require(fits, "weights of type ", octet::name(c.dtype), " are not supported");
    return v;
  }
  /// The node that writes a value; null for inputs and constants.
  const Node* producer(int v) const {
    const auto& nodes = to_.graph.nodes;  // most often one of the last
    const auto it = std::find_if(nodes.rbegin(), nodes.rend(), [&](const Node& n) {
      return std::find(n.outputs.begin(), n.outputs.end(), v) != n.outputs.end();
    });
    return it == nodes.rend() ? nullptr : &*it;
  }
  /// The constant of integers from which a DEQUANTIZE makes input i; null if none does.
  const Value* dequantized(int i) const {
    const int v = to_.values[tensor(i)];
    const Node* n = v == Node::none ? nullptr : producer(v);
    if (!n || !n->op->traits().converts || !graph_value(n->inputs[0]).is_constant()) return nullptr;
    return &graph_value(n->inputs[0]);
  }
  /// Input i as a bias of n elements, without its scale. Node::none if it is missing.
  int bias(int i, std::int64_t n) {
    if (!has(i)) return Node::none;
    const Value b = constant(i);
    require(b.constant.size() == n, "the bias ('", b.name, "') has shape ", b.shape, ", expected [", n, "]");
    return add_constant(b.name, b.constant.reshaped({n}));
  }
  Shape shape(int i) { return in(i).shape; }
  DType dtype(int i) { return in(i).dtype; }
  bool is_quantized(int i) { return in(i).is_quantized(); }

  /// Whether input i, or any of them, is computed from sizes.
  bool is_sizes(int i) const { return to_.sizes[tensor(i)].has_value(); }
  bool any_sizes() const {
    for (int i = 0; i < inputs(); ++i)
      if (is_sizes(i)) return true;
    return false;
  }
  /// Input i as sizes: a short constant vector of integers, or computed from sizes.
  Sizes sizes(int i) {
    const std::size_t t = tensor(i);
    if (to_.sizes[t]) return *to_.sizes[t];
    const Value& v = in(i);
    require(v.is_constant() && !is_floating(v.dtype) && v.shape.rank() <= 1, "input ", i, " ('", v.name,
            "') has to be a constant vector of integers, or computed from sizes");
    require(v.constant.size() <= Sizes::most, "input ", i, " ('", v.name, "') has ", v.constant.size(),
            " elements, expected at most ", Sizes::most);
    Sizes s;
    s.scalar = v.shape.rank() == 0;
    for (std::int64_t x : to_integers(v.constant)) s.entries.push_back({x, -1});
    return s;
  }
  /// A constant matrix of integers, row by row.
  std::vector<std::int64_t> matrix(int i, std::int64_t rows, std::int64_t columns) {
    const Value& v = in(i);
    require(v.is_constant() && !is_floating(v.dtype) && v.shape == Shape{rows, columns}, "input ", i, " ('", v.name,
            "') has to be a constant of ", rows, " x ", columns, " integers");
    return to_integers(v.constant);
  }
  /// A constant of one element, dequantized.
  double element(int i) {
    const Value& v = in(i);
    require(v.is_constant() && v.constant.size() == 1, "input ", i, " ('", v.name,
            "') has to be a constant with one element");
    const double x = load_element(v.dtype, v.constant.data(), 0);
    return v.is_quantized() ? detail::real_value(x, v.quant) : x;
  }
  /// Input i as known sizes; `count`: their expected number (-1: any).
  std::vector<std::int64_t> integers(int i, int count = -1) {
    const Sizes s = sizes(i);
    require(count < 0 || static_cast<int>(s.entries.size()) == count, "input ", i, " has ", s.entries.size(),
            " elements, expected ", count);
    require(known(s), "input ", i, " has to be known on import");
    std::vector<std::int64_t> r;
    for (const Size& e : s.entries) r.push_back(e.value);
    return r;
  }

  const Value& graph_value(int v) const { return to_.graph.value(v); }
  int add_constant(const std::string& constant_name, AnyTensor t, QuantParams quant = {}) {
    return to_.graph.add_constant(to_.unique(constant_name), std::move(t), std::move(quant));
  }
  /// Subtracts a constant's size from the budget, because reading its elements takes as long as a copy.
  void spend_on(int v) { to_.tensors.spend(graph_value(v).constant.size_bytes()); }

  /// Subtracts bytes from the budget, so that a small file cannot use unlimited memory.
  void spend(std::size_t n) { to_.tensors.spend(n); }

  /// Throws unless a tensor that is quantized to 16 bits is so as TFLite's 16x8 form has it.
  static void require_symmetric_16x8(const Value& v) {
    if (v.dtype != DType::i16 || !v.is_quantized()) return;
    detail::require<FormatError>(v.has_one_scale(), "'", v.name, "' is quantized to 16 bits with ", v.quant.channels(),
                                 " scales, expected one");
    detail::require<FormatError>(v.quant.zero_point[0] == 0, "'", v.name,
                                 "' is quantized to 16 bits with the zero point ", v.quant.zero_point[0],
                                 ", expected 0 (16x8 quantization is symmetric)");
  }

 protected:
  std::size_t tensor(int i) const {
    require(has(i), "expected at least ", i + 1, " inputs, found ", inputs());
    return static_cast<std::size_t>(to_.tensors.checked(inputs_[at(i)]));
  }
  Progress& to_;

 private:
  static bool known(const Sizes& s) {
    return std::all_of(s.entries.begin(), s.entries.end(), [](const Size& e) { return e.known(); });
  }
  const Value& in(int i) { return to_.graph.value(value(i)); }

  int constant_value(std::size_t t) {
    int& v = to_.values[t];
    if (v != Node::none) return v;
    Value c = to_.tensors.read(static_cast<std::int64_t>(t));
    require(c.is_constant(), "reads '", c.name, "', which is neither an input nor written by an earlier operator");
    require_symmetric_16x8(c);
    c.name = to_.unique(c.name);
    return v = to_.graph.add_value(std::move(c));
  }
  int sizes_value(std::size_t t) {
    const Sizes& s = *to_.sizes[t];
    const Value declared = to_.tensors.read(static_cast<std::int64_t>(t));
    Shape shape;
    if (!s.scalar) shape.push_back(static_cast<std::int64_t>(s.entries.size()));
    return to_.graph.add_constant(to_.unique(declared.name), AnyTensor::make(declared.dtype, shape, [&](std::byte* p) {
                                    for (std::size_t i = 0; i < s.entries.size(); ++i)
                                      store_element(declared.dtype, p, static_cast<std::int64_t>(i),
                                                    static_cast<double>(s.entries[i].value));
                                  }));
  }

  FlatList<std::int32_t> inputs_;
};

}  // namespace detail::tflite
OCTET_END
