#pragma once
#include <variant>

#include <octet/graph/fields.hpp>
#include <octet/operators/all.hpp>
#include "../testing.hpp"
#include "isas.hpp"

/// Runs one operator in every way that must not change its results.
namespace testing {

/// An input of the operator under test.
struct Operand {
  AnyTensor tensor;  // empty: missing
  QuantParams quant;
  bool constant = false;

  Operand() = default;
  Operand(AnyTensor t, QuantParams q = {}, bool is_constant = false)
      : tensor(std::move(t)), quant(std::move(q)), constant(is_constant) {}
  template <class T>
  Operand(Tensor<T> t, QuantParams q = {}, bool is_constant = false)
      : Operand(AnyTensor(std::move(t)), std::move(q), is_constant) {}
};

inline Operand fixed(AnyTensor t, QuantParams q = {}) { return {std::move(t), std::move(q), true}; }

/// Copies the parameters of an operator to another, as saving and loading do.
class FieldCopy : public FieldVisitor {
 public:
  void loads() { loading_ = true; }
  using FieldVisitor::field;
  void field(const char* n, std::int64_t& v) override { one(n, v); }
  void field(const char* n, double& v) override { one(n, v); }
  void field(const char* n, std::string& v) override { one(n, v); }
  void field(const char* n, std::vector<std::int64_t>& v) override { one(n, v); }
  void field(const char* n, std::vector<double>& v) override { one(n, v); }

 private:
  template <class T>
  void one(const char* name, T& v) {
    if (!loading_) {
      fields_.emplace_back(name, v);
      return;
    }
    REQUIRE(next_ < fields_.size());
    CHECK(fields_[next_].first == name);
    v = std::get<T>(fields_[next_++].second);
  }
  bool loading_ = false;
  std::size_t next_ = 0;
  std::vector<std::pair<
      std::string, std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>>>>
      fields_;
};

template <class Op>
OperatorPtr through_fields(Op op) {
  FieldCopy fields;
  op.fields(fields);
  fields.loads();
  auto copy = std::make_shared<Op>();
  copy->fields(fields);
  return copy;
}

/// A graph of one layer. `apart` adds a copying layer before each input and after the first output, so that the
/// operator can work in place.
inline Graph layer_graph(const OperatorPtr& op, const std::vector<Operand>& operands,
                         const std::vector<QuantParams>& results, Rounding rounding, bool apart) {
  Graph g;
  g.rounding = rounding;
  std::vector<int> in;
  for (const Operand& o : operands) {
    const std::string name = "in" + std::to_string(in.size());
    if (!o.tensor) {
      in.push_back(Node::none);
    } else if (o.constant) {
      in.push_back(g.add_constant(name, o.tensor, o.quant));
    } else {
      int v = g.add_input(name, o.tensor.shape(), o.tensor.dtype());
      g.value(v).quant = o.quant;
      if (apart && o.tensor.shape().rank() > 0 && bits(o.tensor.dtype()) >= 8) {
        v = g.add(name + "/copy", Concat(0), {v});
        g.value(v).quant = o.quant;
      }
      in.push_back(v);
    }
  }
  g.add("tested", op, in);
  g.outputs = g.nodes.back().outputs;
  for (std::size_t i = 0; i < results.size(); ++i) g.value(g.outputs[i]).quant = results[i];
  const Value& first = g.value(g.outputs[0]);
  if (apart && first.shape.rank() > 0 && bits(first.dtype) >= 8) {
    const QuantParams q = first.quant;
    g.outputs[0] = g.add("copied", Concat(0), {g.outputs[0]});
    g.value(g.outputs[0]).quant = q;
  }
  return g;
}

inline bool same_bytes(const AnyTensor& a, const AnyTensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         (a.size_bytes() == 0 || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

/// The operator's outputs. Requires the same bits on every instruction set, with one and several threads, in place or
/// not, in repeated runs, and for a copy of the operator.
inline std::vector<AnyTensor> run_every_way(const OperatorPtr& op, const OperatorPtr& copy,
                                            const std::vector<Operand>& operands,
                                            const std::vector<QuantParams>& results, Rounding rounding) {
  std::vector<AnyTensor> inputs;
  for (const Operand& o : operands)
    if (o.tensor && !o.constant) inputs.push_back(o.tensor);
  const Graph plain = layer_graph(op, operands, results, rounding, false);
  const Graph in_place = layer_graph(copy, operands, results, rounding, true);
  const std::vector<AnyTensor> expected = run_plain(plain, inputs);
  for (Isa isa : available_isas()) {
    const UseIsa use(isa);
    for (int threads : {1, 3}) {
      ExecutorOptions o;
      o.threads = threads;
      o.optimize = false;
      Executor a(plain, o), b(in_place, o);
      for (Executor* e : {&a, &b, &a}) {
        const std::vector<AnyTensor> found = e->run(inputs);
        REQUIRE(found.size() == expected.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
          INFO("output ", i, ", ", threads, " threads, ", name(isa), e == &b ? ", in place" : "");
          CHECK(same_bytes(found[i], expected[i]));
        }
      }
    }
  }
  return expected;
}

/// Runs the operator, and a copy made through its fields; see run_every_way.
template <class Op>
std::vector<AnyTensor> run_layer(const Op& op, const std::vector<Operand>& operands,
                                 const std::vector<QuantParams>& results = {}, Rounding rounding = Rounding::fp32) {
  return run_every_way(std::make_shared<const Op>(op), through_fields(op), operands, results, rounding);
}

/// The first output as floats.
template <class Op>
Tensor<float> run_float(const Op& op, const std::vector<Operand>& operands) {
  return floats(run_layer(op, operands)[0]);
}

/// Output shapes for inputs of these declared shapes (float unless specified).
inline std::vector<Shape> shapes_of(const OperatorPtr& op, const std::vector<Shape>& inputs,
                                    const std::vector<DType>& types) {
  Graph g;
  std::vector<int> in;
  for (const Shape& s : inputs)
    in.push_back(
        g.add_input("in" + std::to_string(in.size()), s, in.size() < types.size() ? types[in.size()] : DType::f32));
  g.add("tested", op, in);
  std::vector<Shape> out;
  for (int v : g.nodes.back().outputs) out.push_back(g.value(v).shape);
  return out;
}
template <class Op>
std::vector<Shape> shapes_of(const Op& op, const std::vector<Shape>& inputs, const std::vector<DType>& types = {}) {
  return shapes_of(OperatorPtr(std::make_shared<const Op>(op)), inputs, types);
}
template <class Op>
Shape shape_of(const Op& op, const std::vector<Shape>& inputs, const std::vector<DType>& types = {}) {
  return shapes_of(op, inputs, types)[0];
}

/// Calls f with the indices of every element; the last index varies fastest.
template <class F>
void each_index(const Shape& shape, F f) {
  std::vector<std::int64_t> i(static_cast<std::size_t>(shape.rank()), 0);
  for (std::int64_t n = shape.elements(); n > 0; --n) {
    f(i);
    for (std::size_t d = i.size(); d-- > 0;) {
      if (++i[d] < shape[static_cast<int>(d)]) break;
      i[d] = 0;
    }
  }
}

inline std::int64_t flat(const Shape& shape, const std::vector<std::int64_t>& index) {
  std::int64_t at = 0;
  for (std::size_t d = 0; d < index.size(); ++d) at = at * shape[static_cast<int>(d)] + index[d];
  return at;
}

/// 0, 1, 2, ... (modulo the range of T).
template <class T>
Tensor<T> counting(const Shape& shape) {
  Tensor<T> t(shape);
  for (std::int64_t i = 0; i < t.size(); ++i) t[i] = static_cast<T>(i);
  return t;
}

/// q = clamp(round_half_even(x / scale) + zero point)
inline int quantized(double x, const QuantParams& q, int low = 0, int high = 255) {
  const double r = std::nearbyint(x / static_cast<double>(q.scale[0])) + q.zero_point[0];
  return static_cast<int>(std::min(std::max(r, static_cast<double>(low)), static_cast<double>(high)));
}
inline double real(int q, const QuantParams& p) { return static_cast<double>(p.scale[0]) * (q - p.zero_point[0]); }

/// x * mantissa * 2^(shift - 31) as TFLite multiplies: `tflite_double` rounds the product's upper half (ties
/// up) and then again (ties away from zero), `tflite_single` once (ties up).
inline std::int64_t fixed_point(std::int64_t x, long double mantissa, int shift, Rounding rounding) {
  const long double product = static_cast<long double>(x) * mantissa;
  if (rounding == Rounding::tflite_single)
    return static_cast<std::int64_t>(std::floor(std::ldexp(product, shift - 31) + 0.5L));
  const long double high = std::floor(std::ldexp(product, std::max(shift, 0) - 31) + 0.5L);
  return static_cast<std::int64_t>(std::round(std::ldexp(high, std::min(shift, 0))));
}
inline std::int64_t fixed_point(std::int64_t x, double m, Rounding rounding) {
  int shift = 0;
  const double mantissa = std::round(std::frexp(m, &shift) * 2147483648.0);
  return fixed_point(x, static_cast<long double>(mantissa), shift, rounding);
}

/// Whether x / scale is close to a tie, where float arithmetic may round either way.
inline bool near_tie(double x, double scale) {
  const double q = x / scale;
  return std::abs(std::abs(q - std::round(q)) - 0.5) < 1e-4;
}

}  // namespace testing
