#include <octet/core/element.hpp>
#include <octet/io/model_file.hpp>
#include <octet/models/builder.hpp>
#include <octet/operators/all.hpp>
#include <octet/passes/optimize.hpp>
#include <octet/quantization/plan_file.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/training/qat.hpp>
#include <octet/training/trainer.hpp>

#include "support/branches.hpp"
#include "support/files.hpp"
#include "support/messages.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

/// Convolutions with a sum, pooling, a concat, a fully connected layer and softmax.
Model network() {
  detail::NetworkBuilder b("net", 8, 3, 4);
  b.conv("stem", 4, 3, 1, 1, 1, true).batch_norm("bn").relu("stem_relu");
  const int stem = b.current();
  b.conv("left", 4, 3, 1, 1).add("sum", stem).relu("sum_relu");
  const int left = b.current();
  b.set_current(stem);
  b.conv("right", 4, 1, 1, 0).relu("right_relu");
  Graph g = b.finish();
  const int pooled = add_pooled_concat(g, left, g.outputs[0]);
  const int last = g.add("last", Convolution(), {pooled, g.add_constant("last.w", random_tensor({6, 1, 1, 8}, 4))});
  const int mean = g.add("mean", Reduce(ReduceKind::mean, {1, 2}, false), {last});
  const int fc = g.add("fc", FullyConnected(),
                       {mean, g.add_constant("fc.w", random_tensor({5, 6}, 7, -0.3f, 0.3f)),
                        g.add_constant("fc.b", random_tensor({5}, 8))});
  g.outputs = {g.add("probabilities", Softmax(), {fc})};
  return g;
}

Calibration calibrated(const Model& m) { return calibrate(m, {random_tensor({3, 8, 8, 3}, 1, -2, 2)}); }

std::string bytes(const Model& m) {
  const TemporaryFile file("plan_model.octet");
  save(m, file.path);
  return contents(file.path);
}

const Node& node(const Graph& g, const std::string& layer) {
  for (const Node& n : g.nodes)
    if (n.name == layer) return n;
  FAIL("no layer ", layer);
  return g.nodes[0];
}

/// The type of a layer's weights.
DType weights_of(const Graph& g, const std::string& layer) { return g.value(node(g, layer).inputs[1]).dtype; }

}  // namespace

TEST_CASE("plan: scales of activations and weights, and the form of each layer") {
  const Model m = network();
  const Calibration c = calibrated(m);
  Int8Options o;
  o.keep_float = {"last"};
  const QuantizationPlan plan = plan_quantization<int8>(m, c, o);
  const Graph g = optimize(m);
  CHECK(plan.layers.size() == g.nodes.size());
  for (const Node& n : g.nodes) {
    CAPTURE(n.name);
    REQUIRE(plan.layers.count(n.name) == 1);
    const LayerPlan& layer = plan.layers.at(n.name);
    CHECK(layer.form == (n.name == "last" ? PlannedForm::floating : PlannedForm::integer));
    if (!as<Convolution>(*n.op) || n.name == "last") continue;
    CHECK(layer.weights.per_channel());
    CHECK(layer.weights.scale.size() == 4);
    CHECK(layer.weight_bits == 8);
    CHECK(layer.input_means.size() == static_cast<std::size_t>(g.value(n.inputs[1]).shape.back()));
  }
  for (const auto& entry : plan.activations) {
    const std::string& tensor = entry.first;
    const ActivationPlan& a = entry.second;
    CAPTURE(tensor);
    const Range r = c.range(tensor);
    CHECK(a.scale == doctest::Approx((std::max(r.high, 0.0f) - std::min(r.low, 0.0f)) / 255));
    CHECK(std::abs(static_cast<float>(-128 - a.zero_point) - std::min(r.low, 0.0f) / a.scale) <= 0.5f);
  }
  CHECK(plan.activations.count(m.value(m.inputs[0]).name) == 1);
  CHECK(plan.activations.count("joined") == 1);
  CHECK(plan.activations.count("pool") == 0);           // has that of joined
  CHECK(plan.activations.count("probabilities") == 0);  // prescribed
  o.per_channel = false;
  o.symmetric_activations = true;
  const QuantizationPlan other = plan_quantization<int8>(m, c, o);
  CHECK(other.layers.at("fc").weights.axis == -1);
  CHECK(other.layers.at("fc").weights.scale.size() == 1);
  for (const auto& entry : other.activations) CHECK(entry.second.zero_point == 0);
}

TEST_CASE("plan: applied, saved and loaded, it gives the model that quantize gives") {
  const Model m = network();
  const Calibration c = calibrated(m);
  const TemporaryFile file("plan.json");
  const auto check = [&](const QuantizationPlan& plan, const Model& expected) {
    const std::string same = bytes(expected);
    CHECK(bytes(quantize(m, plan)) == same);
    save(plan, file.path);
    const QuantizationPlan loaded = load_plan(file.path);
    CHECK(loaded == plan);
    CHECK(bytes(quantize(m, loaded)) == same);
  };
  for (bool other : {false, true}) {
    Int8Options o;
    WeightOptions w;
    w.least_elements = 20;
    if (other) {
      o.per_channel = w.per_channel = false;
      o.correct_bias = false;
      o.integer_input = o.integer_output = true;
      o.rounding = Rounding::tflite_double;
      o.keep_float = {"right*"};
      w.keep_float = {"fc"};
    }
    check(plan_quantization<int8>(m, c, o), quantize<int8>(m, c, o));
    check(plan_quantization<dynamic_range>(m, w), quantize<dynamic_range>(m, w));
    check(plan_quantization<dynamic_range>(m, c, w), quantize<dynamic_range>(m, c, w));
    check(plan_quantization<fp16>(m, c, w), quantize<fp16>(m, c, w));
    check(plan_quantization<bf16>(m, w), quantize<bf16>(m, w));
  }
}

TEST_CASE("plan: edits are applied") {
  const Model m = network();
  const Calibration c = calibrated(m);
  const QuantizationPlan plan = plan_quantization<int8>(m, c);
  const Tensor<float> x = random_tensor({2, 8, 8, 3}, 9, -2, 2);
  const Tensor<float> exact = Executor(m)(x);
  const auto changed = [&](const std::function<void(QuantizationPlan&)>& change) {
    QuantizationPlan p = plan;
    change(p);
    const Model q = quantize(m, p);
    CHECK(largest_difference(Executor(q)(x), exact) < 0.15);
    return q;
  };
  SUBCASE("the form of a layer with weights") {
    const std::vector<std::pair<PlannedForm, DType>> forms{{PlannedForm::floating, DType::f32},
                                                           {PlannedForm::half, DType::f16},
                                                           {PlannedForm::bfloat16, DType::bf16},
                                                           {PlannedForm::dynamic, DType::i8}};
    for (const auto& one : forms) {
      const PlannedForm form = one.first;
      CAPTURE(static_cast<int>(form));
      const Model q = changed([form](QuantizationPlan& p) { p.layers.at("fc").form = form; });
      CHECK(weights_of(q, "fc") == one.second);
      CHECK(q.value(node(q, "fc").inputs[0]).dtype == DType::f32);
      CHECK(weights_of(q, "last") == DType::i8);
    }
    const Model q = changed([](QuantizationPlan& p) { p.layers.at("last").form = PlannedForm::floating; });
    CHECK(weights_of(q, "last") == DType::f32);
  }
  SUBCASE("the form of a layer without weights") {
    const Model pool = changed([](QuantizationPlan& p) { p.layers.at("pool").form = PlannedForm::floating; });
    CHECK(pool.value(node(pool, "pool").outputs[0]).dtype == DType::f32);
    changed([](QuantizationPlan& p) { p.layers.at("joined").form = PlannedForm::floating; });
  }
  SUBCASE("the scale of an activation") {
    const Model q = changed([](QuantizationPlan& p) { p.activations.at("joined") = {0.0625f, -7}; });
    for (const char* tensor : {"joined", "pool"}) CHECK(q.value(q.find(tensor)).quant == QuantParams(0.0625f, -7));
  }
  SUBCASE("scales, bits and codes of weights") {
    const Model coarse = changed([](QuantizationPlan& p) {
      LayerPlan& fc = p.layers.at("fc");
      fc.weight_bits = 4;
      for (float& s : fc.weights.scale) s *= 127.0f / 7;
    });
    const AnyTensor packed = coarse.value(node(coarse, "fc").inputs[1]).constant;
    CHECK(packed.dtype() == DType::i4);
    for (std::int64_t i = 0; i < packed.size(); ++i)
      CHECK(std::abs(detail::load_element(packed.dtype(), packed.data(), i)) <= 7);
    std::vector<std::int8_t> codes(30);
    for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::int8_t>(i % 5);
    QuantizationPlan p = plan;
    p.layers.at("fc").weight_codes = codes;
    const Model q = quantize(m, p);
    const auto found = q.value(node(q, "fc").inputs[1]).constant.view<int8>();
    CHECK(std::equal(codes.begin(), codes.end(), found.begin(), found.end()));
  }
}

TEST_CASE("plan: layers with the same name are distinguished") {
  Model m = network();
  for (Node& n : m.nodes)
    if (n.name == "fc") n.name = "last";
  const QuantizationPlan plan = plan_quantization<int8>(m, calibrated(m));
  CHECK(plan.layers.at("last").weights.scale.size() == 6);
  CHECK(plan.layers.at("last#2").weights.scale.size() == 5);
  CHECK(bytes(quantize(m, plan)) == bytes(quantize<int8>(m, calibrated(m))));
}

TEST_CASE("plan: the result of quantization-aware training") {
  const TemporaryFile file("plan_qat.json");
  for (int bits : {8, 4})
    for (bool learned : {false, true}) {
      QatConfig config;
      config.weight_bits = config.activation_bits = bits;
      config.learned_scales = learned;
      config.keep_last_float = bits == 4;
      const Model qat = prepare_qat(network(), config);
      Trainer trainer(qat, {});
      trainer.fit(TensorExamples(random_tensor({8, 8, 8, 3}, 3), {0, 1, 2, 3, 4, 0, 1, 2}), 1);
      const LearnedPlan l = learned_plan(trainer.model());
      CHECK(l.plan.layers.at("stem").weight_bits == bits);
      CHECK(l.plan.layers.at("fc").form == (bits == 4 ? PlannedForm::floating : PlannedForm::integer));
      save(l.plan, file.path);
      CHECK(bytes(quantize(l.model, load_plan(file.path))) == bytes(convert(trainer.model())));
    }
}

TEST_CASE("plan: a plan that does not match the model is refused, with the name of the layer or tensor") {
  const Model m = network();
  const QuantizationPlan plan = plan_quantization<int8>(m, calibrated(m));
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const auto error = [&](const std::function<void(QuantizationPlan&)>& change) {
    QuantizationPlan p = plan;
    change(p);
    const std::string text = message([&] { quantize(m, p); });
    CAPTURE(text);
    CHECK(!text.empty());
    return text;
  };
  CHECK(has(error([](auto& p) { p.layers["typo"]; }), {"'typo'", "'net'"}));
  CHECK(has(error([](auto& p) { p.layers.erase("fc"); }), {"'fc' (FullyConnected)", "'net'"}));
  CHECK(has(error([](auto& p) { p.activations["typo"]; }), {"'typo'", "'net'"}));
  CHECK(has(error([](auto& p) { p.activations.erase("joined"); }), {"'joined'", "no scale"}));
  CHECK(has(error([](auto& p) { p.activations["pool"] = {0.5f, 1}; }), {"'pool'", "0.5", "'joined'"}));
  CHECK(has(error([](auto& p) { p.activations["probabilities"] = {0.5f, 1}; }), {"'probabilities'", "0.5", "fixed"}));
  for (float bad : {0.0f, -1.0f, nan, inf, 1e-40f}) {
    CAPTURE(bad);
    CHECK(has(error([&](auto& p) { p.activations.at("joined").scale = bad; }), {"tensor 'joined'", "scale"}));
    CHECK(has(error([&](auto& p) { p.layers.at("fc").weights.scale[3] = bad; }), {"layer 'fc'", "scale 3"}));
  }
  for (int bad : {-129, 128})
    CHECK(has(error([&](auto& p) { p.activations.at("joined").zero_point = bad; }), {"'joined'", "-128 to 127"}));
  CHECK(has(error([](auto& p) {
              p.layers.at("fc").weights.scale.pop_back();
              p.layers.at("fc").weights.zero_point.pop_back();
            }),
            {"layer 'fc'", "4 scales", "expected 5"}));
  CHECK(has(error([](auto& p) { p.layers.at("fc").weights = {}; }), {"layer 'fc'", "0 scales"}));
  CHECK(has(error([](auto& p) { p.layers.at("fc").weights.axis = 1; }), {"layer 'fc'", "axis 1"}));
  CHECK(has(error([](auto& p) { p.layers.at("fc").weights.axis = -1; }), {"layer 'fc'", "found 5"}));
  CHECK(has(error([](auto& p) { p.layers.at("fc").weights.zero_point[1] = 1; }), {"layer 'fc'", "zero point 1"}));
  CHECK(has(error([](auto& p) { p.layers.at("fc").weights.zero_point = {}; }), {"layer 'fc'", "5 scales"}));
  for (int bits : {1, 9}) CHECK(has(error([&](auto& p) { p.layers.at("fc").weight_bits = bits; }), {"'fc'", "2 to 8"}));
  CHECK(has(error([](auto& p) { p.layers.at("fc").weight_codes = {1, 2}; }), {"layer 'fc'", "2 codes", "30"}));
  CHECK(has(error([](auto& p) { p.layers.at("fc").weight_codes.assign(30, -128); }), {"layer 'fc'", "-128"}));
  CHECK(has(error([](auto& p) { p.layers.at("fc").input_means = {1}; }), {"layer 'fc'", "1 means", "expected 6"}));
  CHECK(has(error([&](auto& p) { p.layers.at("fc").input_means[0] = inf; }), {"layer 'fc'", "inf"}));
  CHECK(has(error([](auto& p) { p.layers.at("fc").weights.scale[2] = 1e-20f; }), {"layer 'fc'", "channel 2", "bias"}));
  for (PlannedForm f : {PlannedForm::dynamic, PlannedForm::half})
    CHECK(has(error([f](auto& p) { p.layers.at("pool").form = f; }), {"layer 'pool'", name(f)}));
  Model large = network();
  large.value(large.find("fc.w")).constant = random_tensor({5, 6}, 1, 1e5f, 2e5f);
  QuantizationPlan half = plan_quantization<fp16>(large);
  half.layers.at("fc").form = PlannedForm::half;
  CHECK(has(message([&] { quantize(large, half); }), {"layer 'fc'", "'fc.w'", "too large"}));
}
