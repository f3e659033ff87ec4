#include <octet/io/model_file.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/calibration_file.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/runtime/executor.hpp>

#include "support/files.hpp"
#include "support/messages.hpp"
#include "testing.hpp"

// Tensors that had no elements in all calibration data, as those of a detector that found nothing.

using namespace octet;
using namespace testing;

namespace {

/// A layer of all rows, and two of those rows whose score is more than 5.
Graph network() {
  Graph g;
  const auto layer = [&](const char* name, int v, std::int64_t in, std::int64_t out, unsigned seed) {
    FullyConnected f;
    f.activation.low = 0;
    const int w = g.add_constant(std::string(name) + "/w", random_tensor({out, in}, seed, -1, 1));
    return g.add(name, f, {v, w, g.add_constant(std::string(name) + "/b", random_tensor({out}, seed + 1, -1, 1))});
  };
  const int x = g.add_input("x", {Shape::unknown, 4});
  const int all = layer("all", x, 4, 8, 1);
  const int found = g.add("found", Binary(BinaryKind::greater),
                          {g.add_input("scores", {Shape::unknown}),
                           g.add_constant("limit", Tensor<float>(Shape{}, std::vector<float>{5}))});
  const int rows = g.add("rows", Compress(0), {all, g.add("chosen", Convert(DType::boolean), {found})});
  g.outputs = {all, layer("last", layer("first", rows, 8, 16, 3), 16, 5, 5)};
  return g;
}

/// Twelve rows, of which so many have a high score.
std::vector<AnyTensor> inputs(std::int64_t found) {
  Tensor<float> scores({12});
  for (std::int64_t i = 0; i < found; ++i) scores[2 * i] = 6;
  return {random_tensor({12, 4}, 7, -2, 2), scores};
}

Calibration calibrated(const Model& m, std::int64_t found, const CalibrationOptions& o = {}) {
  Calibrator c(m, o);
  c.add(inputs(found));
  return c.result();
}

PlannedForm form(const QuantizationPlan& p, const char* layer) { return p.layers.at(layer).form; }

}  // namespace

TEST_CASE("empty tensors: layers of tensors that were always empty stay float") {
  const Model m = network();
  const Calibration c = calibrated(m, 0);
  CHECK(c.contains("all"));
  CHECK(!c.contains("first"));
  CHECK(has(message([&] { c.range("first"); }), {"no range of tensor 'first'", "no elements in all data"}));
  std::vector<std::string> notes;
  Int8Options o;
  o.notes = &notes;
  const QuantizationPlan plan = plan_quantization<int8>(m, c, o);
  CHECK(form(plan, "all") == PlannedForm::integer);
  CHECK(form(plan, "first") == PlannedForm::floating);
  CHECK(form(plan, "last") == PlannedForm::floating);
  REQUIRE(notes.size() == 1);
  INFO(notes[0]);
  CHECK(has(notes[0], {"layer 'rows' and 2 more stay float", "no elements in all calibration data"}));
  const Model q = quantize(m, plan);
  for (const std::int64_t found : {0, 6}) {
    const std::vector<AnyTensor> exact = Executor(m).run(inputs(found)), y = Executor(q).run(inputs(found));
    REQUIRE(y[1].shape() == Shape{found, 5});
    for (std::int64_t i = 0; i < y[1].size(); ++i)
      CHECK(y[1].view<float>()[i] == doctest::Approx(exact[1].view<float>()[i]).epsilon(0.05));
  }
}

TEST_CASE("empty tensors: a calibration file keeps them, and other data or a set range make them integers") {
  const Model m = network();
  Calibration c = calibrated(m, 0);
  const TemporaryFile file("calibration.json");
  save(c, file.path);
  const Calibration loaded = load_calibration(file.path);
  CHECK(form(plan_quantization<int8>(m, loaded), "first") == PlannedForm::floating);

  Calibration set = loaded;
  for (const char* tensor : {"rows", "first", "last"}) set.set_range(tensor, {0, 10});
  CHECK(form(plan_quantization<int8>(m, set), "first") == PlannedForm::integer);

  c.merge(calibrated(m, 6));
  CHECK(form(plan_quantization<int8>(m, c), "first") == PlannedForm::integer);
  for (const RangeMethod method : {RangeMethod::mse, RangeMethod::moving_average}) {
    CalibrationOptions o;
    o.method = method;
    CHECK(form(plan_quantization<int8>(m, calibrated(m, 0, o)), "first") == PlannedForm::floating);
    CHECK(form(plan_quantization<int8>(m, calibrated(m, 6, o)), "first") == PlannedForm::integer);
  }
}
