#include <octet/operators/all.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/runtime/executor.hpp>

#include <cmath>

#include "support/sqnr.hpp"
#include "testing.hpp"

// Which layers become integers: not those whose small results a root, a logarithm or a division reads.

using namespace octet;
using namespace testing;

namespace {

/// A 1x1 convolution of [N, 6, 6, 4] to 4 channels, the last of which are small.
struct UnevenChannels {
  Graph g;
  int x = g.add_input("x", {Shape::unknown, 6, 6, 4}), conv = Node::none;
  UnevenChannels() {
    Tensor<float> weights = random_tensor({4, 1, 1, 4}, 1);
    for (int i = 0; i < 4; ++i) {
      weights[8 + i] *= 0.03f;
      weights[12 + i] *= 1e-4f;
    }
    conv = g.add("conv", Convolution(), {x, g.add_constant("weights", weights)});
  }
  int number(const char* name, float v) { return g.add_constant(name, Tensor<float>({1}, {v})); }
  Model int8_model(int out) {
    g.outputs = {out};
    return quantize<int8>(g, calibrate(g, {random_tensor({8, 6, 6, 4}, 2)}));
  }
  Tensor<float> run(const Model& m) const { return Executor(m)(random_tensor({8, 6, 6, 4}, 2)); }
};

DType type_of(const Model& m, const std::string& layer) {
  for (const Node& n : m.nodes)
    if (n.name == layer) return m.value(n.outputs[0]).dtype;
  FAIL("no layer ", layer);
  return DType::f32;
}

}  // namespace

TEST_CASE("integer placement: a normalization computes its variance in float") {
  UnevenChannels c;
  Graph& g = c.g;
  const int mean = g.add("mean", Reduce(ReduceKind::mean, {1, 2}, true), {c.conv});
  const int difference = g.add("difference", Binary(BinaryKind::sub), {c.conv, mean});
  const int square = g.add("square", Binary(BinaryKind::mul), {difference, difference});
  const int variance = g.add("variance", Reduce(ReduceKind::mean, {1, 2}, true), {square});
  const int stable = g.add("stable", Binary(BinaryKind::add), {variance, c.number("epsilon", 1e-5f)});
  const int deviation = g.add("deviation", Unary(UnaryKind::sqrt), {stable});
  const int unit = g.add("unit", Binary(BinaryKind::div), {difference, deviation});
  g.outputs = {unit};
  const Tensor<float> right = c.run(g);
  const Model m = c.int8_model(unit);
  for (const char* layer : {"mean", "difference", "square", "variance", "stable", "deviation"})
    CHECK(type_of(m, layer) == DType::f32);
  CHECK(type_of(m, "conv") == DType::f32);  // its sums, of products of integers
  for (const Node& n : m.nodes)
    if (n.name == "conv") CHECK(m.value(n.inputs[Convolution::weights]).dtype == DType::i8);
  const Tensor<float> found = c.run(m);
  for (float v : found) REQUIRE(std::isfinite(v));
  CHECK(sqnr_db(right, found) > 40);
}

TEST_CASE("integer placement: the logarithm of a power is computed in float, a function of codes by a table") {
  UnevenChannels c;
  const int square = c.g.add("square", Binary(BinaryKind::mul), {c.conv, c.conv});
  const int sum = c.g.add("sum", Reduce(ReduceKind::mean, {3}, true), {square});
  const int stable = c.g.add("stable", Binary(BinaryKind::add), {sum, c.number("epsilon", 1e-6f)});
  const int log = c.g.add("log", Unary(UnaryKind::log), {stable});
  c.g.outputs = {log};
  const Tensor<float> right = c.run(c.g);
  const Model m = c.int8_model(log);
  CHECK(type_of(m, "square") == DType::f32);
  CHECK(type_of(m, "log") == DType::f32);
  CHECK(sqnr_db(right, c.run(m)) > 25);

  UnevenChannels d;
  const int positive = d.g.add("positive", Unary(UnaryKind::clip, 0, 100), {d.conv});  // part of the convolution
  CHECK(type_of(d.int8_model(d.g.add("root", Unary(UnaryKind::sqrt), {positive})), "root") == DType::i8);
}
