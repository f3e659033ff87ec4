#pragma once
#include <functional>
#include <octet/operators/all.hpp>
#include <octet/training/gradient_executor.hpp>

#include "../testing.hpp"
#include "isas.hpp"
#include "random.hpp"

/// Compares gradients of one operator with central differences of its definition in double.
namespace testing {

/// Returns its parameter, so that a constant becomes a computed value.
class Leaf : public octet::detail::ViewOperator<Leaf> {
 public:
  static constexpr const char* type_name = "Leaf";
  std::vector<Shape> shapes(const ShapeContext& c) const override { return {c.shape(0)}; }
  Learning learning(int) const override { return Learning::by_gradient; }
};

/// A tensor in double.
struct Doubles {
  Shape shape;
  std::vector<double> v;
  Doubles() = default;
  explicit Doubles(const Shape& s) : shape(s), v(static_cast<std::size_t>(s.elements()), 0.0) {}
  explicit Doubles(const Tensor<float>& t) : shape(t.shape()), v(t.begin(), t.end()) {}
  std::int64_t size() const { return static_cast<std::int64_t>(v.size()); }
  double& operator[](std::int64_t i) { return v[static_cast<std::size_t>(i)]; }
  double operator[](std::int64_t i) const { return v[static_cast<std::size_t>(i)]; }
};

/// The definition of the operator. Missing inputs are empty.
using Definition = std::function<Doubles(const std::vector<Doubles>&)>;

struct GradientInput {
  Tensor<float> tensor;  // empty: missing
  bool computed = true;  // false: a constant input of the operator
  bool learned = true;   // whether it has a gradient
  GradientInput() = default;
  GradientInput(Tensor<float> t, bool is_computed = true, bool is_learned = true)
      : tensor(std::move(t)), computed(is_computed), learned(is_learned) {}
};

inline GradientInput constant(Tensor<float> t) { return {std::move(t), false, true}; }
inline GradientInput fixed_constant(Tensor<float> t) { return {std::move(t), false, false}; }

/// The output, and the gradients of sum(weights * output) with respect to each input (empty if it has none).
struct Gradients {
  Tensor<float> output;
  std::vector<Tensor<float>> by_input;
};

inline Graph gradient_graph(const OperatorPtr& op, const std::vector<GradientInput>& inputs) {
  Graph g;
  g.add_input("unused", {1});
  std::vector<int> in;
  for (const GradientInput& i : inputs) {
    const std::string name = "in" + std::to_string(in.size());
    if (i.tensor.size() == 0) {
      in.push_back(Node::none);
      continue;
    }
    const int c = g.add_constant(name, i.tensor);
    in.push_back(i.computed && i.learned ? g.add("leaf of " + name, Leaf(), {c}) : c);
  }
  g.outputs = {g.add("tested", op, in)};
  return g;
}

inline Gradients gradients(const Graph& g, std::size_t inputs, const Tensor<float>& weights, const TrainingPass& pass,
                           int threads, bool bf16_products = false) {
  GradientOptions o;
  o.threads = threads;
  o.bf16_products = bf16_products;
  GradientExecutor e(g, o);
  e.plan({1});
  Gradients r;
  for (int run = 0; run < 2; ++run) {  // the second run starts with other memory contents
    r = {};
    r.output = Tensor<float>(e.forward(pass));
    std::copy(weights.begin(), weights.end(), e.output_gradient().begin());
    e.backward(pass);
    for (std::size_t i = 0; i < inputs; ++i) {
      r.by_input.emplace_back();
      for (const Parameter& p : e.parameters().list())
        if (p.learned && p.name == "in" + std::to_string(i))
          r.by_input.back() = Tensor<float>(View<const float>(e.parameters().gradients() + p.offset, p.shape));
    }
  }
  return r;
}

inline bool same_bits(const Tensor<float>& a, const Tensor<float>& b) {
  return a.shape() == b.shape() && (a.size() == 0 || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

/// Checks output and gradients against the definition, and that they have the same bits on every instruction set and
/// with any number of threads. `step`: the step of the differences. Errors are relative to the largest gradient.
inline void check_gradients(const OperatorPtr& op, const std::vector<GradientInput>& inputs,
                            const Definition& definition, const TrainingPass& pass = {}, double tolerance = 2e-5,
                            double step = 1e-5) {
  const Graph g = gradient_graph(op, inputs);
  std::vector<Doubles> exact;
  for (const GradientInput& i : inputs) exact.emplace_back(i.tensor.size() ? Doubles(i.tensor) : Doubles());
  const Doubles expected = definition(exact);
  const Tensor<float> weights = random_tensor(expected.shape, 99);
  const Gradients found = gradients(g, inputs.size(), weights, pass, 1);
  const auto loss = [&] {
    const Doubles y = definition(exact);
    double sum = 0;
    for (std::int64_t i = 0; i < y.size(); ++i) sum += y[i] * static_cast<double>(weights[i]);
    return sum;
  };
  // Checks the listed elements (all if none are listed) against `expected`.
  const auto compare = [&](const std::string& what, const Tensor<float>& is, const Doubles& should,
                           const std::vector<std::int64_t>& elements) {
    REQUIRE(is.shape() == should.shape);
    double largest = 0, apart = 0;
    const auto one = [&](std::int64_t i) {
      largest = std::max(largest, std::abs(should[i]));
      apart = std::max(apart, std::abs(static_cast<double>(is[i]) - should[i]));
    };
    for (std::int64_t i : elements) one(i);
    for (std::int64_t i = 0; elements.empty() && i < is.size(); ++i) one(i);
    INFO(what, ": largest ", largest, ", apart ", apart);
    CHECK(apart <= tolerance * std::max(largest, 1e-3));
  };
  compare("output", found.output, expected, {});
  Random random(1);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].tensor.size() == 0 || !inputs[i].learned) continue;
    Doubles differences(inputs[i].tensor.shape());
    constexpr std::int64_t most = 80;  // only some elements of large tensors
    std::vector<std::int64_t> elements;
    for (std::int64_t k = 0; k < std::min(most, differences.size()); ++k)
      elements.push_back(differences.size() <= most ? k : random.between(0, differences.size() - 1));
    for (std::int64_t k : elements) {
      const double x = exact[i][k];
      exact[i][k] = x + step;
      const double above = loss();
      exact[i][k] = x - step;
      differences[k] = (above - loss()) / (2 * step);
      exact[i][k] = x;
    }
    compare("gradient with respect to input " + std::to_string(i), found.by_input[i], differences, elements);
  }
  for (Isa isa : available_isas()) {
    const UseIsa use(isa);
    for (int threads : {1, 2, 3}) {
      const Gradients again = gradients(g, inputs.size(), weights, pass, threads);
      INFO(name(isa), ", ", threads, " threads");
      CHECK(same_bits(again.output, found.output));
      for (std::size_t i = 0; i < inputs.size(); ++i) CHECK(same_bits(again.by_input[i], found.by_input[i]));
    }
  }
}

template <class Op>
void check_gradients(const Op& op, const std::vector<GradientInput>& inputs, const Definition& definition,
                     const TrainingPass& pass = {}, double tolerance = 2e-5, double step = 1e-5) {
  check_gradients(OperatorPtr(std::make_shared<const Op>(op)), inputs, definition, pass, tolerance, step);
}

}  // namespace testing
