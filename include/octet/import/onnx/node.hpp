#pragma once
#include <unordered_map>

#include "../../kernels/half.hpp"
#include "builder.hpp"
#include "tensor.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// The imported tensors of a model by name.
using Tensors = std::unordered_map<std::string_view, Operand>;

/// Access to the attributes, inputs and outputs of the node that is being imported.
class NodeImport {
 public:
  NodeImport(const NodeProto& proto, std::int64_t opset, GraphBuilder& to, Tensors& tensors, const ExternalData& files,
             const std::unordered_set<std::string_view>& wanted)
      : builder(to), opset_(opset), proto_(proto), tensors_(tensors), files_(files), wanted_(wanted) {
    name_ = std::string(proto.name);
    for (std::string_view output : proto.outputs)
      if (name_.empty()) name_ = std::string(output);
  }

  GraphBuilder& builder;

  std::string_view type() const noexcept { return proto_.op_type; }
  std::int64_t opset() const noexcept { return opset_; }
  const std::string& name() const noexcept { return name_; }

  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    detail::fail<FormatError>(parts...);
  }
  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    detail::require<FormatError>(condition, parts...);
  }

  // --- attributes, with a default for missing ones
  std::vector<std::string> attributes() const {
    std::vector<std::string> names;
    for (std::string_view a : proto_.attributes)
      each_field(a, [&](Field& f) {
        if (f.number() == 1) names.push_back(f.text());
      });
    return names;
  }
  bool has_attribute(const char* key) const { return attribute(key).has_value(); }
  std::int64_t integer(const char* key, std::int64_t missing = 0) const {
    read(key, 3, [&](Field& f) { missing = f.integer(); });
    return missing;
  }
  bool flag(const char* key, bool missing = false) const { return integer(key, missing) != 0; }
  double real(const char* key, double missing = 0) const {
    read(key, 2, [&](Field& f) { missing = static_cast<double>(f.real()); });
    return missing;
  }
  std::string text(const char* key, std::string missing = {}) const {
    read(key, 4, [&](Field& f) { missing = f.text(); });
    return missing;
  }
  std::vector<std::string> texts(const char* key) const {
    std::vector<std::string> r;
    read(key, 9, [&](Field& f) { r.push_back(f.text()); });
    return r;
  }
  std::vector<std::int64_t> integers(const char* key, std::vector<std::int64_t> missing = {}) const {
    if (has_attribute(key)) missing.clear();
    read(key, 8, [&](Field& f) { f.append(missing); });
    return missing;
  }
  std::vector<float> reals(const char* key) const {
    std::vector<float> r;
    read(key, 7, [&](Field& f) { f.append(r); });
    return r;
  }
  AnyTensor tensor(const char* key) const {
    AnyTensor t;
    read(key, 5, [&](Field& f) { t = read_tensor(parse_tensor(f.bytes()), files_); });
    require(static_cast<bool>(t), "attribute ", key, ": expected a tensor");
    return t;
  }

  // --- inputs
  int inputs() const noexcept { return static_cast<int>(proto_.inputs.size()); }
  bool has(int i) const noexcept { return i < inputs() && !proto_.inputs[at(i)].empty(); }
  const Operand& input(int i) const {
    require(i < inputs(), "expected at least ", i + 1, " inputs, found ", inputs());
    require(has(i), "input ", i, " is missing");
    return tensors_.at(proto_.inputs[at(i)]);
  }
  std::vector<Operand> all_inputs() const {
    std::vector<Operand> all;
    for (int i = 0; i < inputs(); ++i) all.push_back(input(i));
    require(!all.empty(), "has no inputs");
    return all;
  }
  /// The elements of an input that has to be constant.
  AnyTensor constant(int i) {
    const Operand& x = input(i);
    AnyTensor t = builder.constant(x);
    require(static_cast<bool>(t), "input ", i, " ('", x.name(), "') has to be constant");
    return t;
  }
  /// The elements of a constant input; `count`: their expected number (0: any).
  std::vector<float> constant_reals(int i, std::int64_t count = 0) {
    const Tensor<float> t = to_float(constant(i).ref());
    require(count == 0 || t.size() == count, "input ", i, " has ", t.size(), " elements, expected ", count);
    return {t.begin(), t.end()};
  }
  std::vector<std::int64_t> constant_integers(int i) { return to_integers(constant(i)); }
  /// A parameter that is an attribute in older operator sets and input i in newer ones, such as axes.
  std::vector<std::int64_t> integers(const char* key, int i) { return has(i) ? constant_integers(i) : integers(key); }
  /// The input as sizes, if it is a short vector that is constant or computed from sizes.
  std::optional<Sizes> sizes(int i) const {
    const Source& s = *input(i).source;
    if (s.sizes) return s.sizes;
    return s.constant && s.constant.dtype() == s.dtype ? to_sizes(s.constant) : std::optional<Sizes>();
  }

  // --- outputs
  int outputs() const noexcept { return static_cast<int>(proto_.outputs.size()); }
  bool wants(int i) const noexcept { return i < outputs() && wanted_.count(proto_.outputs[at(i)]) > 0; }

  /// Adds an operator that computes outputs [i, i + count) of the node. Returns the first one.
  template <class Op>
  int add(Op op, const std::vector<int>& in, Keeps keeps = Keeps::none, int i = 0, int count = 1) {
    return add(make_operator(std::move(op)), in, keeps, i, count);
  }
  int add(OperatorPtr op, const std::vector<int>& in, Keeps keeps, int i, int count) {
    std::vector<std::string> names;
    for (int k = i; k < i + count; ++k) {
      const bool named = k < outputs() && !proto_.outputs[at(k)].empty();
      names.push_back(named ? output_name(k) : builder.derived(name_ + ":" + std::to_string(k)));
    }
    return builder.add(name_, std::move(op), in, std::move(names), keeps);
  }
  /// Adds an intermediate operator. Returns its output, whose name contains `what`.
  template <class Op>
  int step(const char* what, Op op, const std::vector<int>& in, Keeps keeps = Keeps::none) {
    return add_step(what, make_operator(std::move(op)), in, keeps);
  }
  int add_step(const char* what, OperatorPtr op, const std::vector<int>& in, Keeps keeps) {
    const std::string name = builder.derived(name_ + "/" + what);
    return builder.add(name, std::move(op), in, {name}, keeps);
  }
  int scalar(const char* what, float x) {
    return builder.add_constant(builder.derived(name_ + "/" + what), Tensor<float>(Shape{}, std::vector<float>{x}));
  }

  /// Sets output i to a value that is stored in the given order.
  void result(int v, const Order& order, int i = 0) { result(builder.operand(v, order, output_name(i)), i); }
  void result(const Operand& x, int i = 0) {
    require(i < outputs(), "has no output ", i);
    tensors_.insert_or_assign(proto_.outputs[at(i)], x);
  }
  std::string output_name(int i = 0) const {
    require(i < outputs(), "has no output ", i);
    return std::string(proto_.outputs[at(i)]);
  }

 private:
  std::optional<std::string_view> attribute(const char* key) const {
    for (std::string_view a : proto_.attributes) {
      bool found = false;
      each_field(a, [&](Field& f) {
        if (f.number() == 1) found = f.bytes() == key;
      });
      if (found) return a;
    }
    return {};
  }
  /// Calls f for the fields with that number in the attribute.
  template <class F>
  void read(const char* key, int number, F f) const {
    const auto message = attribute(key);
    if (!message) return;
    each_field(*message, [&](Field& field) {
      require(field.number() != 21, "attribute ", key, " refers to an attribute of a function, which is not supported");
      if (field.number() == number) return f(field);
      // A value of 0 may be missing, but there must not be a value of another type (fields 2 to 11).
      require(field.number() < 2 || field.number() > 11, "attribute ", key, " has a value of the wrong kind");
    });
  }

  std::int64_t opset_;
  const NodeProto& proto_;
  Tensors& tensors_;
  const ExternalData& files_;
  const std::unordered_set<std::string_view>& wanted_;
  std::string name_;
};

}  // namespace detail::onnx
OCTET_END
