#include <octet/comparison/automatic.hpp>
#include <octet/comparison/candidate_forms.hpp>
#include <octet/comparison/conversion_times.hpp>
#include <octet/comparison/form_values.hpp>
#include <octet/comparison/layer_trials.hpp>
#include <octet/kernels/dispatch.hpp>
#include <octet/kernels/half.hpp>
#include <octet/models/builder.hpp>
#include <octet/models/mobilenet.hpp>
#include <octet/models/resnet.hpp>
#include <octet/operators/shape/views.hpp>
#include <octet/operators/softmax.hpp>
#include <octet/quantization/quantize_model.hpp>

#include <cmath>
#include <map>
#include <set>

#include "support/messages.hpp"
#include "support/sqnr.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

/// Samples in memory.
class Samples : public InputSet {
 public:
  explicit Samples(std::vector<Tensor<float>> all) : all_(std::move(all)) {}
  std::int64_t size() const override { return static_cast<std::int64_t>(all_.size()); }
  std::vector<AnyTensor> inputs(std::int64_t i) const override { return {all_[static_cast<std::size_t>(i)]}; }
  std::string name(std::int64_t i) const override { return "sample " + std::to_string(i); }

 private:
  std::vector<Tensor<float>> all_;
};

std::vector<Tensor<float>> images(int count, float factor = 1) {
  std::vector<Tensor<float>> all;
  for (int i = 0; i < count; ++i) {
    all.push_back(random_tensor({1, 8, 8, 3}, static_cast<unsigned>(i) + 1));
    for (float& x : all.back()) x *= factor;
  }
  return all;
}

constexpr float poison = 20000;

/// A classifier. The result of layer `second` has channels with an offset that the next layer cancels, so that little
/// is left of it as int8.
Model net(float offset) {
  detail::NetworkBuilder b("net", 8, 3, 3);
  b.conv("first", 8, 3, 1, 1)
      .relu("first_relu")
      .conv("second", 8, 3, 1, 1, 1, true)
      .conv("third", 8, 1, 1, 0, 1, true)
      .relu("third_relu")
      .conv("fourth", 8, 3, 1, 1)
      .relu("fourth_relu")
      .global_average("pool")
      .linear("last", 5);
  Model m = b.finish();
  if (offset == 0) return m;
  const auto change = [&](const std::string& tensor, auto f) {
    Tensor<float> t = detail::to_float(m.value(m.find(tensor)).constant.ref());
    f(t);
    m.value(m.find(tensor)).constant = std::move(t);
  };
  double cancelled[8] = {};
  change("third.weight", [&](Tensor<float>& w) {
    for (int o = 0; o < 8; ++o)
      for (int i = 0; i < 8; ++i) cancelled[o] += static_cast<double>(offset * w[8 * o + i]);
  });
  change("second.bias", [&](Tensor<float>& t) {
    for (float& x : t) x += offset;
  });
  change("third.bias", [&](Tensor<float>& t) {
    for (int o = 0; o < 8; ++o) t[o] -= static_cast<float>(cancelled[o]);
  });
  return m;
}

Target target_of(std::vector<Tensor<float>> samples, Objective objective, double min_sqnr) {
  Target t;
  t.objective = objective;
  t.min_sqnr = min_sqnr;
  t.samples = std::make_shared<Samples>(std::move(samples));
  return t;
}

}  // namespace

TEST_CASE("automatic choice: a layer that loses its result stays float, and the proof is that of other samples") {
  const Model m = net(poison);
  const std::vector<Tensor<float>> samples = images(12);
  const Calibration c = calibrate(m, images(16));
  CHECK(sqnr_db(m, quantize<int8>(m, c), samples) < 15);
  for (const Objective objective : {Objective::size, Objective::latency, Objective::memory}) {
    CAPTURE(name(objective));
    const AutomaticResult r = quantize(m, c, target_of(samples, objective, 25));
    CHECK(r.met);
    CHECK(r.choosing == 6);
    CHECK(r.proving == 6);
    for (const Value& v : r.model.values)  // the sums of an int8 layer may become floats
      CHECK_FALSE((v.dtype == DType::i8 && !v.is_constant() && contains(v.name, "second")));
    CHECK(r.curve[r.chosen].proof->least_db >= 25);
    std::vector<Tensor<float>> held_apart;
    for (std::size_t i = 1; i < samples.size(); i += 2) held_apart.push_back(samples[i]);
    const double proof = std::min(r.curve[r.chosen].proof->least_db, 200.0);  // infinite for the float model
    CHECK(std::min(sqnr_db(m, r.model, held_apart), 200.0) == doctest::Approx(proof).epsilon(0.02));
    CHECK(std::min(sqnr_db(m, quantize(m, r.plan), held_apart), 200.0) == doctest::Approx(proof).epsilon(0.02));
    if (objective == Objective::size) CHECK(r.size_ratio() < 0.9);
  }
}

TEST_CASE("automatic choice: where int8 is good enough, it is chosen") {
  const Model m = net(0);
  const AutomaticResult r = quantize(m, calibrate(m, images(16)), target_of(images(12), Objective::size, 15));
  CHECK(r.met);
  for (const char* layer : {"first", "second", "third", "fourth", "last"})
    CHECK(
        (r.plan.layers.at(layer).form == PlannedForm::integer || r.plan.layers.at(layer).form == PlannedForm::dynamic));
  CHECK(r.size_ratio() < 0.6);
}

TEST_CASE("automatic choice: layers are tried alone") {
  const Model m = net(poison);
  const std::vector<LayerSensitivity> layers =
      layer_sensitivity(m, calibrate(m, images(16)), target_of(images(8), Objective::latency, 25));
  REQUIRE(layers.size() >= 5);
  double least = 1000;
  std::string worst;
  for (const LayerSensitivity& l : layers) {
    CHECK(l.forms[0].form == "float");
    CHECK(std::isinf(l.forms[0].output_db));
    for (const FormTrial& f : l.forms) {
      CHECK(f.milliseconds > 0);
      CHECK(f.agreement.has_value());
      if (f.form == "int8" && f.output_db < least) {
        least = f.output_db;
        worst = l.layer;
      }
    }
  }
  CHECK((worst == "second" || worst == "third"));
}

TEST_CASE("automatic choice: a target that is missed is said, and the best model is offered") {
  const Model m = net(0);
  // The samples that choose are calibrated; those held apart are ten times as large and leave all ranges.
  std::vector<Tensor<float>> samples = images(8);
  for (std::size_t i = 1; i < samples.size(); i += 2)
    for (float& x : samples[i]) x *= 10;
  Target t = target_of(samples, Objective::size, 20);
  t.proofs = 1;
  const AutomaticResult r = quantize(m, calibrate(m, images(16)), t);
  CHECK_FALSE(r.met);
  CHECK_FALSE(r.model.nodes.empty());
  CHECK(r.curve[r.chosen].met);  // on the samples that choose
  CHECK(r.curve[r.chosen].proof->least_db < 20);
  REQUIRE_FALSE(r.notes.empty());
  CHECK(r.notes.back().find("not on those held apart") != std::string::npos);
  t.proofs = 8;  // safer models are proved, of which the float model keeps any target
  CHECK(quantize(m, calibrate(m, images(16)), t).met);
}

TEST_CASE("automatic choice: for size it is the same each time") {
  const Model m = net(poison);
  const Calibration c = calibrate(m, images(16));
  const Target t = target_of(images(12), Objective::size, 30);
  const AutomaticResult a = quantize(m, c, t), b = quantize(m, c, t);
  CHECK(a.plan == b.plan);
  CHECK(a.curve.size() == b.curve.size());
  CHECK(a.chosen == b.chosen);
}

TEST_CASE("automatic choice: accuracy with labels, agreement without") {
  const Model m = net(poison);
  const Calibration c = calibrate(m, images(16));
  const std::vector<Tensor<float>> samples = images(40);
  Target t = target_of(samples, Objective::size, 0);
  t.max_drop = 5;
  AutomaticResult r = quantize(m, c, t);
  CHECK(r.met);
  CHECK_FALSE(r.float_proof.top1.has_value());
  CHECK(*r.curve[r.chosen].proof->agreement >= 0.95);
  Executor run(m);
  for (const Tensor<float>& x : samples) {  // the float model is right but for every fifth sample
    const Tensor<float> y = run(x);
    const std::int64_t best = std::max_element(y.begin(), y.end()) - y.begin();
    t.labels.push_back({t.labels.size() % 5 == 4 ? (best + 1) % 5 : best});
  }
  r = quantize(m, c, t);
  CHECK(r.met);
  CHECK(*r.float_proof.top1 == doctest::Approx(0.8));
  CHECK(*r.float_proof.top1 - *r.curve[r.chosen].proof->top1 <= 0.05 + 1e-9);
}

TEST_CASE("automatic choice: bf16 where the CPU multiplies it") {
  const Model m = net(poison);
  const Calibration c = calibrate(m, images(16));
  for (const Objective objective : {Objective::size, Objective::latency}) {
    CAPTURE(name(objective));
    const AutomaticResult r = quantize(m, c, target_of(images(12), objective, 25));
    const bool tried = std::any_of(r.curve.begin(), r.curve.end(), [](const auto& p) { return p.what == "bf16"; });
    CHECK(tried == (objective == Objective::latency && detail::kernels().gemm_bf16 != nullptr));
  }
}

TEST_CASE("automatic choice: sizes are those of the file that is written, and what cannot be written is not offered") {
  const Model m = net(0);
  const Calibration c = calibrate(m, images(16));
  Target t = target_of(images(12), Objective::size, 15);
  t.file_size = [](const Model& x) -> std::int64_t {
    for (const Value& v : x.values)
      if (v.dtype == DType::i8) throw FormatError("no int8 here");
    return 1000 + static_cast<std::int64_t>(x.nodes.size());
  };
  const AutomaticResult r = quantize(m, c, t);
  CHECK(r.met);
  CHECK(r.curve[r.chosen].size_bytes == 1000 + static_cast<std::int64_t>(r.model.nodes.size()));
  for (const auto& entry : r.plan.layers) {
    CAPTURE(entry.first);
    CHECK((entry.second.form == PlannedForm::floating || entry.second.form == PlannedForm::half));
  }
  CHECK(std::any_of(r.notes.begin(), r.notes.end(), [](const std::string& n) { return contains(n, "no int8 here"); }));
}

TEST_CASE("automatic choice: types of weights that the file does not have are in no mixture") {
  const Model m = net(poison);
  const Calibration c = calibrate(m, images(16));
  Target t = target_of(images(12), Objective::size, 25);
  t.weights.least_elements = 0;  // of layers that fp16 and dynamic range leave alone
  t.file_size = [](const Model& x) {
    std::int64_t bytes = 0;
    for (const Value& v : x.values) {
      if (v.dtype == DType::f16) throw FormatError("no fp16 here");
      bytes += static_cast<std::int64_t>(v.constant.size_bytes());
    }
    return bytes;
  };
  const AutomaticResult r = quantize(m, c, t);
  CHECK(r.met);
  CHECK(r.size_ratio() < 0.9);  // there are mixtures that the file has
  CHECK(std::any_of(r.notes.begin(), r.notes.end(), [](const auto& n) { return contains(n, "fp16 is not offered"); }));
  for (const AutomaticPoint& p : r.curve) {
    CAPTURE(p.what);
    const bool half = std::any_of(p.plan.layers.begin(), p.plan.layers.end(),
                                  [](const auto& l) { return l.second.form == PlannedForm::half; });
    CHECK(half == (p.what == "fp16"));
  }
}

TEST_CASE("automatic choice: 16-bit activations where 8 bits are too few") {
  const Model m = net(200);
  const std::vector<Tensor<float>> samples = images(12);
  const Calibration c = calibrate(m, images(16));
  const Target t = target_of(samples, Objective::size, 35);
  for (const LayerSensitivity& l : layer_sensitivity(m, c, t)) {
    if (l.layer != "third") continue;
    double int8 = 0, int16 = 0;
    for (const FormTrial& f : l.forms) {
      if (f.form == "int8") int8 = f.output_db;
      if (f.form == "int16") int16 = f.output_db;
    }
    CHECK(int8 < 30);
    CHECK(int16 > 45);
  }
  const AutomaticResult r = quantize(m, c, t);
  CHECK(r.met);
  CHECK(r.plan.layers.at("third").form == PlannedForm::integer16);
  CHECK(
      std::any_of(r.model.values.begin(), r.model.values.end(), [](const Value& v) { return v.dtype == DType::i16; }));
  CHECK(r.size_ratio() < 0.6);
  // Other samples may reach beyond the calibration, which costs 16 bits nothing.
  const OptimizedModel layers = optimize(m);
  const std::string& read = layers.value(layers.nodes[1].outputs[0]).name;
  CHECK(r.plan.activations.at(read).scale > 1.9f * plan_quantization<int8>(m, c).activations.at(read).scale);
}

TEST_CASE("automatic choice: weights of 4 bits where a small model may lose more") {
  const Model m = net(0);
  const std::vector<Tensor<float>> samples = images(12);
  const Calibration c = calibrate(m, images(16));
  for (const Objective objective : {Objective::size, Objective::latency}) {
    CAPTURE(name(objective));
    const AutomaticResult r = quantize(m, c, target_of(samples, objective, 15));
    CHECK(r.met);
    const auto packed = [](const Value& v) { return v.dtype == DType::i4; };
    const auto chosen_int4 = [](const LayerSensitivity& l) { return l.chosen == "int4"; };
    const bool has_int4 = std::any_of(r.model.values.begin(), r.model.values.end(), packed);
    CHECK(has_int4 == (objective == Objective::size));
    CHECK(std::any_of(r.layers.begin(), r.layers.end(), chosen_int4) == has_int4);
    CHECK(std::any_of(r.curve.begin(), r.curve.end(),
                      [](const auto& p) { return contains(p.what, "rounded together"); }) == has_int4);
    for (const AutomaticPoint& p : r.curve)
      if (objective == Objective::size && p.what == "int8")
        CHECK(r.curve[r.chosen].size_bytes < 0.9 * static_cast<double>(p.size_bytes));
  }
  Target t = target_of(samples, Objective::size, 15);
  t.int8.weight_bits = 4;  // int8 has 4 bits already
  for (const LayerSensitivity& l : layer_sensitivity(m, c, t))
    for (const FormTrial& f : l.forms) CHECK(f.form != "int4");
}

TEST_CASE("int8 layers before float layers write their sums as floats") {
  const Model m = net(0);
  const Calibration c = calibrate(m, images(16));
  Int8Options o;
  const auto numbers_of_third = [&] {
    const Model q = quantize<int8>(m, c, o);
    ExecutorOptions options;
    options.optimize = false;
    Executor run(q, options);
    std::set<float> found;
    run.observe([&](const Value& v, const TensorRef& t) {
      if (t.dtype == DType::f32 && contains(v.name, "third"))
        for (std::int64_t i = 0; i < t.shape.elements(); ++i) found.insert(t.as<float>()[i]);
    });
    run.run({images(1)[0]});
    return found.size();
  };
  CHECK(numbers_of_third() == 0);
  o.keep_float = {"fourth"};
  CHECK(numbers_of_third() > 256);  // more than int8 has
}

TEST_CASE("int8 layers before a float softmax, also through a reshape, write their sums as floats") {
  const auto classes = [](bool reshaped) {
    Model m = net(0);
    int v = m.outputs[0];
    if (reshaped) v = m.add("reshape", make_operator(Reshape({1, 5, 1})), {v}, {"reshaped"});
    Softmax softmax;
    softmax.axis = 1;
    m.outputs = {m.add("softmax", make_operator(std::move(softmax)), {v}, {"probabilities"})};
    return m;
  };
  for (const bool reshaped : {false, true}) {
    CAPTURE(reshaped);
    const Model m = classes(reshaped);
    const Calibration c = calibrate(m, images(16));
    Int8Options o;
    o.keep_float = {"softmax"};
    if (reshaped) o.keep_float.push_back("reshape");
    const Model q = quantize<int8>(m, c, o);
    const auto gives_codes = [](const Model& of) {
      return std::any_of(of.nodes.begin(), of.nodes.end(), [&](const Node& n) {
        return n.op->type() == std::string("FullyConnected") && of.value(n.outputs[0]).is_quantized();
      });
    };
    CHECK_FALSE(gives_codes(q));
    // Mixtures of an automatic choice, too: a reshape has no form of its own.
    const detail::FormPlans plans(optimize(m), c, Target{}, detail::all_forms());
    detail::Forms forms;
    for (std::size_t l = 0; l < plans.names().size(); ++l)
      forms.push_back(plans.names()[l] == "softmax" || plans.follows_input(l) ? detail::float_form : detail::int8_form);
    const auto formats = detail::FormValues(plans).of(forms).values;
    for (std::size_t l = 0; l < forms.size(); ++l)
      if (plans.names()[l] == "last") CHECK_FALSE(formats[static_cast<std::size_t>(plans.graph().nodes[l].outputs[0])]);
    const Model mixed = quantize(m, plans.mixed(forms));
    CHECK(std::count_if(mixed.values.begin(), mixed.values.end(), [](const Value& v) { return v.is_quantized(); }) > 4);
    CHECK_FALSE(gives_codes(mixed));
  }
}

TEST_CASE("automatic choice: any mixture of forms runs, with the formats of values that were predicted") {
  const std::pair<Model, int> models[] = {{mobilenet_v2({0.25, 32, 3, 5, 1}), 20}, {resnet({18, true, 32, 5}), 3}};
  for (const auto& of_model : models) {
    const Model& m = of_model.first;
    CAPTURE(m.name);
    const Tensor<float> x = random_tensor({1, 32, 32, 3}, 3);
    const OptimizedModel layers = optimize(m);
    const detail::FormPlans plans(layers, calibrate(m, {x}), Target{}, detail::all_forms());
    const detail::FormValues values(plans);
    Random random(7);
    for (int mixture = 0; mixture < of_model.second; ++mixture) {
      detail::Forms forms;
      for (std::size_t l = 0; l < plans.names().size(); ++l) {
        const std::vector<std::size_t>& all = plans.forms_of(l);
        forms.push_back(all[static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(all.size()) - 1))]);
      }
      const Model mixed = quantize(m, plans.mixed(forms));
      const Tensor<float> y = Executor(mixed)(x);
      CHECK(std::all_of(y.begin(), y.end(), [](float v) { return std::isfinite(v); }));
      std::map<std::string, DType> types;
      for (const Value& v : mixed.values) types[v.name] = v.dtype;
      const auto formats = values.of(forms).values;
      for (std::size_t v = 0; v < formats.size(); ++v) {
        const Value& of = plans.graph().values[v];
        if (of.is_constant() || plans.graph().is_output(static_cast<int>(v)) || types.count(of.name) == 0) continue;
        CAPTURE(of.name);
        CHECK(name(types[of.name]) == std::string(name(formats[v] ? formats[v]->activations : DType::f32)));
      }
    }
  }
}

TEST_CASE("automatic choice: what is wrong with a target is said") {
  const Model m = net(0);
  const Calibration c = calibrate(m, images(4));
  CHECK(contains(message([&] { quantize(m, c, Target{}); }), "Target::samples is empty"));
  Target t = target_of(images(4), Objective::size, 0);
  t.labels = {{1}};
  CHECK(contains(message([&] { quantize(m, c, t); }), "expected one for each of 4 samples"));
  t.labels.clear();
  t.max_drop = -1;
  CHECK(contains(message([&] { quantize(m, c, t); }), "max_drop is -1"));
  t.max_drop = 1;
  t.scan_samples = 0;
  CHECK(contains(message([&] { quantize(m, c, t); }), "scan_samples is 0"));
}

TEST_CASE("automatic choice: weights are rounded by the outputs of layers, each layer alone") {
  const Model m = net(0);
  std::vector<Tensor<float>> samples = images(8);
  for (Tensor<float>& t : samples)  // neighbouring pixels are alike, and so the errors of their weights add up
    for (std::int64_t i = 0; i < t.size(); ++i) t[i] = 4 + t[i] / 8 + t[i % 3];
  const Calibration c = calibrate(m, samples);
  Target t = target_of(samples, Objective::size, 25);
  const auto weights_db = [&](const std::string& layer) {  // dynamic range: the inputs of `first` have little noise
    for (const LayerSensitivity& l : layer_sensitivity(m, c, t))
      for (const FormTrial& f : l.forms)
        if (l.layer == layer && f.form == "dynamic_range") return f.output_db;
    return 0.0;
  };
  CHECK(t.int8.round == RoundWeights::fast);
  const double rounded = weights_db("first");
  QuantizationPlan plan = plan_quantization<int8>(m, c);
  RoundingOptions alone;
  alone.inputs = samples;
  alone.each_alone = true;
  round_weights(m, plan, RoundWeights::fast, alone);
  const std::vector<std::int8_t> codes = plan.layers.at("third").weight_codes;
  for (float& w : plan.layers.at("first").weights.scale) w *= 20;  // `third` does not make up for what `first` loses
  round_weights(m, plan, RoundWeights::fast, alone);
  CHECK(plan.layers.at("third").weight_codes == codes);
  alone.each_alone = false;
  round_weights(m, plan, RoundWeights::fast, alone);
  CHECK(plan.layers.at("third").weight_codes != codes);
  t.int8.round = RoundWeights::nearest;
  CHECK(rounded > weights_db("first") + 2);
}

bool same_forms(const QuantizationPlan& a, const QuantizationPlan& b) {
  return std::all_of(a.layers.begin(), a.layers.end(), [&](const auto& l) {
    const LayerPlan& other = b.layers.at(l.first);
    return l.second.form == other.form && l.second.weight_bits == other.weight_bits;
  });
}

TEST_CASE("automatic choice: changes of the cheapest mixture are tried, and only those kept that keep the target") {
  const Model m = net(poison);
  const Calibration c = calibrate(m, images(16));
  std::int64_t changes = 0;
  for (const double db : {40.0, 50.0, 55.0}) {
    CAPTURE(db);
    Target t = target_of(images(12), Objective::size, db);
    t.progress = [&](const std::string& stage, std::int64_t, std::int64_t) { changes += stage == "changing layers"; };
    const AutomaticResult r = quantize(m, c, t);
    CHECK(r.met);
    CHECK(r.curve[r.chosen].chosen_on.least_db >= db);
    // None that keeps the target is smaller, unless it failed the proof, it or the same one with other codes of
    // weights, or it does not exceed the target by what a failed one lost there.
    double asked = db;
    for (const AutomaticPoint& p : r.curve)
      if (p.proof && p.proof->least_db < db) asked = std::max(asked, db + p.chosen_on.least_db - p.proof->least_db);
    for (const AutomaticPoint& p : r.curve) {
      if (!p.met || p.size_bytes >= r.curve[r.chosen].size_bytes) continue;
      const bool failed = std::any_of(r.curve.begin(), r.curve.end(), [&](const AutomaticPoint& q) {
        return same_forms(p.plan, q.plan) && q.proof && q.proof->least_db < db;
      });
      CHECK((failed || p.chosen_on.least_db < asked));
    }
  }
  CHECK(changes > 0);
}

TEST_CASE("automatic choice: conversions between formats take time, more for more elements") {
  const detail::ConversionTimes times{ExecutorOptions{}}, none;
  const detail::IntegerFormat* all[] = {nullptr, &detail::int8_format, &detail::int16_format};
  for (const auto* from : all)
    for (const auto* to : all) {
      CHECK((times.of(from, to, 1000000) > 0) == (from != to));
      if (from != to) CHECK(times.of(from, to, 1000000) > times.of(from, to, 16));
      CHECK(none.of(from, to, 1000000) == 0);
    }
}

TEST_CASE("automatic choice: the time of a layer is without the conversions of its model") {
  Graph g;
  const QuantParams scale{0.1f, 0};
  g.inputs = {g.add_value({"x", DType::f32, Shape{1, 64, 64, 32}, {}, {}})};
  const int q = g.add_value({"q", DType::i8, Shape{1, 64, 64, 32}, scale, {}});
  g.outputs = {g.add_value({"y", DType::f32, Shape{1, 64, 64, 32}, {}, {}})};
  g.nodes.push_back({"to", make_operator(Convert(DType::i8)), {g.inputs[0]}, {q}});
  g.nodes.push_back({"from", make_operator(Convert(DType::f32)), {q}, {g.outputs[0]}});
  Executor run(g);
  const std::vector<AnyTensor> x{Tensor<float>(Shape{1, 64, 64, 32})};
  const auto of = [&](auto counts) { return detail::least_times({&run, &run}, x, 0.001, counts); };
  const std::vector<double> all = of([](const LayerTime&) { return true; });
  REQUIRE(all.size() == 2);
  CHECK(all[0] > 0);
  CHECK(all[1] > 0);
  CHECK(of([](const LayerTime& t) { return t.type != Convert::type_name; }) == std::vector<double>{0, 0});
}

TEST_CASE("quantize<int8>: with a trial, a layer that collapses stays float") {
  const Model m = net(poison);
  const std::vector<Tensor<float>> samples = images(4);
  const Calibration c = calibrate(m, images(16));
  Int8Options o;
  std::vector<std::string> notes;
  o.notes = &notes;
  const double before = sqnr_db(m, quantize<int8>(m, c, o), samples);
  CHECK(before < 15);
  o.trial = samples;
  CHECK(sqnr_db(m, quantize<int8>(m, c, o), samples) > before + 10);
  REQUIRE_FALSE(notes.empty());
  CHECK(notes.back().find("stay float") != std::string::npos);
  // Nothing changes where nothing collapses.
  const Model fine = net(0);
  const Calibration of_fine = calibrate(fine, images(16));
  o.trial.clear();
  o.equalize = Equalize::never;
  const QuantizationPlan plain = plan_quantization<int8>(fine, of_fine, o);
  o.trial = samples;
  CHECK(plan_quantization<int8>(fine, of_fine, o) == plain);
}
