#pragma once
#include "../core/element.hpp"
#include "../graph/run_constant.hpp"
#include "implement.hpp"
#include "parametrized.hpp"
#include "shape/slice.hpp"

OCTET_BEGIN
namespace detail {

/// Sets a parameter: a list of integers or one of them, or a list of real numbers.
class ParameterSetter : public FieldVisitor {
 public:
  ParameterSetter(std::string_view name, const AnyTensor& values) : name_(name), values_(values) {}
  bool done() const noexcept { return done_; }
  using FieldVisitor::field;
  void field(const char* name, std::int64_t& v) override {
    if (wants(name, false) && values_.size() == 1) v = to_integers(values_)[0], done_ = true;
  }
  void field(const char* name, std::vector<std::int64_t>& v) override {
    if (wants(name, false)) v = to_integers(values_), done_ = true;
  }
  void field(const char*, double&) override {}
  void field(const char*, std::string&) override {}
  void field(const char* name, std::vector<double>& v) override {
    if (!wants(name, true)) return;
    v.clear();
    for (std::int64_t i = 0; i < values_.size(); ++i) v.push_back(load_element(values_.dtype(), values_.data(), i));
    done_ = true;
  }

 private:
  bool wants(const char* name, bool real) const { return name_ == name && is_floating(values_.dtype()) == real; }

  std::string_view name_;
  const AnyTensor& values_;
  bool done_ = false;
};

/// A constant over memory that outlives it.
inline AnyTensor borrowed(const TensorRef& t) {
  return {t.dtype, t.shape, std::shared_ptr<const std::byte>(std::shared_ptr<void>(), t.data)};
}

class ParametrizedStep : public DataSizedStep {
 public:
  ParametrizedStep(std::string name, std::shared_ptr<Operator> op, std::vector<std::string> parameters,
                   std::size_t outputs)
      : name_(std::move(name)), op_(std::move(op)), parameters_(std::move(parameters)), outputs_(outputs) {}

  std::vector<AnyTensor> results(const std::vector<TensorRef>& inputs, ThreadPool& pool) override {
    const std::size_t operands = inputs.size() - parameters_.size();
    for (std::size_t p = 0; p < parameters_.size(); ++p) {
      const AnyTensor values = borrowed(inputs[operands + p]);
      ParameterSetter setter(parameters_[p], values);
      op_->fields(setter);
      require<ShapeError>(setter.done(), "layer '", name_, "': parameter '", parameters_[p], "' of ", op_->type(),
                          " cannot be set");
    }
    Graph g;
    Node n{name_, op_, {}, {}};
    for (std::size_t i = 0; i < operands; ++i) n.inputs.push_back(g.add_constant("", borrowed(inputs[i])));
    const std::vector<Shape> shapes = op_->shapes(g.shape_context(n, nullptr));
    require<ShapeError>(shapes.size() == outputs_, "layer '", name_, "': expected ", outputs_, " results of ",
                        op_->type(), ", found ", shapes.size());
    for (std::size_t i = 0; i < outputs_; ++i)
      n.outputs.push_back(
          g.add_value({"", op_->dtype(g.shape_context(n, nullptr), static_cast<int>(i)), shapes[i], {}, {}}));
    return run_constant(g, n, shapes, pool);
  }

 private:
  std::string name_;
  std::shared_ptr<Operator> op_;  // its own
  std::vector<std::string> parameters_;
  std::size_t outputs_;
};

}  // namespace detail

OCTET_API std::vector<std::string> Parametrized::parameter_names() const {
  std::vector<std::string> names(1);
  for (char c : parameters)
    if (c == ',')
      names.emplace_back();
    else
      names.back() += c;
  return names;
}

OCTET_API void Parametrized::fields(FieldVisitor& v) {
  const std::string before = op ? op->type() : "";
  std::string type = before;
  v.field("operator", type);
  if (type != before) {
    op = detail::new_operator(type);
    detail::require<FormatError>(op && !op->traits().data_sized, "an operator of type '", type,
                                 "' cannot have computed parameters");
  }
  v.field("parameters", parameters);
  v.field("result", shape);
  v.field("outputs", outputs);
  if (op) op->fields(v);
}

OCTET_API std::vector<Shape> Parametrized::shapes(const ShapeContext& c) const {
  const auto computed = static_cast<int>(parameter_names().size());
  c.require(op && c.inputs() > computed, "expected more than ", computed, " inputs, found ", c.inputs());
  for (int i = 0; i < c.inputs(); ++i) c.shape(i);
  for (int i = c.inputs() - computed; i < c.inputs(); ++i)
    c.require(c.rank(i) <= 1, "input ", i, ": expected a vector of integers, found the shape ", c.shape(i));
  if (const auto* split = as<Split>(*op)) {
    constexpr std::int64_t most = 65536;  // as of Split itself
    c.require(outputs == split->parts && outputs >= 1 && outputs <= most, "expected an output for each of ",
              split->parts, " parts, at most ", most, ", found ", outputs);
  } else {
    c.require(outputs == 1 || outputs == 2, "expected 1 or 2 outputs, found ", outputs);
  }
  return std::vector<Shape>(static_cast<std::size_t>(outputs), Shape(shape.begin(), shape.end()));
}

OCTET_API DType Parametrized::dtype(const ShapeContext& c, int i) const { return op ? op->dtype(c, i) : c.dtype(0); }

OCTET_API std::unique_ptr<Step> Parametrized::prepare(const PrepareContext& c) const {
  c.require(op != nullptr, "has no operator");
  std::vector<std::string> names = parameter_names();
  const auto operands = c.inputs() - static_cast<int>(names.size());
  for (int i = 0; i < c.inputs(); ++i) {
    const DType t = c.input(i).dtype;
    c.require(!c.input(i).is_quantized(), "input ", i, " ('", c.input(i).name, "') is quantized, expected numbers");
    c.require(i < operands || t == DType::i64 || t == DType::i32 || t == DType::f32, "input ", i,
              ": expected numbers, found ", name(t));
  }
  std::shared_ptr<Operator> own = detail::copy_of(*op);
  c.require(own != nullptr, "the operator ", op->type(), " is not known");
  return detail::make_step<detail::ParametrizedStep, Step>(c.name(), std::move(own), std::move(names),
                                                           static_cast<std::size_t>(outputs));
}

OCTET_END
