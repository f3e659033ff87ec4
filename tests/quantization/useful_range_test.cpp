#include <octet/operators/all.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

/// A convolution with results of up to some hundreds, and functions that read them.
Model net(const std::vector<Unary>& functions) {
  Graph g;
  const int x = g.add_input("x", {Shape::unknown, 8, 8, 4});
  const int w = g.add_constant("w", random_tensor({8, 1, 1, 4}, 3, -200, 200));
  const int conv = g.add("conv", Convolution(), {x, w});
  for (std::size_t i = 0; i < functions.size(); ++i)
    g.outputs.push_back(g.add("f" + std::to_string(i), functions[i], {conv}));
  return g;
}

/// The real numbers that the codes of the convolution's result reach.
Range planned(const Model& m) {
  const Calibration c = calibrate(m, {random_tensor({4, 8, 8, 4}, 1)});
  const ActivationPlan a = plan_quantization<int8>(m, c).activations.at("conv");
  return {a.scale * static_cast<float>(-128 - a.zero_point), a.scale * static_cast<float>(127 - a.zero_point)};
}

}  // namespace

TEST_CASE("useful range: ends where all readers are constant") {
  const Range sigmoid = planned(net({Unary(UnaryKind::sigmoid)}));
  CHECK(sigmoid.low > -6.4f);
  CHECK(sigmoid.high < 6.4f);
  const Range gate = planned(net({Unary(UnaryKind::hard_sigmoid, 1.0 / 6, 0.5)}));
  CHECK(gate.low > -3.1f);
  CHECK(gate.high < 3.1f);
  const Range swish = planned(net({Unary(UnaryKind::hard_swish)}));
  CHECK(swish.low > -4);
  CHECK(swish.high > 100);
  const Range both = planned(net({Unary(UnaryKind::tanh), Unary(UnaryKind::sigmoid)}));
  CHECK(both.high < 6.4f);
  CHECK(both.high > 6.1f);
  const Range other = planned(net({Unary(UnaryKind::sigmoid), Unary(UnaryKind::leaky_relu, 0.1)}));
  CHECK(other.low < -100);
  CHECK(other.high > 100);
}

TEST_CASE("useful range: a gate after large numbers is accurate") {
  const Model m = net({Unary(UnaryKind::sigmoid)});
  const Tensor<float> x = random_tensor({4, 8, 8, 4}, 1);
  const Tensor<float> exact = floats(Executor(m).run({x})[0]),
                      y = floats(Executor(quantize<int8>(m, calibrate(m, {x}))).run({x})[0]);
  int wrong = 0;
  for (std::int64_t i = 0; i < exact.size(); ++i) wrong += std::abs(exact[i] - y[i]) > 0.15f;
  CHECK(wrong * 50 < exact.size());
}
