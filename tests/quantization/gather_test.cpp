#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/every_operator.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

TEST_CASE("gather between integer layers moves codes, as a transposition does") {
  for (const bool by_places : {false, true}) {
    CAPTURE(by_places);
    Graph g;
    int v = every_operator::convolution(g, "first", g.add_input("x", {2, 6, 6, 4}), 8, 3, 1);
    if (by_places) {
      Tensor<std::int64_t> places({8});
      for (std::int64_t i = 0; i < 8; ++i) places[i] = i % 2 * 4 + i / 2;
      v = g.add("shuffled", Gather(3), {v, g.add_constant("places", std::move(places))});
    } else {
      v = g.add("shuffled", Transpose({0, 2, 1, 3}), {v});
    }
    const int moved = v;
    const std::string name = g.value(moved).name, from = g.value(g.nodes.back().inputs[0]).name;
    g.outputs = {every_operator::convolution(g, "last", v, 8, 1, 3)};
    const Tensor<float> x = random_tensor({2, 6, 6, 4}, 5, -1, 1);
    const Model q = quantize<int8>(g, calibrate(g, {x}));
    CHECK(q.value(q.find(name)).dtype == DType::i8);
    CHECK(q.value(q.find(name)).quant == q.value(q.find(from)).quant);
    CHECK(q.nodes.size() == 4);  // the three layers, and a conversion of the input
    ExecutorOptions one;
    one.threads = 1;
    const Tensor<float> right = floats(Executor(g, one).run({AnyTensor(x)})[0]);
    const Tensor<float> found = floats(Executor(q, one).run({AnyTensor(x)})[0]);
    double signal = 0, error = 0;
    for (std::int64_t i = 0; i < right.size(); ++i) {
      signal += static_cast<double>(right[i] * right[i]);
      error += std::pow(static_cast<double>(right[i] - found[i]), 2);
    }
    CHECK(error < signal / 1000);
  }
}
