#include <octet/operators/all.hpp>
#include <octet/quantization/error_report.hpp>
#include <octet/quantization/plan.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/runtime/executor.hpp>

#include "support/sqnr.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

constexpr std::int64_t tokens = 24, size = 16;
constexpr float infinite = std::numeric_limits<float>::infinity();
const float masks[] = {-100, -1e4f, -1e9f, -3.4028235e38f, -infinite};

/// Where a causal mask of two sequences, the second of which is shorter, hides a token.
bool hidden(std::int64_t image, std::int64_t row, std::int64_t column) {
  return column > row || (image == 1 && column > 12);
}

/// [2, tokens, tokens]: shown where a token is seen, else hidden.
Tensor<float> mask_of(float shown, float masked) {
  Tensor<float> m({2, tokens, tokens});
  for (std::int64_t i = 0; i < m.size(); ++i)
    m[i] = hidden(i / tokens / tokens, i / tokens % tokens, i % tokens) ? masked : shown;
  return m;
}

int product(Graph& g, const std::string& name, int x, unsigned seed) {
  return g.add(name, FullyConnected(), {x, g.add_constant(name + ".w", random_tensor({size, size}, seed))});
}

/// How the mask comes into the model.
enum class Kind { none, constant, input, subtracted, selected, computed, moved, scaled };
constexpr Kind kinds[] = {Kind::constant, Kind::input, Kind::subtracted, Kind::selected,
                          Kind::computed, Kind::moved, Kind::scaled};

/// Attention: softmax(q k / 4 + mask) v.
Model attention(Kind kind, float low) {
  Graph g;
  const int x = g.add_input("x", {2, tokens, size});
  const int q = product(g, "q", x, 1), k = product(g, "k", x, 2), v = product(g, "v", x, 3);
  const int turned = g.add("turned", Transpose({0, 2, 1}), {k});
  int s = g.add("scores", MatMul(), {q, turned});
  const int quarter = g.add_constant("quarter", Tensor<float>({1}, {0.25f}));
  if (kind != Kind::scaled) s = g.add("scaled", Binary(BinaryKind::mul), {s, quarter});
  const auto add = [&](int a, int b) { return g.add("masked", Binary(BinaryKind::add), {a, b}); };
  const auto constant = [&](float a, float b) { return g.add_constant("mask", mask_of(a, b)); };
  if (kind == Kind::constant) s = add(s, constant(0, low));
  if (kind == Kind::input) s = add(s, g.add_input("mask", {2, tokens, tokens}));
  if (kind == Kind::subtracted) s = g.add("masked", Binary(BinaryKind::sub), {s, constant(0, -low)});
  if (kind == Kind::selected) {
    Tensor<bool> seen({2, tokens, tokens});
    const Tensor<float> m = mask_of(1, 0);
    for (std::int64_t i = 0; i < m.size(); ++i) seen[i] = m[i] != 0;
    const int condition = g.add_constant("seen", std::move(seen));
    s = g.add("masked", Where(), {condition, s, g.add_constant("low", Tensor<float>({1}, {low}))});
  }
  if (kind == Kind::computed) {  // (1 - seen) low
    const int one = g.add_constant("one", Tensor<float>({1}, {1}));
    const int unseen = g.add("unseen", Binary(BinaryKind::sub), {one, g.add_input("mask", {2, tokens, tokens})});
    s = add(s, g.add("lowered", Binary(BinaryKind::mul), {unseen, g.add_constant("low", Tensor<float>({1}, {low}))}));
  }
  if (kind == Kind::moved) {
    const int parts = g.add("parts", Reshape({1, 2, tokens, tokens}), {s});
    const int mask = g.add_constant("mask", mask_of(0, low).reshaped({1, 2, tokens, tokens}));
    s = g.add("joined", Reshape({2, tokens, tokens}), {add(parts, mask)});
  }
  if (kind == Kind::scaled) {  // after the mask
    s = g.add("scaled", Binary(BinaryKind::mul), {add(s, constant(0, low)), quarter});
  }
  const int p = g.add("softmax", Softmax(), {s});
  g.outputs = {product(g, "y", g.add("mixed", MatMul(), {p, v}), 4)};
  return g;
}

std::vector<AnyTensor> inputs(const Model& m, float low, unsigned seed) {
  std::vector<AnyTensor> x{random_tensor({2, tokens, size}, seed)};
  if (m.inputs.size() > 1) x.emplace_back(std::isnan(low) ? mask_of(1, 0) : mask_of(0, low));
  return x;
}

/// The SQNR of the model quantized to int8, on other inputs than the calibration's.
double int8_db(const Model& m, float low, RangeMethod method = RangeMethod::mse, const Int8Options& o = {}) {
  CalibrationOptions c;
  c.method = method;
  Calibrator calibrator(m, c);
  for (unsigned seed = 10; seed < 14; ++seed) calibrator.add(inputs(m, low, seed));
  const Model q = quantize<int8>(m, calibrator.result(), o);
  return sqnr_db(Executor(m).run(inputs(m, low, 20))[0], Executor(q).run(inputs(m, low, 20))[0]);
}

}  // namespace

TEST_CASE("masked softmax: int8 is as accurate as without a mask") {
  const auto each_method = [](Kind kind, float low) {
    const Model m = attention(kind, low);
    std::vector<double> all;
    for (RangeMethod method : {RangeMethod::mse, RangeMethod::min_max, RangeMethod::percentile, RangeMethod::entropy,
                               RangeMethod::moving_average})
      all.push_back(int8_db(m, kind == Kind::computed ? std::nanf("") : low, method));
    return all;
  };
  const std::vector<double> without = each_method(Kind::none, 0);
  for (Kind kind : kinds)
    for (float low : masks) {
      if (kind == Kind::computed && low == -infinite) continue;  // 0 * -inf is NaN
      CAPTURE(static_cast<int>(kind));
      CAPTURE(low);
      const std::vector<double> found = each_method(kind, low);
      for (std::size_t i = 0; i < found.size(); ++i) {
        CHECK(found[i] > without[i] - 4);
        if (i < 4) CHECK(found[i] > 28);  // ranges are means of those of images: less without a mask, too
      }
    }
}

TEST_CASE("masked softmax: floats are those of the formula") {
  for (Kind kind : {Kind::constant, Kind::input, Kind::selected}) {
    const Model m = attention(kind, -infinite), other = attention(kind, -1e9f);
    CHECK(sqnr_db(Executor(other).run(inputs(other, -1e9f, 20))[0], Executor(m).run(inputs(m, -infinite, 20))[0]) >
          120);
  }
}

TEST_CASE("masked softmax: which layers stay float, and the notes") {
  const Model m = attention(Kind::computed, -1e9f);
  Calibrator calibrator(m);
  calibrator.add(inputs(m, std::nanf(""), 10));
  std::vector<std::string> notes;
  Int8Options o;
  o.notes = &notes;
  const QuantizationPlan p = plan_quantization<int8>(m, calibrator.result(), o);
  std::string floating;
  for (const auto& [name, layer] : p.layers)
    if (layer.form == PlannedForm::floating) floating += name + " ";
  CHECK(floating == "lowered masked mixed scores softmax unseen ");
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].find("layer 'softmax' and those that mask its input stay float: the mask's numbers are as low as "
                      "-1e+09, the others at most ") == 0);
  const std::vector<AnyTensor> x = inputs(m, std::nanf(""), 20);
  const AnyTensor applied = Executor(quantize(m, p)).run(x)[0],
                  direct = Executor(quantize<int8>(m, calibrator.result())).run(x)[0];
  CHECK(sqnr_db(direct, applied) > 120);
}

TEST_CASE("masked softmax: the report of errors has numbers for all layers") {
  const Model m = attention(Kind::constant, -infinite);
  const Tensor<float> x = random_tensor({2, tokens, size}, 10);
  const std::vector<LayerError> report = error_report(m, quantize<int8>(m, calibrate(m, {x})), {x});
  CHECK(report.size() > 5);
  for (const LayerError& e : report) {
    CAPTURE(e.name);
    CHECK(e.sqnr_db > 20);
    CHECK(std::isfinite(e.max_error));
  }
}

TEST_CASE("masked softmax: without a mask nothing changes") {
  const auto form_of_softmax = [](const Model& m, float low) {
    Calibrator calibrator(m);
    calibrator.add(inputs(m, low, 10));
    return plan_quantization<int8>(m, calibrator.result()).layers.at("softmax").form;
  };
  CHECK(form_of_softmax(attention(Kind::none, 0), 0) == PlannedForm::integer);
  // A bias by place is no mask, nor are scores that are low themselves.
  CHECK(form_of_softmax(attention(Kind::constant, -20), 0) == PlannedForm::integer);
  Graph g;
  const int x = g.add_input("x", {2, tokens, size});
  const int w = g.add_constant("w", random_tensor({size, size}, 5, -200, 20));
  const int y = g.add("y", FullyConnected(), {g.add("abs", Unary(UnaryKind::abs), {x}), w});
  const int half = g.add_constant("half", Tensor<float>({1}, {0.5f}));
  g.outputs = {g.add("softmax", Softmax(), {g.add("halves", Binary(BinaryKind::mul), {y, half})})};
  CHECK(form_of_softmax(g, 0) == PlannedForm::integer);
}

TEST_CASE("masked softmax: -inf elsewhere is still an error of calibration") {
  Graph g;
  const int x = g.add_input("x", {2, tokens, size});
  const int mask = g.add_constant("mask", Tensor<float>({1}, {-infinite}));
  const int sum = g.add("sum", Binary(BinaryKind::add), {x, mask});
  g.outputs = {g.add("softmax", Softmax(), {g.add("sigmoid", Unary(UnaryKind::sigmoid), {sum})})};
  CHECK_THROWS_WITH(calibrate(g, {random_tensor({2, tokens, size}, 1)}),
                    "tensor 'sum' has NaN or infinite elements during calibration");
}
