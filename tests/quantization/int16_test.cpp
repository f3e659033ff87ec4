#include <octet/io/load.hpp>
#include <octet/io/model_file.hpp>
#include <octet/io/save.hpp>
#include <octet/models/builder.hpp>
#include <octet/operators/all.hpp>
#include <octet/passes/optimize.hpp>
#include <octet/quantization/plan_file.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/files.hpp"
#include "support/isas.hpp"
#include "support/messages.hpp"
#include "support/sqnr.hpp"
#include "testing.hpp"

// Plans with layers that have 16-bit activations.

using namespace octet;
using namespace testing;

namespace {

/// Convolutions with a sum, a depthwise one, pools, a concat, a fully connected layer and softmax.
Model network() {
  detail::NetworkBuilder b("net", 8, 3, 4);
  b.conv("stem", 8, 3, 1, 1, 1, true).relu("stem_relu");
  const int stem = b.current();
  b.conv("left", 8, 3, 1, 1).add("sum", stem).relu("sum_relu");
  b.conv("depthwise", 8, 3, 1, 1, 8).relu("depthwise_relu");
  const int left = b.current();
  b.set_current(stem);
  b.conv("right", 4, 1, 1, 0).relu("right_relu");
  Graph g = b.finish();
  MaxPool most;
  most.window = Window(2, 2, 2);
  AveragePool mean;
  mean.window = Window(2, 2, 2);
  const int p = g.add("most", most, {left}), q = g.add("means", mean, {g.outputs[0]});
  const int joined = g.add("joined", Concat(3), {p, q});
  const int flat = g.add("flat", Flatten(1), {joined});
  const int fc = g.add("fc", FullyConnected(),
                       {flat, g.add_constant("fc.w", random_tensor({5, 192}, 7, -0.3f, 0.3f)),
                        g.add_constant("fc.b", random_tensor({5}, 8))});
  g.outputs = {g.add("probabilities", Softmax(), {fc}), fc};
  return g;
}

std::vector<Tensor<float>> images() { return {random_tensor({3, 8, 8, 3}, 1, -2, 2)}; }

/// The plan of an int8 model, with these layers in 16 bits (all that can be: where `layers` is empty).
QuantizationPlan plan_of(const Model& m, const std::vector<std::string>& layers = {}) {
  QuantizationPlan plan = plan_quantization<int8>(m, calibrate(m, images()));
  const OptimizedModel g = optimize(m);
  for (const Node& n : g.nodes) {
    const IntegerForm form = n.op->integer_form();
    const bool named = std::find(layers.begin(), layers.end(), n.name) != layers.end();
    LayerPlan& layer = plan.layers.at(n.name);
    if (named || (layers.empty() && form.int16 && form.output != IntegerForm::Output::none))
      layer.form = PlannedForm::integer16;
  }
  return plan;
}

int values_of(const Model& m, DType t) {
  int count = 0;
  for (const Value& v : m.values) count += v.dtype == t && v.is_quantized() && !v.is_constant();
  return count;
}

}  // namespace

TEST_CASE("int16 plans: layers with 16-bit activations lose much less") {
  const Model m = network();
  const Model int8_model = quantize(m, plan_quantization<int8>(m, calibrate(m, images())));
  QuantizationPlan all = plan_of(m);
  all.layers.at("probabilities").form = PlannedForm::floating;
  const Model int16_model = quantize(m, all);
  CHECK(values_of(int16_model, DType::i16) >= 9);
  CHECK(values_of(int16_model, DType::i8) == 0);
  const double low = sqnr_db(m, int8_model, images()), high = sqnr_db(m, int16_model, images());
  CAPTURE(low);
  CAPTURE(high);
  CHECK(high > low + 5);  // what is left is the error of the weights
}

TEST_CASE("int16 plans: some layers, with conversions between, the same bits everywhere") {
  const Model m = network();
  for (const std::vector<std::string>& layers :
       {std::vector<std::string>{"left"}, {"stem", "depthwise"}, {"right", "joined"}, {"fc"}, {"stem", "right"}}) {
    const Model q = quantize(m, plan_of(m, layers));
    CHECK(values_of(q, DType::i16) > 0);
    CHECK(values_of(q, DType::i8) > 0);
    CHECK(sqnr_db(m, q, images()) > 20);
    std::vector<AnyTensor> expected;
    for (Isa isa : available_isas()) {
      const UseIsa use(isa);
      for (int threads : {1, 3}) {
        ExecutorOptions o;
        o.threads = threads;
        const std::vector<AnyTensor> y = Executor(q, o).run({images()[0]});
        if (expected.empty()) expected = y;
        for (std::size_t i = 0; i < y.size(); ++i)
          CHECK(std::memcmp(y[i].data(), expected[i].data(), y[i].size_bytes()) == 0);
      }
    }
  }
}

TEST_CASE("int16 plans: models and plans are the same after they were saved and loaded") {
  const Model m = network();
  QuantizationPlan plan = plan_of(m);
  plan.layers.at("probabilities").form = PlannedForm::floating;
  const TemporaryFile json("int16_plan.json"), file("int16.octet");
  save(plan, json.path);
  CHECK(load_plan(json.path) == plan);
  const Model q = quantize(m, plan);
  save(q, file.path);
  const Model loaded = load_octet(file.path);
  const std::vector<AnyTensor> a = Executor(q).run({images()[0]}), b = Executor(loaded).run({images()[0]});
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::memcmp(a[i].data(), b[i].data(), a[i].size_bytes()) == 0);
}

TEST_CASE("int16 plans: TFLite files are 16x8") {
  const Model m = network();
  for (const bool integers : {false, true}) {
    QuantizationPlan plan = plan_of(m);
    plan.layers.at("probabilities").form = PlannedForm::floating;
    plan.integer_input = integers;
    const Model q = quantize(m, plan);
    const TemporaryFile file("int16.tflite");
    save(q, file.path);
    const Model back = load(file.path);
    CHECK(back.value(back.inputs[0]).dtype == (integers ? DType::i16 : DType::f32));
    CHECK(values_of(back, DType::i16) >= 9);
    CHECK(values_of(back, DType::i8) == 0);
    if (!integers) CHECK(sqnr_db(q, back, images()) > 60);
  }
}

TEST_CASE("int16 plans: ONNX files do not have them") {
  const Model m = network();
  const Model q = quantize(m, plan_of(m, {"left"}));
  const TemporaryFile file("int16.onnx");
  const std::string text = message([&] { save(q, file.path); });
  CHECK_MESSAGE(has(text, {"layer '", "int16", "ONNX"}), text);
}

TEST_CASE("int16 plans: softmax has 16-bit codes, also in TFLite files") {
  const Model m = network();
  QuantizationPlan plan = plan_of(m, {"probabilities"});
  plan.integer_output = true;
  const Model q = quantize(m, plan);
  const auto is_softmax = [](const Node& n) { return std::string(n.op->type()) == "Softmax"; };
  const TemporaryFile file("int16_softmax.tflite");
  save(q, file.path);
  const Model back = load(file.path);
  for (const Model* x : {&q, &back}) {
    const auto n = std::find_if(x->nodes.begin(), x->nodes.end(), is_softmax);
    REQUIRE(n != x->nodes.end());
    CHECK(x->value(n->inputs[0]).dtype == DType::i16);
    CHECK(x->value(n->outputs[0]).dtype == DType::i16);
    CHECK(x->value(n->outputs[0]).quant.scale[0] == 0x1p-15f);
  }
}

TEST_CASE("int16 plans: a layer without a 16-bit form is an error that names it") {
  Model m = network();
  for (Node& n : m.nodes)
    if (n.name == "probabilities") n.op = make_operator(Unary(UnaryKind::gelu));
  const std::string text = message([&] { quantize(m, plan_of(m, {"probabilities"})); });
  CHECK_MESSAGE(has(text, {"layer 'probabilities'", "int16", "not supported"}), text);
}
