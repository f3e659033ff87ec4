#pragma once
#include <unordered_set>

#include "../../operators/all.hpp"
#include "source.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// Bit mask of the dimensions of a node's outputs whose sizes always equal those of its first input at the same index.
enum class Keeps : unsigned { none = 0, batch = 1, all = ~0u };
constexpr Keeps keeps_all_but(int d) { return static_cast<Keeps>(~(1u << d)); }
constexpr bool operator&(Keeps k, int d) { return (static_cast<unsigned>(k) >> d & 1u) != 0; }

/// Symbols of a tensor's sizes. Sizes with the same symbol are equal in every run; 0: no symbol.
using Symbols = std::array<int, Shape::max_rank>;

/// The graph under construction, with names, orders of dimensions and symbols of sizes.
class GraphBuilder {
 public:
  Graph graph;
  bool onnx_reference = false;  // see LoadOptions

  /// budget: total size in bytes that copies of constants may have.
  explicit GraphBuilder(std::size_t budget) : budget_(budget) {}
  /// The remaining bytes.
  std::size_t& budget() noexcept { return budget_; }

  /// Reserves the name of a tensor of the model, so that no other value gets it.
  void reserve_name(std::string_view name) { reserved_.emplace(name); }

  int add_input(const std::string& name, const Shape& shape, DType dtype, const Symbols& symbols) {
    require_size(shape);
    const int v = graph.add_input(unique(name), shape, dtype);
    note(false);
    symbols_.back() = symbols;
    return v;
  }

  /// Adds a node and its outputs. Operators that keep quantization parameters pass them to their output.
  int add(const std::string& node, OperatorPtr op, const std::vector<int>& in, std::vector<std::string> outputs,
          Keeps keeps) {
    bool fixed = true;
    for (int v : in) {
      if (v == Node::none) continue;
      used_[at(v)] = true;
      fixed = fixed && fixed_[at(v)];
    }
    const bool passes_on =
        op->integer_form().output == IntegerForm::Output::as_input && graph.value(in[0]).is_quantized();
    for (std::string& name : outputs) name = unique(name);
    const int first = graph.add(node, std::move(op), in, std::move(outputs));
    const std::size_t count = graph.nodes.back().outputs.size();
    for (std::size_t k = 0; k < count; ++k) {
      const int v = first + static_cast<int>(k);
      note(fixed);
      if (passes_on && graph.value(v).dtype == graph.value(in[0]).dtype)
        graph.value(v).quant = graph.value(in[0]).quant;
      require_size(graph.value(v).shape);
      for (int d = 0; d < graph.value(v).shape.rank(); ++d) {
        const bool kept = keeps & d && !in.empty() && d < graph.value(in[0]).shape.rank();
        symbols_.back()[at(d)] = kept ? symbols_[at(in[0])][at(d)] : new_symbol();
      }
    }
    return first;
  }

  int add_constant(const std::string& name, AnyTensor t, const QuantParams& quant = {}) {
    const int v = graph.add_constant(unique(name), std::move(t), quant);
    note(true);
    return v;
  }

  /// The operand as a value whose dimension i is the model's dimension wanted[i]. Transposes it if necessary, and only
  /// once for each order.
  int value(const Operand& x, const Order& wanted) {
    Source& s = *x.source;
    const Order p = permutation(x.order, wanted);
    for (const auto& [order, v] : s.values)
      if (order == p) return v;
    const int v = s.is_constant() ? constant_value(s, p) : transposed(s, p);
    s.values.emplace_back(p, v);
    return v;
  }
  /// The operand as a value in the order in which it is stored.
  int value(const Operand& x) { return value(x, x.order); }

  /// An operand for a value of the graph that is stored in the given order.
  Operand operand(int v, const Order& order, std::string name) {
    auto s = std::make_shared<Source>();
    s->name = std::move(name);
    s->dtype = graph.value(v).dtype;
    s->shape = graph.value(v).shape;
    s->values.emplace_back(Order::identity(order.rank()), v);
    return {s, order};
  }

  /// The elements of a constant in the model's order. Empty if x is not constant.
  AnyTensor constant(const Operand& x) {
    Source& s = *x.source;
    if (s.sizes && !s.constant) s.constant = to_tensor(*s.sizes);
    if (!s.constant) return {};
    AnyTensor t = s.constant;
    if (t.dtype() != s.dtype) {
      spend(bytes(s.dtype, t.size()));
      t = converted(t, s.quant, s.dtype);
    }
    return permuted_copy(t, permutation(x.order, Order::identity(x.rank())));
  }

  /// To be called if the value of an operand has become a constant.
  void set_constant(const Operand& x) {
    Source& s = *x.source;
    if (!s.is_constant()) s.constant = graph.value(s.values.front().second).constant;
  }

  /// Whether a value is the same in every run.
  bool is_fixed(const Operand& x) const { return x.is_constant() || fixed_[at(x.source->values.front().second)]; }
  /// Whether no node reads the value yet.
  bool is_unused(int v) const { return !used_[at(v)]; }

  const Symbols& symbols(int v) const { return symbols_[at(v)]; }
  void set_symbols(int v, const Symbols& s) { symbols_[at(v)] = s; }
  /// Symbols in the model's order of dimensions.
  Symbols symbols(const Operand& x) const {
    Symbols r{};
    if (!x.is_constant())
      for (int i = 0; i < x.rank(); ++i) r[at(x.order[i])] = symbols_[at(x.source->values.front().second)][at(i)];
    return r;
  }
  int new_symbol() { return ++last_symbol_; }

  /// A name for a value that does not exist in the model.
  std::string derived(std::string name) const {
    while (reserved_.count(name)) name += "'";
    return name;
  }

  /// Subtracts the size of a copy from the budget, so that a small file cannot use unlimited memory.
  void spend(std::size_t n) {
    require<FormatError>(n <= budget_,
                         "needs more memory for copies of constants than is allowed for a file of this size");
    budget_ -= n;
  }
  /// The same for the matrix of a Fourier transform, which is large in a small file: there is memory for some.
  void spend_on_transform(std::size_t n) {
    const std::size_t own = std::min(n, transforms_);
    transforms_ -= own;
    spend(n - own);
  }

 private:
  /// The name, with a suffix if it is already in use.
  std::string unique(const std::string& name) {
    std::string other = name;
    for (std::size_t i = 2; !taken_.insert(other).second; ++i) other = derived(name + "#" + std::to_string(i));
    return other;
  }

  void note(bool fixed) {
    symbols_.emplace_back();
    fixed_.push_back(fixed);
    used_.push_back(false);
  }

  /// Limits sizes, so that arithmetic on them fits into 64 bits.
  static void require_size(const Shape& shape) {
    for (std::int64_t d : shape)
      require<FormatError>(d <= std::int64_t{1} << 40, "a tensor has the shape ", shape,
                           ", expected sizes of at most 2^40");
  }

  AnyTensor permuted_copy(const AnyTensor& t, const Order& p) {
    if (p.is_identity()) return t;
    spend(t.size_bytes());
    return permuted(t, p);
  }

  int constant_value(Source& s, const Order& p) {
    if (s.is_run_time()) return s.at_run_time();
    if (s.sizes && !s.constant) s.constant = to_tensor(*s.sizes);
    QuantParams quant = s.quant;
    if (quant.per_channel()) quant.axis = p.find(quant.axis);
    AnyTensor t = permuted_copy(s.constant, p);
    if (t.dtype() == s.dtype) return add_constant(s.name, std::move(t), quant);
    const int c = add_constant(s.constant_name, std::move(t), quant);
    return add(s.name, make_operator(Convert(s.dtype)), {c}, {s.name}, Keeps::all);
  }

  int transposed(const Source& s, const Order& p) {
    const int from = s.values.front().second;
    Transpose op;
    op.perm = p.list();
    std::string name = graph.value(from).name + ":";
    for (std::int64_t d : op.perm) name += std::to_string(d);
    name = derived(name);
    const int v = add(name, make_operator(std::move(op)), {from}, {name}, Keeps::none);
    Value& out = graph.value(v);
    if (out.quant.per_channel()) out.quant.axis = p.find(out.quant.axis);
    symbols_[at(v)] = permuted(SymbolList{symbols_[at(from)]}, p).symbols;
    return v;
  }
  struct SymbolList {
    Symbols symbols;
    int operator[](int i) const { return symbols[at(i)]; }
    int& operator[](int i) { return symbols[at(i)]; }
  };

  std::size_t budget_, transforms_ = std::size_t{1} << 26;
  std::unordered_set<std::string> reserved_, taken_;
  std::vector<Symbols> symbols_;    // of each value's sizes
  std::vector<bool> fixed_, used_;  // of each value
  int last_symbol_ = 0;
};

}  // namespace detail::onnx
OCTET_END
