#include <octet/comparison/latency.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/runtime/stages.hpp>

#include <algorithm>

#include "support/layer.hpp"
#include "testing.hpp"

// Times of models that run in stages because they compute sizes.

using namespace octet;
using namespace testing;

namespace {

/// Images that are reshaped to their own sizes, which the model computes; depthwise and pointwise convolution; means.
Model with_computed_sizes() {
  constexpr std::int64_t any = Shape::unknown;
  Model m;
  const int x = m.add_input("x", {1, any, any, 4}), sizes = m.add("sizes", SizesOf({0, 1, 2, 3}), {x});
  const int y = m.add("shaped", Parametrized(Reshape(), "target", {1, any, any, 4}), {x, sizes});
  Convolution depthwise, pointwise;
  depthwise.window = Window(3, 3, 1, 1);
  depthwise.groups = 4;
  pointwise.window = Window(1, 1);
  const int d = m.add("depthwise", depthwise, {y, m.add_constant("d.w", random_tensor({4, 3, 3, 1}, 1))});
  const int p = m.add("pointwise", pointwise, {d, m.add_constant("p.w", random_tensor({4, 1, 1, 4}, 2))});
  const int gate = m.add("gate", Unary(UnaryKind::sigmoid), {p});
  const int scaled = m.add("scaled", Binary(BinaryKind::mul), {gate, m.add_constant("two", Tensor<float>({1}, {2}))});
  m.outputs = {m.add("means", Reduce(ReduceKind::mean, {1, 2}, true), {scaled})};
  return m;
}

}  // namespace

TEST_CASE("latency: models that compute sizes, also where those of the outputs are known") {
  const Model m = with_computed_sizes();
  const Tensor<float> x = random_tensor({1, 8, 8, 4}, 3);
  for (const Model& form : {m, quantize<int8>(m, calibrate(m, {x}))}) {
    Executor e(form);
    const std::vector<Node>& nodes = e.graph().nodes;
    REQUIRE(octet::detail::stages_of(e.graph()).size() == 2);
    REQUIRE(std::any_of(nodes.begin(), nodes.end(),
                        [](const Node& n) { return n.op->type() == std::string("ConvolutionChain"); }));
    CHECK(e.plan({x.shape()})[0].rank() == 4);
    CHECK(measure_latency({&e}, x, 1, 3, [](std::int64_t, std::int64_t) {})[0].runs == 3);
    CHECK(measure_layers(e, x).size() == nodes.size());
  }
}
