#pragma once
#include "../core/integer_format.hpp"
#include "../graph/lost_numbers.hpp"
#include "arithmetic/binary.hpp"
#include "code_function.hpp"
#include "code_table.hpp"
#include "convert.hpp"
#include "prelu.hpp"
#include "unary.hpp"

OCTET_BEGIN
namespace detail {

/// Computes operators for one code at a time, to fill tables.
class CodeByCode {
 public:
  CodeByCode(const Graph& body, const PrepareContext& c) : body_(body), values_(body.values.size()) {
    Shape one;
    while (one.rank() < body.value(body.inputs[0]).shape.rank()) one.push_back(1);
    for (std::size_t v = 0; v < values_.size(); ++v) {
      const Value& value = body.values[v];
      values_[v] = value.is_constant() ? value.constant : AnyTensor::make(value.dtype, one, [](std::byte*) {});
    }
    std::size_t scratch = 0;
    for (const Node& n : body.nodes) {
      steps_.push_back(n.op->prepare(PrepareContext(body, n, c.kernels(), c.options())));
      inputs_.push_back(refs(n.inputs));
      outputs_.push_back(refs(n.outputs));
      scratch = std::max(scratch, steps_.back()->plan({inputs_.back(), outputs_.back(), 1}));
    }
    scratch_ = AlignedBytes(scratch);
  }

  /// The result for a code. `lost` is set where a number that is not finite became an integer.
  std::uint8_t operator()(int code, bool& lost) {
    *bytes_of(body_.inputs[0]) = static_cast<std::byte>(code);
    lost_.clear();
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i]->is_view())
        std::copy(inputs_[i][0].data, inputs_[i][0].data + inputs_[i][0].size_bytes(), outputs_[i][0].data);
      else
        steps_[i]->run({inputs_[i], outputs_[i], scratch_.data(), &pool_, &lost_});
    }
    lost = lost_.any();
    return std::to_integer<std::uint8_t>(*bytes_of(body_.outputs[0]));
  }

 private:
  std::byte* bytes_of(int v) { return values_[static_cast<std::size_t>(v)].ref().data; }
  std::vector<TensorRef> refs(const std::vector<int>& values) {
    std::vector<TensorRef> r;
    for (int v : values) r.push_back(values_[static_cast<std::size_t>(v)].ref());
    return r;
  }

  const Graph& body_;
  std::vector<AnyTensor> values_;
  std::vector<std::unique_ptr<Step>> steps_;
  std::vector<std::vector<TensorRef>> inputs_, outputs_;
  AlignedBytes scratch_;
  ThreadPool pool_{1};
  LostNumbers lost_;
};

/// A table that also reports codes whose results are lost numbers, as the operators would.
class CodeFunctionStep : public TableStep {
 public:
  CodeFunctionStep(const Graph& body, const PrepareContext& c) : CodeFunctionStep(c, Results(body, c)) {}
  const char* form() const noexcept override { return "table"; }

 protected:
  void compute(const RunContext& c, std::int64_t first, std::int64_t count) const noexcept override {
    const std::byte* in = c.input(0) + first;
    if (any_lost_ && std::any_of(in, in + count, [&](std::byte q) { return lost_[std::to_integer<std::size_t>(q)]; }))
      report_lost_number(c);
    TableStep::compute(c, first, count);
  }

 private:
  struct Results {
    Results(const Graph& body, const PrepareContext& c) {
      CodeByCode result(body, c);
      for (std::size_t q = 0; q < 256; ++q) codes[q] = result(static_cast<int>(q), lost[q]);
    }
    std::array<std::uint8_t, 256> codes;
    std::array<bool, 256> lost;
  };
  CodeFunctionStep(const PrepareContext& c, const Results& r)
      : TableStep(c.kernels(), [&](int code) { return r.codes[static_cast<std::size_t>(code)]; }),
        lost_(r.lost),
        any_lost_(std::find(lost_.begin(), lost_.end(), true) != lost_.end()) {}
  std::array<bool, 256> lost_;
  bool any_lost_;
};

}  // namespace detail

OCTET_API bool CodeFunction::can_contain(const Graph& g, const Node& n) {
  if (!n.op || n.outputs.size() != 1) return false;
  if (!as<Unary>(*n.op) && !as<Binary>(*n.op) && !as<Convert>(*n.op) && !as<PRelu>(*n.op)) return false;
  for (int v : n.inputs)
    if (v == Node::none || (g.value(v).is_constant() && g.value(v).constant.size() != 1)) return false;
  return true;
}

OCTET_API std::unique_ptr<Step> CodeFunction::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::CodeFunctionStep>(body, c);
}

OCTET_API std::string CodeFunction::summary(const ShapeContext&) const {
  std::string all;  // declared shapes: those of the input may be open
  for (const Node& n : body.nodes)
    if (!n.op->traits().converts) all += (all.empty() ? "" : ", ") + n.op->summary(body.shape_context(n, nullptr));
  return all.empty() ? "Convert" : all;
}

OCTET_END
