#include <octet/operators/all.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/judge.hpp"
#include "support/messages.hpp"

// Average pools that other runtimes would compute differently, or not at all.

using namespace octet;
using namespace testing;

namespace {

Model pooled(const AveragePool& p) {
  Model m;
  m.outputs = {m.add("pool", p, {m.add_input("x", {1, 9, 8, 3})})};
  return m;
}

std::vector<Model> forms(const Model& m) {
  return {m, quantize<int8>(m, calibrate(m, {random_tensor({1, 9, 8, 3}, 1)}))};
}

void judge_onnx(const AveragePool& p) {
  Judge judge(Format::onnx);
  for (const Model& form : forms(pooled(p))) {
    CHECK(difference_through(form, Format::onnx, {random_tensor({1, 9, 8, 3}, 1)}).worst == 0);
    if (judge.ready()) judge.add("pool", form, {1e-6});
  }
  if (judge.ready()) judge.judge();
}

}  // namespace

TEST_CASE("export: average pools with dilation need the operator set that has them, and TFLite has none") {
  AveragePool p;
  p.window = Window(3, 3, 1, 2);
  p.window.dilations = {2, 2};
  judge_onnx(p);
  for (const Model& form : forms(pooled(p)))
    CHECK(contains(message([&] { written(form, Format::tflite); }), "layer 'pool'"));
}

TEST_CASE("export: average pools that count padding, with windows beyond it") {
  AveragePool p;
  p.window = Window(4, 4, 3, 1);
  p.window.ceil_mode = true;
  p.include_padding = true;
  judge_onnx(p);
}
