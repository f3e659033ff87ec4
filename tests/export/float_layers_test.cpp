#include <octet/operators/all.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/judge.hpp"
#include "support/packed_weights.hpp"

// Float layers between integer ones stay float in ONNX Runtime, which otherwise quantizes their weights.

using namespace octet;
using namespace testing;

namespace {

/// Three convolutions, of which that in the middle is kept float; with a pool before and behind it, if `pooled`.
Model with_float_layer(bool pooled, bool half) {
  Graph g;
  const auto pool = [&](int v, const char* name) {
    if (!pooled) return v;
    MaxPool p;
    p.window = Window(2, 2, 1, 0);
    return g.add(name, p, {v});
  };
  int v = add_convolution(g, g.add_input("x", {1, 9, 9, 4}), "first", 3, 8, 1);
  v = add_convolution(g, pool(v, "before"), "kept", 3, 8, 1);
  g.outputs = {add_convolution(g, pool(v, "behind"), "last", 1, 8, 1)};
  const Calibration c = calibrate(g, {random_tensor({1, 9, 9, 4}, 7)});
  QuantizationPlan plan = plan_quantization<int8>(g, c);
  plan.layers.at("kept").form = half ? PlannedForm::half : PlannedForm::floating;
  return quantize(g, plan);
}

}  // namespace

TEST_CASE("export: ONNX files keep float layers between integer ones float, with the same bits in octet") {
  Judge judge(Format::onnx);
  for (const bool pooled : {false, true})
    for (const bool half : {false, true}) {
      CAPTURE(pooled);
      CAPTURE(half);
      const Model m = with_float_layer(pooled, half);
      // Without the pools, the first convolution has float results, and no codes come between.
      const std::string file = written(m, Format::onnx);
      CHECK((file.find("kept/kept_float") != std::string::npos) == pooled);
      CHECK(file.find("last/kept_float") == std::string::npos);
      CHECK(difference_through(m, Format::onnx, random_inputs(m, 3)).different == 0);
      if (judge.ready()) judge.add(pooled ? "pooled" : "plain", m, {1e-6});
    }
  if (judge.ready()) judge.judge();
}
