#include <octet/models/builder.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/error_feedback.hpp>
#include <octet/quantization/plan_file.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/quantization/round_weights.hpp>
#include <octet/quantization/weights.hpp>

#include "support/files.hpp"
#include "support/isas.hpp"
#include "support/messages.hpp"
#include "support/sqnr.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

/// Images whose channels and neighbours are correlated, as activations are.
std::vector<Tensor<float>> correlated_images(int count, std::int64_t size, std::int64_t channels, unsigned seed) {
  std::vector<Tensor<float>> all;
  for (int i = 0; i < count; ++i) {
    Tensor<float> t = random_tensor({1, size, size, channels}, seed + static_cast<unsigned>(i));
    for (std::int64_t k = 1; k < t.size(); ++k) t[k] = 0.8f * t[k - 1] + 0.6f * t[k];
    all.push_back(std::move(t));
  }
  return all;
}

/// A convolution, a grouped one, a depthwise one, a sum with the first, and a classifier.
Model net() {
  Random random(7);
  Model g;
  const auto weights = [&](const char* name, const Shape& s) {
    Tensor<float> t = Tensor<float>::uninitialized(s);
    random.fill(t.data(), t.size());
    return g.add_constant(name, std::move(t));
  };
  const int x = g.add_input("x", {Shape::unknown, 8, 8, 6});
  Convolution c;
  c.window = Window(3, 3, 1, 1);
  c.activation = {0, 1e300};
  const int first = g.add("first", c, {x, weights("w1", {8, 3, 3, 6}), weights("b1", {8})});
  c.groups = 2;
  const int grouped = g.add("grouped", c, {first, weights("w2", {8, 3, 3, 4})});
  c.groups = 8;
  c.window = Window(3, 3, 2, 1);
  const int depthwise = g.add("depthwise", c, {grouped, weights("w3", {8, 3, 3, 1}), weights("b3", {8})});
  Convolution small;
  small.window = Window(1, 1, 2);
  const int side = g.add("side", small, {first, weights("w4", {8, 1, 1, 8})});
  const int sum = g.add("sum", Binary(BinaryKind::add), {side, depthwise});
  const int flat = g.add("flat", Flatten(1), {sum});
  g.outputs = {g.add("end", FullyConnected(), {flat, weights("w5", {5, 128}), weights("b5", {5})})};
  return g;
}

Int8Options options_of(RoundWeights round, int bits, const std::vector<Tensor<float>>& images) {
  Int8Options o;
  o.equalize = Equalize::never;
  o.weights = RangeMethod::mse;
  o.weight_bits = bits;
  o.round = round;
  o.rounding_samples.inputs = images;
  return o;
}

}  // namespace

TEST_CASE("rounding that knows the inputs has less error than nearest rounding, on other inputs") {
  const Model model = net();
  const auto images = correlated_images(100, 8, 6, 100), others = correlated_images(20, 8, 6, 900);
  const Calibration calibration = calibrate(model, images);
  for (int bits : {3, 4}) {
    CAPTURE(bits);
    const double gain = bits == 4 ? 1 : 0;  // with 3 bits, most of the error is that of clipping
    const auto db = [&](RoundWeights round) {
      const QuantizationPlan plan = plan_quantization<int8>(model, calibration, options_of(round, bits, images));
      const int largest = (1 << (bits - 1)) - 1;
      for (const auto& entry : plan.layers) {
        const LayerPlan& layer = entry.second;
        if (!layer.weights) continue;
        CAPTURE(entry.first);
        CHECK(layer.weight_bits == bits);
        CHECK(layer.weight_codes.empty() == (round == RoundWeights::nearest));
        for (int code : layer.weight_codes) CHECK(std::abs(code) <= largest);
      }
      return sqnr_db(model, quantize(model, plan), others);
    };
    const double nearest = db(RoundWeights::nearest), fast = db(RoundWeights::fast);
    CAPTURE(nearest);
    CAPTURE(fast);
    CHECK(fast > nearest + gain);
  }
}

TEST_CASE("error feedback finds nearly the best of all roundings") {
  // 8 weights, 200 correlated inputs: all 3^8 choices of codes next to the nearest ones are tried.
  constexpr std::int64_t k = 8, rows = 200;
  detail::RoundingProblem p;
  p.weights = detail::FloatMatrix(1, k);
  p.inputs = detail::FloatMatrix(rows, k);
  p.targets = detail::FloatMatrix(rows, 1);
  p.largest = 7;
  p.least = {0};
  const auto error = [&](const std::vector<std::int8_t>& codes) {
    const float shift = detail::mean_shifts(p, codes, p.scales)[0];
    double sum = 0;
    for (std::int64_t r = 0; r < rows; ++r) {
      double y = static_cast<double>(shift);
      for (std::int64_t j = 0; j < k; ++j)
        y += static_cast<double>(p.inputs.row(r)[j] * p.scales[0]) * codes[static_cast<std::size_t>(j)];
      sum += std::pow(y - static_cast<double>(p.targets.row(r)[0]), 2);
    }
    return sum;
  };
  double of_nearest = 0, of_fast = 0, of_best = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Random random(seed + 1);
    random.fill(p.weights.elements.data(), k);
    p.scales = {1.0f / 7};
    random.fill(p.inputs.elements.data(), rows * k);
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t j = 1; j < k; ++j)
        p.inputs.row(r)[j] = 0.3f * p.inputs.row(r)[j] + 0.9f * p.inputs.row(r)[j - 1];
      p.targets.row(r)[0] = 0;
      for (std::int64_t j = 0; j < k; ++j) p.targets.row(r)[0] += p.inputs.row(r)[j] * p.weights.row(0)[j];
    }
    std::vector<std::int8_t> nearest, codes(k);
    for (std::int64_t j = 0; j < k; ++j)
      nearest.push_back(static_cast<std::int8_t>(detail::clamped_code(p.weights.row(0)[j] * 7, 7)));
    double best = std::numeric_limits<double>::infinity();
    for (int choice = 0; choice < 6561; ++choice) {
      int left = choice;
      for (std::size_t j = 0; j < k; ++j, left /= 3)
        codes[j] = static_cast<std::int8_t>(std::clamp(nearest[j] + left % 3 - 1, -7, 7));
      best = std::min(best, error(codes));
    }
    const detail::ErrorFeedback feedback(p, *default_pool());
    of_nearest += error(nearest);
    of_fast += error(feedback.run().codes);
    of_best += best;
  }
  CHECK(of_fast < 1.15 * of_best);
  CHECK(2 * of_best < of_nearest);  // so that the first check says something
}

TEST_CASE("error feedback with more damping loses less on inputs that are not like the samples") {
  constexpr std::int64_t k = 64, rows = 400, directions = 6;
  detail::RoundingProblem p;
  p.weights = detail::FloatMatrix(4, k);
  p.inputs = detail::FloatMatrix(rows, k);
  p.targets = detail::FloatMatrix(rows, 4);
  p.largest = 7;
  p.least = p.scales = {0.1f, 0.1f, 0.1f, 0.1f};
  Random random(5);
  random.fill(p.weights.elements.data(), 4 * k);
  detail::FloatMatrix base(directions, k), part(rows, directions);
  random.fill(base.elements.data(), directions * k);
  random.fill(part.elements.data(), rows * directions);
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t j = 0; j < k; ++j) {
      p.inputs.row(r)[j] = random.real(-0.1f, 0.1f);
      for (std::int64_t d = 0; d < directions; ++d) p.inputs.row(r)[j] += part.row(r)[d] * base.row(d)[j];
    }
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t o = 0; o < 4; ++o)
      for (std::int64_t j = 0; j < k; ++j) p.targets.row(r)[o] += p.inputs.row(r)[j] * p.weights.row(o)[j];
  const auto squared_errors = [&](float damping) {  // on the samples, and on inputs without correlation
    p.damping = damping;
    const detail::RoundedGroup g = detail::ErrorFeedback(p, *default_pool()).run();
    double samples = 0, others = 0;
    for (std::int64_t o = 0; o < 4; ++o) {
      std::vector<double> e;
      for (std::int64_t j = 0; j < k; ++j)
        e.push_back(static_cast<double>(g.scales[static_cast<std::size_t>(o)]) *
                        g.codes[static_cast<std::size_t>(o * k + j)] -
                    static_cast<double>(p.weights.row(o)[j]));
      for (double x : e) others += x * x;
      for (std::int64_t r = 0; r < rows; ++r) {
        double y = static_cast<double>(g.shifts[static_cast<std::size_t>(o)]);
        for (std::int64_t j = 0; j < k; ++j)
          y += e[static_cast<std::size_t>(j)] * static_cast<double>(p.inputs.row(r)[j]);
        samples += y * y;
      }
    }
    return std::make_pair(samples, others);
  };
  const auto [samples_little, others_little] = squared_errors(0.01f);
  const auto [samples_much, others_much] = squared_errors(0.3f);
  CHECK(others_much < 0.9 * others_little);
  CHECK(samples_much > samples_little);
}

TEST_CASE("the scale of 4-bit weights by squared error is the best one") {
  const Tensor<float> w = random_tensor({4, 3, 3, 5}, 3);
  detail::IntegerFormat format = detail::int8_format;
  format.bits = 4;
  const auto error = [&](const QuantParams& params) {
    const QTensor<int8> q = detail::quantize_weights(w, params, format);
    const Tensor<float> y = dequantize(q);
    std::vector<double> sums(4, 0.0);
    for (std::int64_t i = 0; i < w.size(); ++i)
      sums[static_cast<std::size_t>(i / 45)] += std::pow(static_cast<double>(w[i] - y[i]), 2);
    return sums;
  };
  const QuantParams full = detail::weight_params(w, format, true, RangeMethod::min_max),
                    chosen = detail::weight_params(w, format, true, RangeMethod::mse);
  const std::vector<double> of_chosen = error(chosen);
  for (int part = 30; part <= 100; part += 5) {
    QuantParams other = full;
    for (float& s : other.scale) s *= static_cast<float>(part) / 100;
    const std::vector<double> of_other = error(other);
    for (std::size_t c = 0; c < 4; ++c) CHECK(of_chosen[c] <= of_other[c] * 1.000001);
  }
}

TEST_CASE("rounding does not depend on threads and instruction sets") {
  const Model model = net();
  const auto images = correlated_images(12, 8, 6, 100);
  const Calibration calibration = calibrate(model, images);
  Int8Options o = options_of(RoundWeights::fast, 4, images);
  o.rounding_samples.executor.threads = 1;
  const QuantizationPlan first = plan_quantization<int8>(model, calibration, o);
  o.rounding_samples.executor.threads = 3;
  CHECK(plan_quantization<int8>(model, calibration, o) == first);
  for (Isa isa : available_isas()) {
    const UseIsa use(isa);
    CHECK(plan_quantization<int8>(model, calibration, o) == first);
  }
}

TEST_CASE("weights of an int16 layer are rounded for inputs that are not rounded to 8 bits") {
  const Model m = net();
  const std::vector<Tensor<float>> images = correlated_images(8, 8, 6, 1);
  const QuantizationPlan int8_plan =
      plan_quantization<int8>(m, calibrate(m, images), options_of(RoundWeights::nearest, 4, images));
  const auto codes = [&](PlannedForm form, bool alone) {
    QuantizationPlan plan = int8_plan;
    // Few steps for the image, so that the layer compensates for its rounding if it reads bytes.
    for (const char* layer : {"first", "grouped"}) plan.layers.at(layer).form = form;
    plan.activations.at("x").scale *= 16;
    RoundingOptions o;
    o.inputs = images;
    o.each_alone = alone;
    round_weights(m, plan, RoundWeights::fast, o);
    return plan.layers.at("first").weight_codes;
  };
  CHECK(codes(PlannedForm::integer16, false) == codes(PlannedForm::integer16, true));
  CHECK(codes(PlannedForm::integer, false) != codes(PlannedForm::integer, true));
}

TEST_CASE("layers that are too large for better rounding are rounded to nearest, and that is said") {
  Model g;
  const int x = g.add_input("x", {Shape::unknown, 10001});
  const int large = g.add("large", FullyConnected(), {x, g.add_constant("w1", random_tensor({3, 10001}, 1))});
  g.outputs = {g.add("small", FullyConnected(), {large, g.add_constant("w2", random_tensor({2, 3}, 2))})};
  std::vector<Tensor<float>> inputs;
  for (unsigned i = 0; i < 4; ++i) inputs.push_back(random_tensor({1, 10001}, 10 + i));
  const Calibration calibration = calibrate(g, inputs);
  std::vector<std::string> notes;
  Int8Options o = options_of(RoundWeights::fast, 4, inputs);
  const QuantizationPlan nearest =
      plan_quantization<int8>(g, calibration, options_of(RoundWeights::nearest, 4, inputs));
  o.notes = &notes;
  const QuantizationPlan plan = plan_quantization<int8>(g, calibration, o);
  CHECK(plan.layers.at("large") == nearest.layers.at("large"));
  CHECK(plan.layers.at("small").weight_codes.size() == 6);
  REQUIRE(notes.size() == 1);
  CHECK(has(notes[0], {"'large'", "10001 weights", "nearest"}));
}

TEST_CASE("plans keep codes and shifts of biases; layers can keep 8 bits; wrong options are named") {
  const Model model = net();
  const auto images = correlated_images(8, 8, 6, 100);
  const Calibration calibration = calibrate(model, images);
  Int8Options o = options_of(RoundWeights::fast, 4, images);
  o.keep_8_bits = {"fir*", "end"};
  const QuantizationPlan plan = plan_quantization<int8>(model, calibration, o);
  CHECK(plan.layers.at("first").weight_bits == 8);
  CHECK(plan.layers.at("end").weight_bits == 8);
  CHECK(plan.layers.at("grouped").weight_bits == 4);
  CHECK(plan.layers.at("grouped").bias_shift.size() == 8);
  const TemporaryFile file("rounded_plan.json");
  save(plan, file.path);
  CHECK(load_plan(file.path) == plan);

  Int8Options small = options_of(RoundWeights::nearest, 4, images);
  small.small_8_bits = 0.1;  // 149 of 1496 weights: 64 and 72, but not 288
  const QuantizationPlan mixed = plan_quantization<int8>(model, calibration, small);
  for (const auto& [name, bits] :
       std::map<std::string, int>{{"first", 4}, {"grouped", 4}, {"depthwise", 8}, {"side", 8}, {"end", 4}})
    CHECK(mixed.layers.at(name).weight_bits == bits);

  const auto error = [&](Int8Options wrong) {
    return message([&] { plan_quantization<int8>(model, calibration, wrong); });
  };
  o.weight_bits = 9;
  CHECK(has(error(o), {"9 bits", "2 to 8"}));
  small.small_8_bits = 1.5;
  CHECK(has(error(small), {"small_8_bits is 1.5", "0 to 1"}));
  o = options_of(RoundWeights::fast, 4, {});
  CHECK(has(error(o), {"needs inputs"}));
  o = options_of(RoundWeights::fast, 4, images);
  o.rounding_samples.samples = 0;
  CHECK(has(error(o), {"samples is 0"}));
  o.rounding_samples.samples = 100;
  for (const double d : {0.0, 1000.0, std::nan("")}) {
    o.rounding_samples.damping = d;
    CHECK(has(error(o), {"damping is", "0.001 to 100"}));
  }
  o.rounding_samples.damping = 0.3;
  o.keep_8_bits = {"lost"};
  CHECK(has(error(o), {"'lost'", "kept at 8 bits"}));
  QuantizationPlan edited = plan;
  edited.layers.at("grouped").bias_shift.pop_back();
  CHECK(has(message([&] { quantize(model, edited); }), {"'grouped'", "7 shifts", "expected 8"}));
  edited = plan;
  edited.layers.at("grouped").bias_shift[3] = 1e12;
  CHECK(has(message([&] { quantize(model, edited); }), {"'grouped'", "channel 3", "too small for the bias"}));
  for (double shift : {1e300, std::numeric_limits<double>::quiet_NaN()}) {
    edited.layers.at("grouped").bias_shift[3] = shift;
    CHECK(has(message([&] { quantize(model, edited); }), {"'grouped'", "shift of the bias", "float32"}));
  }
}
