#include <octet/models/builder.hpp>
#include <octet/models/mobilenet.hpp>
#include <octet/models/resnet.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/error_report.hpp>
#include <octet/quantization/quantize.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/branches.hpp"
#include "support/isas.hpp"
#include "support/messages.hpp"
#include "support/sqnr.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

/// Two branches with concat, sum and pooling: every kind of layer of an integer model.
Model small_network() {
  detail::NetworkBuilder b("small", 12, 3, 5);
  b.conv("stem", 8, 3, 2, 1, 1, true).batch_norm("bn").relu6("relu6");
  const int stem = b.current();
  b.conv("left", 8, 3, 1, 1).batch_norm("left_bn").relu("left_relu");
  const int left = b.current();
  b.set_current(stem);
  b.conv("depthwise", 8, 3, 1, 1, 8, true).add("sum", stem).relu("sum_relu");
  Graph g = b.finish();
  const int pooled = add_pooled_concat(g, left, g.outputs[0]);
  const int swish = g.add("swish", Unary(UnaryKind::hard_swish), {pooled});
  const int mean = g.add("mean", Reduce(ReduceKind::mean, {1, 2}, false), {swish});
  const int w = g.add_constant("fc.weight", random_tensor({5, 16}, 77)),
            bias = g.add_constant("fc.bias", random_tensor({5}, 78));
  const int fc = g.add("fc", FullyConnected(), {mean, w, bias});
  g.outputs = {g.add("probabilities", Softmax(), {fc})};
  return g;
}

std::vector<Tensor<float>> images(int n, unsigned seed, std::int64_t size = 12) {
  std::vector<Tensor<float>> r;
  for (int i = 0; i < n; ++i) r.push_back(random_tensor({1, size, size, 3}, seed + static_cast<unsigned>(i), -2, 2));
  return r;
}

Tensor<float> run(const Model& m, const Tensor<float>& x, int threads = 1) {
  ExecutorOptions o;
  o.threads = threads;
  return Executor(m, o)(x);
}

}  // namespace

TEST_CASE("an int8 model is integer throughout and close to the float one") {
  const Model m = small_network();
  const auto x = images(8, 1);
  const Model q = quantize<int8>(m, calibrate(m, x));
  for (const Node& n : q.nodes) {
    if (as<Convert>(*n.op)) continue;
    for (int v : n.outputs) CHECK_MESSAGE(q.value(v).dtype == DType::i8, n.name);
    if (as<Convolution>(*n.op)) {
      const Value& w = q.value(n.inputs[1]);
      CHECK(w.dtype == DType::i8);
      CHECK(w.quant.channels() == w.shape[0]);
      CHECK(q.value(n.inputs[2]).dtype == DType::i32);
    }
  }
  CHECK(q.value(q.inputs[0]).dtype == DType::f32);
  CHECK(q.value(q.outputs[0]).dtype == DType::f32);
  CHECK(q.value(q.outputs[0]).name == "probabilities");
  const QuantParams softmax = q.value(q.nodes.back().inputs[0]).quant;
  CHECK(softmax == QuantParams(1.0f / 256, -128));
  for (const auto& image : x) CHECK(sqnr_db(run(m, image), run(q, image)) > 25);
}

TEST_CASE("an int8 model gives the same bits on every instruction set and with any number of threads") {
  const Model m = mobilenet_v2({0.35, 64, 3, 10, 9});
  const Tensor<float> x = random_tensor({2, 64, 64, 3}, 4, -1, 1);
  const Model q = quantize<int8>(m, calibrate(m, {x}));
  const Isa before = active_isa();
  set_isa(Isa::scalar);
  const Tensor<float> expected = run(q, x);
  for (Isa isa : available_isas())
    for (int threads : {1, 2, 3}) {
      set_isa(isa);
      CHECK(largest_difference(run(q, x, threads), expected) == 0);
    }
  set_isa(before);
}

TEST_CASE("results do not depend on the batch size") {
  const Model m = small_network();
  const Tensor<float> all = random_tensor({3, 12, 12, 3}, 40, -2, 2);
  const Calibration c = calibrate(m, {all});
  for (const Model& q :
       {quantize<int8>(m, c), quantize<dynamic_range>(m, {true, RangeMethod::min_max, 1, {}}), quantize<fp16>(m)}) {
    Executor e(q);
    const Tensor<float> together = e(all);
    for (std::int64_t i = 0; i < 3; ++i) {
      const Tensor<float> alone = e(View<const float>(all.data() + i * 432, {1, 12, 12, 3}));
      for (std::int64_t k = 0; k < 5; ++k) CHECK(alone[k] == together[i * 5 + k]);
    }
  }
}

TEST_CASE("a channel with almost zero weights keeps its bias") {
  for (float tiny : {0.0f, 1e-38f, 1e-30f, 1e-12f}) {
    Graph g;
    const int x = g.add_input("x", {Shape::unknown, 4, 4, 2});
    Tensor<float> w({2, 1, 1, 2}), b({2});
    w[0] = 0.5f;
    w[1] = -0.25f;
    w[2] = w[3] = tiny;
    b[0] = 0.1f;
    b[1] = 3.0f;
    Convolution conv;
    conv.window = Window(1, 1);
    const int y = g.add("y", conv, {x, g.add_constant("w", w), g.add_constant("b", b)});
    g.outputs = {g.add("z", Unary(UnaryKind::tanh), {y})};
    const Tensor<float> in = random_tensor({1, 4, 4, 2}, 2);
    const Model q = quantize<int8>(g, calibrate(g, {in}));
    Executor e(q);
    bool seen = false;
    e.observe([&](const Value& v, const TensorRef& t) {
      if (v.name != "y") return;
      seen = true;
      const Tensor<float> r = detail::real_values(t, v.quant);
      for (std::int64_t i = 1; i < r.size(); i += 2) CHECK(std::abs(r[i] - 3.0f) <= v.quant.scale[0] * 0.5001f);
    });
    e(in);
    CHECK(seen);
  }
}

TEST_CASE("layers can be kept float by name or pattern") {
  const Model m = small_network();
  const Calibration c = calibrate(m, images(4, 1));
  Int8Options o;
  o.keep_float = {"relu6", "*wise*"};  // the name of a result, and a pattern for layers
  const Model q = quantize<int8>(m, c, o);
  int floats_left = 0;
  for (const Node& n : q.nodes)
    if (as<Convolution>(*n.op)) floats_left += q.value(n.inputs[1]).dtype == DType::f32;
  CHECK(floats_left == 2);
  const auto x = images(1, 30)[0];
  CHECK(sqnr_db(run(m, x), run(q, x)) > 25);
  o.keep_float = {"nothing_like_this"};
  CHECK(message([&] { quantize<int8>(m, c, o); }).find("nothing_like_this") != std::string::npos);
}

TEST_CASE("integer inputs and outputs") {
  const Model m = small_network();
  const auto x = images(4, 1);
  Int8Options o;
  o.integer_input = o.integer_output = true;
  const Model q = quantize<int8>(m, calibrate(m, x), o);
  CHECK(q.value(q.inputs[0]).dtype == DType::i8);
  CHECK(q.value(q.outputs[0]).dtype == DType::i8);
  const Model f = quantize<int8>(m, calibrate(m, x));
  CHECK(largest_difference(run(q, x[0]), run(f, x[0])) == 0);  // the executor converts inputs and outputs
}

TEST_CASE("a value that only a concat reads has the concat's scale") {
  const Model m = small_network();
  const Model q = quantize<int8>(m, calibrate(m, images(4, 1)));
  for (const Node& n : q.nodes)
    if (as<Concat>(*n.op))
      for (int v : n.inputs) CHECK(q.value(v).quant == q.value(n.outputs[0]).quant);
}

TEST_CASE("padding keeps its constant; a concat that is only an output stays float") {
  // Branches of ranges 0..500 and 0..1, joined at the output; one is padded with 3 before.
  Model m;
  const int x = m.add_input("x", {1, 4, 4, 2});
  Convolution one_by_one;
  one_by_one.window = Window(1, 1);
  const auto layer = [&](const char* name, float scale) {
    Tensor<float> w({2, 1, 1, 2}, {scale, 0, 0, scale});
    return m.add(name, one_by_one, {x, m.add_constant(std::string(name) + ".w", w)});
  };
  const int large = layer("large", 500), small = layer("small", 1);
  Pad pad;
  pad.before = {0, 1, 0, 0};
  pad.after = {0, 0, 0, 0};
  pad.value = 3;
  const int padded = m.add("padded", pad, {small});
  const int unit = m.add_constant("m.w", Tensor<float>({2, 1, 1, 2}, {1, 0, 0, 1}));
  const int moved = m.add("moved", one_by_one, {padded, unit});
  const int joined = m.add("joined", Concat(1), {large, small});
  m.outputs = {joined, moved};
  Tensor<float> t = random_tensor({1, 4, 4, 2}, 1, 0, 1);
  Calibration c = calibrate(m, {t});
  const Model q = quantize<int8>(m, c);
  const std::vector<AnyTensor> right = Executor(m).run({AnyTensor(t)}), found = Executor(q).run({AnyTensor(t)});
  const Tensor<float> a = floats(right[0]), b = floats(found[0]);
  for (std::int64_t i = 32; i < 64; ++i) CHECK(b[i] == doctest::Approx(a[i]).epsilon(0.02));  // the small branch
  const Tensor<float> pads = floats(found[1]);
  for (std::int64_t i = 0; i < 8; ++i) CHECK(pads[i] == doctest::Approx(3).epsilon(0.01));
}

TEST_CASE("per-tensor weights and symmetric activations are options") {
  const Model m = small_network();
  Int8Options o;
  o.per_channel = false;
  o.symmetric_activations = true;
  const Model q = quantize<int8>(m, calibrate(m, images(4, 1)), o);
  for (const Node& n : q.nodes) {
    if (as<Convolution>(*n.op)) CHECK(q.value(n.inputs[1]).quant.channels() == 1);
    if (as<Convolution>(*n.op)) CHECK(q.value(n.outputs[0]).quant.zero_point[0] == 0);
  }
  const auto x = images(1, 30)[0];
  CHECK(sqnr_db(run(m, x), run(q, x)) > 18);
}

TEST_CASE("every rounding runs, and they differ by few steps") {
  const Model m = small_network();
  const auto x = images(4, 1);
  const Calibration c = calibrate(m, x);
  Int8Options o;
  const Tensor<float> fp32 = run(quantize<int8>(m, c, o), x[0]);
  for (Rounding r : {Rounding::tflite_double, Rounding::tflite_single}) {
    o.rounding = r;
    CHECK(largest_difference(run(quantize<int8>(m, c, o), x[0]), fp32) <= 8.0 / 256);
  }
}

TEST_CASE("half precision and dynamic range models") {
  const Model m = small_network();
  const auto x = images(1, 3)[0];
  const WeightOptions all{true, RangeMethod::min_max, 1, {}};
  const Model half = quantize<fp16>(m, all), brain = quantize<bf16>(m, all);
  for (const Node& n : half.nodes)
    if (n.op->integer_form().weights >= 0) CHECK(half.value(n.inputs[1]).dtype == DType::f16);
  CHECK(sqnr_db(run(m, x), run(half, x)) > 55);
  CHECK(sqnr_db(run(m, x), run(brain, x)) > 35);
  const Model dynamic = quantize<dynamic_range>(m, all);
  for (const Node& n : dynamic.nodes)
    if (as<FullyConnected>(*n.op)) CHECK(dynamic.value(n.inputs[1]).dtype == DType::i8);
  CHECK(sqnr_db(run(m, x), run(dynamic, x)) > 30);
  const Model small = quantize<dynamic_range>(m);  // weights of fewer than 1024 elements stay float
  for (const Node& n : small.nodes)
    if (as<FullyConnected>(*n.op)) CHECK(small.value(n.inputs[1]).dtype == DType::f32);
}

TEST_CASE("a quantized model is not quantized again") {
  const Model m = small_network();
  const Calibration c = calibrate(m, images(2, 1));
  const Model q = quantize<int8>(m, c);
  CHECK(message([&] { quantize<int8>(q, c); }).find("already quantized") != std::string::npos);
  CHECK(message([&] { quantize<fp16>(q); }).find("already quantized") != std::string::npos);
}

TEST_CASE("calibration does not depend on order, batches or threads, and can be merged") {
  const Model m = small_network();
  const auto x = images(6, 50);
  Tensor<float> batch({6, 12, 12, 3});
  for (std::int64_t i = 0; i < 6; ++i)
    std::copy(x[static_cast<std::size_t>(i)].begin(), x[static_cast<std::size_t>(i)].end(), batch.data() + i * 432);
  for (RangeMethod method : {RangeMethod::min_max, RangeMethod::moving_average, RangeMethod::percentile,
                             RangeMethod::entropy, RangeMethod::mse}) {
    CalibrationOptions o;
    o.method = method;
    o.executor.threads = 1;
    const Calibration once = calibrate(m, x, o);
    const Calibration reversed = calibrate(m, {x.rbegin(), x.rend()}, o);
    Calibration merged = calibrate(m, {x[3], x[1]}, o);
    merged.merge(calibrate(m, {x[0], x[5], x[4], x[2]}, o));
    o.executor.threads = 3;
    const Calibration together = calibrate(m, {batch}, o);
    REQUIRE(once.tensors.size() > 5);
    for (const auto& [tensor, statistics] : once.tensors) {
      CHECK(reversed.range(tensor) == once.range(tensor));
      CHECK(merged.range(tensor) == once.range(tensor));
      CHECK(together.range(tensor) == once.range(tensor));
    }
  }
}

TEST_CASE("bad calibrations are refused by name") {
  const Model m = small_network();
  auto x = images(2, 1);
  CHECK(message([&] { calibrate(m, {}); }).find("at least one image") != std::string::npos);
  x[1][7] = NAN;
  CHECK(message([&] { calibrate(m, x); }).find("'input'") != std::string::npos);
  Calibration c = calibrate(m, {x[0]});
  CHECK(message([&] { c.range("no such tensor"); }).find("no such tensor") != std::string::npos);
  c.tensors.erase("relu6");
  CHECK(message([&] { quantize<int8>(m, c); }).find("relu6") != std::string::npos);
  CHECK(message([&] { c.set_range("input", {1, -1}); }).find("not a valid range") != std::string::npos);
}

TEST_CASE("a range from set_range is used") {
  const Model m = small_network();
  Calibration c = calibrate(m, images(2, 1));
  c.set_range("relu6", {0, 255});
  const Model q = quantize<int8>(m, c);
  CHECK(q.value(q.find("relu6")).quant == QuantParams(1.0f, -128));
}

TEST_CASE("the error report names the worst tensors first") {
  const Model m = small_network();
  const auto x = images(4, 1);
  Calibration c = calibrate(m, x);
  c.set_range("left_relu", {0, 0.01f});  // wrong on purpose; its only reader is the concat, which determines the scale
  c.set_range("joined", {0, 0.01f});
  const auto report = error_report(m, quantize<int8>(m, c), x);
  REQUIRE(report.size() > 6);
  for (std::size_t i = 1; i < report.size(); ++i) CHECK(report[i - 1].sqnr_db <= report[i].sqnr_db);
  const auto find = [&](const std::string& n) {
    return *std::find_if(report.begin(), report.end(), [&](const LayerError& e) { return e.name == n; });
  };
  CHECK(find("joined").saturation > 0.3);
  CHECK(find("relu6").saturation < 0.01);
  CHECK(find("relu6").rmse_over_scale == doctest::Approx(0.289).epsilon(0.2));
  CHECK(find("stem.weight").type == "weights");
  CHECK(find("stem.weight").sqnr_db > 35);
  CHECK(find("stem.weight").rmse_over_scale == doctest::Approx(0.289).epsilon(0.2));
}

TEST_CASE("bias correction removes the mean error of rounded weights") {
  // Inputs with a mean far from zero, so that rounding errors of weights shift the mean of each channel.
  Graph g;
  const int x = g.add_input("x", {Shape::unknown, 9, 9, 24});
  Convolution grouped, pointwise;
  grouped.window = Window(3, 3);
  grouped.groups = 2;
  const int y = g.add("grouped", grouped, {x, g.add_constant("w1", random_tensor({16, 3, 3, 12}, 1))});
  pointwise.window = Window(1, 1);
  g.outputs = {y, g.add("other", pointwise,
                        {x, g.add_constant("w2", random_tensor({64, 1, 1, 24}, 2)),
                         g.add_constant("b2", random_tensor({64}, 3))})};
  const AnyTensor images = random_tensor({8, 9, 9, 24}, 4, 0.5f, 1.5f);
  Calibrator calibrator(g);
  calibrator.add({images});
  const Calibration& calibration = calibrator.result();
  const std::vector<AnyTensor> exact = Executor(g).run({images});

  const auto largest_shift = [&](const Model& m) {
    double worst = 0;
    const std::vector<AnyTensor> got = Executor(m).run({images});
    for (std::size_t o = 0; o < got.size(); ++o) {
      const std::int64_t channels = got[o].shape().back();
      std::vector<double> sums(static_cast<std::size_t>(channels));
      const auto a = exact[o].view<float>(), b = got[o].view<float>();
      for (std::int64_t i = 0; i < a.size(); ++i)
        sums[static_cast<std::size_t>(i % channels)] += static_cast<double>(b[i] - a[i]);
      for (double s : sums)
        worst = std::max(worst, std::abs(s) * static_cast<double>(channels) / static_cast<double>(a.size()));
    }
    return worst;
  };
  WeightOptions all;
  all.least_elements = 1;
  const double dynamic = largest_shift(quantize<dynamic_range>(g, all));
  CHECK(largest_shift(quantize<dynamic_range>(g, calibration, all)) < dynamic / 5);
  const double half = largest_shift(quantize<bf16>(g, all));
  CHECK(largest_shift(quantize<bf16>(g, calibration, all)) < half / 5);
  Int8Options plain;
  plain.correct_bias = false;
  const double integer = largest_shift(quantize<int8>(g, calibration, plain));
  CHECK(largest_shift(quantize<int8>(g, calibration)) < integer / 3);
}

TEST_CASE("calibration: means of channels do not depend on order, batches or threads") {
  Graph g;
  const int x = g.add_input("x", {Shape::unknown, 5, 5, 3});
  Convolution c;
  c.window = Window(1, 1);
  g.outputs = {g.add("y", c, {x, g.add_constant("w", random_tensor({4, 1, 1, 3}, 1))})};
  const Tensor<float> images = random_tensor({6, 5, 5, 3}, 2, -3, 5);
  const auto part = [&](std::int64_t from, std::int64_t n) {
    Tensor<float> t({n, 5, 5, 3});
    std::copy(images.data() + from * 75, images.data() + (from + n) * 75, t.data());
    return t;
  };
  CalibrationOptions three;
  three.executor.threads = 3;
  const Calibration whole = calibrate(g, {images}, three);
  CalibrationOptions one;
  one.executor.threads = 1;
  Calibration merged = calibrate(g, {part(4, 2), part(1, 3)}, one);
  merged.merge(calibrate(g, {part(0, 1)}, one));
  CHECK(whole.channel_means("x") == merged.channel_means("x"));
  CHECK(whole.channel_means("y").empty());
  std::vector<double> sums(3);
  for (std::int64_t i = 0; i < images.size(); ++i)
    sums[static_cast<std::size_t>(i % 3)] += static_cast<double>(images[i]);
  for (std::size_t i = 0; i < 3; ++i) CHECK(std::abs(whole.channel_means("x")[i] - sums[i] / 150) < 1e-6);
}
