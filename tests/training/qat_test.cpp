#include <octet/core/packed_codes.hpp>
#include <octet/io/model_file.hpp>
#include <octet/models/builder.hpp>
#include <octet/operators/all.hpp>
#include <octet/operators/weight_rounding.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/training/gradient_executor.hpp>
#include <octet/training/qat.hpp>
#include <octet/training/trainer.hpp>
#include <set>

#include "support/files.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

/// A network with all operators whose placement is not trivial: padding, sums, concats, means, tables, a separate batch
/// normalization, dropout, softmax.
Model varied_net(std::uint64_t seed = 1) {
  octet::detail::NetworkBuilder b("varied", 12, 2, seed);
  b.conv("conv1", 8, 3, 1, 1).batch_norm("bn1").relu6("relu1");
  const int shortcut = b.current();
  b.conv("depthwise", 8, 3, 1, 1, 8).batch_norm("bn2").relu("relu2").conv("conv2", 8, 1, 1, 0).batch_norm("bn3");
  b.add("add", shortcut).relu("relu3").dropout("drop", 0.2);
  Model g = b.finish();
  const int x = g.outputs[0];
  Convolution pointwise;
  pointwise.window = Window(1, 1);
  const int left =
      g.add("left", pointwise, {x, g.add_constant("left.weight", random_tensor({4, 1, 1, 8}, 3, -0.5f, 0.5f))});
  const int right = g.add("right", Unary(UnaryKind::silu), {x});
  AveragePool mean;
  mean.window = Window(2, 2, 2);
  MaxPool most;
  most.window = Window(3, 3, 1, 1);
  int y = g.add("joined", Concat(-1), {left, right});
  const auto filled = [&](const char* name, float value) {
    Tensor<float> t({12});
    std::fill(t.begin(), t.end(), value);
    return g.add_constant(name, std::move(t));
  };
  y = g.add("alone", BatchNormalization(),
            {y, filled("alone.w", 0.5f), filled("alone.b", 0.1f), filled("alone.m", 0.2f), filled("alone.v", 2)});
  y = g.add("shifted", Binary(BinaryKind::mul), {y, y});
  y = g.add("mean", mean, {g.add("most", most, {y})});
  y = g.add("global", Reduce(ReduceKind::mean, {1, 2}, false), {y});
  y = g.add(
      "dense", FullyConnected(),
      {y, g.add_constant("dense.weight", random_tensor({5, 12}, 4)), g.add_constant("dense.bias", Tensor<float>({5}))});
  g.outputs = {g.add("softmax", Softmax(), {y})};
  // Running statistics and factors as in a trained network; one factor is negative.
  for (Value& v : g.values) {
    if (!v.is_constant() || v.name.compare(0, 2, "bn") != 0) continue;
    const bool variance = v.name.find("var") != std::string::npos, factor = v.name.find(".weight") != std::string::npos;
    v.constant = random_tensor(v.shape, static_cast<unsigned>(v.name.size()),
                               variance ? 0.3f
                               : factor ? -0.3f
                                        : -0.1f,
                               variance || factor ? 1.5f : 0.1f);
  }
  return g;
}

const Shape images{6, 12, 12, 2};

/// A pass with observers and without learning.
Model observed(const Model& qat, const Tensor<float>& batch) {
  GradientOptions o;
  o.threads = 1;
  GradientExecutor executor(qat, o);
  executor.plan(batch.shape());
  std::copy(batch.begin(), batch.end(), executor.input().begin());
  TrainingPass pass;
  pass.batch_statistics = false;
  executor.forward(pass);
  return executor.model();
}

const Value& value(const Model& m, const std::string& name) { return m.value(m.find(name)); }
float element(const Model& m, const std::string& name, std::int64_t i = 0) {
  return value(m, name).constant.view<float>()[i];
}

std::set<std::string> integers(const Model& m) {
  std::set<std::string> names;
  for (const Value& v : m.values)
    if (!v.is_constant() && v.dtype == DType::i8) names.insert(v.name);
  return names;
}

/// Same integer weights and biases, and layers in the same order.
void check_same_integers(const Model& a, const Model& b) {
  REQUIRE(a.nodes.size() == b.nodes.size());
  for (std::size_t n = 0; n < a.nodes.size(); ++n) {
    INFO(a.nodes[n].name);
    CHECK(a.nodes[n].name == b.nodes[n].name);
    const int w = a.nodes[n].op->integer_form().weights;
    if (w < 0) continue;
    const Value &x = a.value(a.nodes[n].inputs[static_cast<std::size_t>(w)]),
                &y = b.value(b.nodes[n].inputs[static_cast<std::size_t>(w)]);
    REQUIRE(x.dtype == y.dtype);
    REQUIRE(x.constant.size_bytes() == y.constant.size_bytes());
    if (x.dtype == DType::i8) CHECK(std::memcmp(x.constant.data(), y.constant.data(), x.constant.size_bytes()) == 0);
    for (std::size_t c = 0; c < x.quant.scale.size(); ++c)
      CHECK(x.quant.scale[c] == doctest::Approx(y.quant.scale[c]).epsilon(1e-5));
  }
}

/// x -> a fully connected layer with the identity matrix -> FakeQuantize.
Model straight_through(const FakeQuantize& op, const std::vector<float>& range, const std::vector<float>& scale = {},
                       const std::vector<float>& lowest = {}) {
  Graph g;
  const int x = g.add_input("x", {Shape::unknown, 1});
  const int y = g.add("pass", FullyConnected(), {x, g.add_constant("w", Tensor<float>({1, 1}, {1}))});
  std::vector<int> in{y, g.add_constant("range", Tensor<float>({3}, range))};
  if (!scale.empty()) in.push_back(g.add_constant("scale", Tensor<float>({1}, scale)));
  if (!lowest.empty()) in.push_back(g.add_constant("lowest", Tensor<float>({1}, lowest)));
  g.outputs = {g.add("round", op, in)};
  return g;
}

/// Gradients with respect to "w" and, if they exist, "scale" and "lowest", for output gradients of 1; and the output.
std::vector<double> gradients(const Model& m, const Tensor<float>& x, Tensor<float>* y = nullptr) {
  GradientOptions o;
  o.threads = 1;
  GradientExecutor executor(m, o);
  executor.plan(x.shape());
  std::copy(x.begin(), x.end(), executor.input().begin());
  const View<const float> out = executor.forward({});
  if (y) *y = Tensor<float>(out);
  std::fill(executor.output_gradient().begin(), executor.output_gradient().end(), 1.0f);
  executor.backward({});
  std::vector<double> all;
  for (const Parameter& p : executor.parameters().list())
    if (p.learned) all.push_back(static_cast<double>(executor.parameters().gradients()[p.offset]));
  return all;
}

}  // namespace

TEST_CASE("qat: gradients pass where x is inside the nudged range") {
  FakeQuantize op;
  op.observes = false;
  const Tensor<float> x = random_tensor({4001, 1}, 1, -2, 2);
  for (int bits : {8, 4}) {
    op.bits = bits;
    const double levels = (1 << bits) - 1, step = 1.7 / levels, zero = std::nearbyint(0.7 / step);
    double passed = 0;
    Tensor<float> expected(x.shape()), found;
    for (std::int64_t i = 0; i < x.size(); ++i) {
      const double v = static_cast<double>(x[i]);
      if (v >= -zero * step && v <= (levels - zero) * step) passed += v;
      expected[i] = static_cast<float>(std::clamp(std::nearbyint(v / step), -zero, levels - zero) * step);
    }
    const std::vector<double> g = gradients(straight_through(op, {-0.7f, 1, 1}), x, &found);
    CHECK(g.at(0) == doctest::Approx(passed).epsilon(1e-5));
    CHECK(largest_difference(found, expected) < step * 1e-3);
    CHECK(largest_difference(Executor(straight_through(op, {-0.7f, 1, 1}))(x), found) == 0);
  }
}

TEST_CASE("qat: learned scales begin with the least squared error") {
  const auto normal = [](std::int64_t n, bool has_negative) {  // a few large numbers, as in trained networks
    Tensor<float> x = random_tensor({n, 1}, 2, -1, 1);
    for (float& v : x) v = (has_negative ? v + 0.2f : std::abs(v)) * v * v;
    return x;
  };
  const auto error = [](const Tensor<float>& x, double scale, double low, double high) {
    double sum = 0;
    for (float f : x) {
      const auto v = static_cast<double>(f);
      const double apart = v - std::clamp(std::nearbyint(v / scale), low, high) * scale;
      sum += apart * apart;
    }
    return sum;
  };
  FakeQuantize op;
  for (int bits : {8, 4})
    for (bool has_negative : {true, false})
      for (bool any_zero_point : {true, false}) {
        op.bits = bits;
        INFO(bits, " bits, negative: ", has_negative, ", zero point: ", any_zero_point);
        const double codes = (1 << bits) - 1;
        const Tensor<float> x = normal(5000, has_negative);
        const std::vector<float> lowest = any_zero_point ? std::vector<float>{0} : std::vector<float>();
        const Model m = observed(straight_through(op, {0, 0, 0}, {1}, lowest), x);
        const double scale = static_cast<double>(element(m, "scale")),
                     begin = any_zero_point ? static_cast<double>(element(m, "lowest"))
                                            : static_cast<double>(element(m, "range"));
        const double low = std::nearbyint(begin / scale);
        CHECK(begin == doctest::Approx(low * scale));
        if (!has_negative) CHECK(low == 0);
        if (has_negative && !any_zero_point) CHECK(low == -(codes + 1) / 2);
        double least = 1e30;
        for (double s = 0.2 / codes; s < 3 / codes; s *= 1.01)
          for (double l = -codes; l <= 0; ++l)
            if (any_zero_point || l == low) least = std::min(least, error(x, s, l, l + codes));
        CHECK(error(x, scale, low, low + codes) <= 1.05 * least);
      }
  QatConfig c;
  c.learned_scales = true;
  c.weight_bits = 4;
  const Model net = varied_net(), qat = prepare_qat(net, c);
  const auto w = value(qat, "conv2.weight").constant.view<float>();
  for (std::int64_t o = 0; o < w.shape()[0]; ++o) {
    Tensor<float> channel({8});
    std::copy_n(w.data() + 8 * o, 8, channel.begin());
    double least = 1e30;
    for (double s = 0.001; s < 1; s *= 1.01) least = std::min(least, error(channel, s, -7, 7));
    const auto scale = static_cast<double>(element(qat, "conv2.weight.scale", o));
    CHECK(error(channel, scale, -7, 7) <= 1.15 * least + 1e-12);
  }
}

TEST_CASE("qat: gradients of learned scales and zero points are those of LSQ and LSQ+") {
  FakeQuantize op;
  op.bits = 4;
  const Tensor<float> x = random_tensor({40001, 1}, 2, -1, 1.5f);
  for (bool moves : {false, true}) {
    const double scale = 0.11, zero = moves ? 4 : 0, low = moves ? -zero : -8, high = low + 15, begin = -0.43;
    const std::vector<float> lowest = moves ? std::vector<float>{static_cast<float>(begin)} : std::vector<float>();
    double by_scale = 0, by_weight = 0, by_lowest = 0;
    for (float f : x) {
      const double v = static_cast<double>(f) / static_cast<double>(0.11f);
      if (v >= low && v <= high) {
        by_scale += std::nearbyint(v) - v;
        by_weight += static_cast<double>(f);
      } else {
        by_scale += moves ? (v > high ? 15 : 0) : v > high ? high : low;
        by_lowest += 1;
      }
    }
    Tensor<float> y;
    const Model m = straight_through(op, {-0.88f, 0.77f, 1}, {static_cast<float>(scale)}, lowest);
    const std::vector<double> g = gradients(m, x, &y);  // each example has one feature
    const double share = 1 / std::sqrt(moves ? 15.0 : 7.0);
    CHECK(g.at(0) == doctest::Approx(by_weight).epsilon(1e-4));
    CHECK(g.at(1) == doctest::Approx(by_scale * share).epsilon(1e-4));
    if (moves) CHECK(g.at(2) == doctest::Approx(by_lowest * share).epsilon(1e-4));
    for (std::int64_t i = 0; i < 100; ++i) {
      const double v = static_cast<double>(x[i]) / static_cast<double>(0.11f);
      CHECK(static_cast<double>(y[i]) ==
            doctest::Approx(std::clamp(std::nearbyint(v), low, high) * scale).epsilon(1e-5));
    }
    CHECK(largest_difference(Executor(m)(x), y) == 0);
  }
}

TEST_CASE("qat: learned zero points are parameters, and can be switched off") {
  QatConfig c;
  c.learned_scales = true;
  const auto learned = [](const Model& m, const std::string& end) {
    GradientOptions o;
    o.threads = 1;
    const GradientExecutor executor(m, o);
    std::int64_t n = 0;
    for (const Parameter& p : executor.parameters().list())
      n += p.learned && p.name.size() > end.size() && p.name.compare(p.name.size() - end.size(), end.size(), end) == 0;
    return n;
  };
  const Model with = prepare_qat(varied_net(), c);
  c.learned_zero_points = false;
  const Model without = prepare_qat(varied_net(), c);
  CHECK(learned(with, ".lowest") > 2);
  CHECK(learned(without, ".lowest") == 0);
  CHECK(learned(without, ".scale") == learned(with, ".scale"));
  // The integer model has the zero point that follows from the learned number.
  Model m = observed(with, random_tensor(images, 3, -1, 1));
  const auto& name = [&] {
    for (const Value& v : m.values)
      if (v.is_constant() && v.name.size() > 7 && v.name.compare(v.name.size() - 7, 7, ".lowest") == 0) return v.name;
    return std::string();
  }();
  const std::string tensor = name.substr(0, name.size() - 7);
  const float scale = element(m, tensor + ".scale");
  m.value(m.find(name)).constant = Tensor<float>({1}, {-10.2f * scale});
  const QuantizationPlan plan = learned_plan(m).plan;
  CHECK(plan.activations.at(tensor).zero_point == -128 + 10);
  m.value(m.find(name)).constant = Tensor<float>({1}, {std::numeric_limits<float>::quiet_NaN()});
  CHECK_THROWS_WITH_AS(convert(m), doctest::Contains("has the learned lowest number nan, expected a finite number"),
                       Error);
}

TEST_CASE("qat: observers compute moving averages, unless they are frozen") {
  FakeQuantize op;
  op.decay = 0.75;
  const Model m = straight_through(op, {0, 0, 0});
  GradientOptions o;
  o.threads = 1;
  GradientExecutor executor(m, o), frozen(m, [&] {
    GradientOptions f = o;
    f.freeze = {"round"};
    return f;
  }());
  double low = 0, high = 0;
  for (int i = 1; i <= 8; ++i) {
    const Tensor<float> x = random_tensor({50, 1}, static_cast<unsigned>(i), -static_cast<float>(i), 2);
    for (GradientExecutor* e : {&executor, &frozen}) {
      e->plan(x.shape());
      std::copy(x.begin(), x.end(), e->input().begin());
      TrainingPass pass;
      pass.observe = i != 5;
      e->forward(pass);
    }
    if (i == 5) continue;
    const auto [least, most] = std::minmax_element(x.begin(), x.end());
    const double share = std::max(0.25, 1.0 / (i - (i > 5)));  // the mean of the first batches
    low += share * (static_cast<double>(*least) - low);
    high += share * (static_cast<double>(*most) - high);
  }
  const Model after = executor.model();
  CHECK(static_cast<double>(element(after, "range", 0)) == doctest::Approx(low));
  CHECK(static_cast<double>(element(after, "range", 1)) == doctest::Approx(high));
  CHECK(element(after, "range", 2) == 7);
  CHECK(element(frozen.model(), "range", 2) == 0);
  CHECK(element(m, "range", 2) == 0);
}

TEST_CASE("qat: rounds the same tensors as quantize<int8>, and converts to the same integers") {
  const Model model = varied_net();
  const Tensor<float> batch = random_tensor(images, 7);
  Int8Options plain;
  plain.equalize = Equalize::never;  // training learns what the weights are
  plain.correct_bias = false;
  std::vector<std::string> keep;
  QatConfig config;
  SUBCASE("all") {}
  SUBCASE("one layer float") { keep = {"conv2"}; }
  SUBCASE("several, by pattern") { keep = {"de*", "right", "joined"}; }
  config.keep_float = plain.keep_float = keep;
  const Model qat = observed(prepare_qat(model, config), batch);
  CalibrationOptions by_range;
  by_range.method = RangeMethod::min_max;
  const Model expected = quantize<int8>(model, calibrate(model, {batch}, by_range), plain), found = convert(qat);
  CHECK(integers(found) == integers(expected));
  check_same_integers(found, expected);
  CHECK(found.metadata == model.metadata);
  // The model with fake quantization gives the same outputs as the integer model, up to the rounding of probabilities.
  CHECK(largest_difference(Executor(qat)(batch), Executor(found)(batch)) < 2.0 / 256);
  CHECK(largest_difference(Executor(found)(batch), Executor(expected)(batch)) < 0.05);
  // The same in training as in inference.
  GradientOptions o;
  o.threads = 1;
  GradientExecutor executor(qat, o);
  executor.plan(images);
  std::copy(batch.begin(), batch.end(), executor.input().begin());
  TrainingPass pass;
  pass.batch_statistics = pass.observe = false;
  Model still = qat;  // without dropout
  const Tensor<float> y = Tensor<float>(executor.forward(pass));
  CHECK(largest_difference(y, Executor(still)(batch)) < 0.1);
}

TEST_CASE("qat: folding gives the rounded weights") {
  for (int bits : {8, 4})
    for (bool learned : {false, true}) {
      QatConfig c;
      c.weight_bits = c.activation_bits = bits;
      c.learned_scales = learned;
      const Model qat = observed(prepare_qat(varied_net(), c), random_tensor(images, 7));
      const Model found = convert(qat);
      const auto conv =
          std::find_if(found.nodes.begin(), found.nodes.end(), [](const Node& n) { return n.name == "conv1"; });
      REQUIRE(conv != found.nodes.end());
      const Value& q = found.value(conv->inputs[1]);
      const AnyTensor bytes = octet::detail::whole_bytes(q.constant);
      CHECK(q.dtype == (bits == 8 ? DType::i8 : DType::i4));
      const auto codes = bytes.view<std::int8_t>();
      const auto exact = value(qat, "conv1.weight").constant.view<float>();
      octet::detail::WeightRounding rounding(octet::detail::kernels(), bits);
      rounding.plan(exact.shape());
      const float* scales = learned ? value(qat, "conv1.weight.scale").constant.view<float>().data() : nullptr;
      for (std::int64_t o = 0; o < 8; ++o) {
        const float scale = rounding.scale(exact.data(), scales, o);
        const float factor = element(qat, "bn1.weight", o) / std::sqrt(element(qat, "bn1.running_var", o) + 1e-5f);
        INFO(bits, " bits, channel ", o);
        CHECK(q.quant.scale[static_cast<std::size_t>(o)] == doctest::Approx(scale * std::abs(factor)).epsilon(1e-5));
        int wrong = 0;
        for (std::int64_t i = o * 18; i < (o + 1) * 18; ++i) {
          const int code = static_cast<int>(std::nearbyint(exact[i] / scale)), most = bits == 8 ? 127 : 7;
          wrong += codes[i] != std::clamp(code, -most, most) * (factor < 0 ? -1 : 1);
        }
        CHECK(wrong == 0);
      }
    }
}

TEST_CASE("qat: activations of 4 bits are the same in integers") {
  QatConfig c;
  c.activation_bits = 4;
  for (bool learned : {false, true}) {
    c.learned_scales = learned;
    // The range is that of one batch; some elements of the other are outside.
    const Model qat = observed(prepare_qat(varied_net(), c), random_tensor(images, 7, -0.4f, 0.4f));
    const Tensor<float> x = random_tensor(images, 8);
    const Model found = convert(qat);
    CHECK(largest_difference(Executor(qat)(x), Executor(found)(x)) < 2.0 / 256);
    // Every activation has one of 16 values, by its layer or by a clamp after it.
    ExecutorOptions plain;
    plain.optimize = false;
    Executor run(found, plain);
    run.observe([](const Value& v, const TensorRef& t) {
      if (t.dtype != DType::u8 || v.name.find(".quantized") == std::string::npos) return;
      std::set<std::byte> seen(t.data, t.data + t.size_bytes());
      INFO(v.name);
      CHECK(seen.size() <= 16);
    });
    run(x);
  }
}

TEST_CASE("qat: layers by name, the first and the last") {
  const auto rounded = [](const QatConfig& c) {
    std::set<std::string> names;
    for (const Node& n : prepare_qat(varied_net(), c).nodes)
      if (as<FakeQuantizeWeights>(*n.op)) names.insert(n.name);
    return names;
  };
  using Names = std::set<std::string>;
  const Names all = rounded({});
  CHECK(all == Names{"conv1", "depthwise", "conv2", "left", "alone", "dense"});
  QatConfig c;
  c.layers = {"conv*", "left"};
  CHECK(rounded(c) == Names{"conv1", "conv2", "left"});
  c.keep_float = {"conv2"};
  CHECK(rounded(c) == Names{"conv1", "left"});
  c = {};
  c.keep_first_float = true;
  CHECK(rounded(c) == Names{"depthwise", "conv2", "left", "alone", "dense"});
  c.keep_last_float = true;
  CHECK(rounded(c) == Names{"depthwise", "conv2", "left", "alone"});
  const Model found = convert(observed(prepare_qat(varied_net(), c), random_tensor(images, 7)));
  for (const Node& n : found.nodes)
    if (n.name == "conv1" || n.name == "dense") CHECK(found.value(n.inputs[1]).dtype == DType::f32);
}

TEST_CASE("qat: the first and the last layer can have more bits") {
  QatConfig c;
  c.weight_bits = c.activation_bits = 4;
  c.first_last_bits = 8;
  for (bool learned : {false, true}) {
    c.learned_scales = learned;
    const Model prepared = prepare_qat(varied_net(), c);
    std::map<std::string, int> weights, activations;
    for (const Node& n : prepared.nodes) {
      if (const auto* w = as<FakeQuantizeWeights>(*n.op)) weights[n.name] = w->bits;
      if (const auto* a = as<FakeQuantize>(*n.op)) activations[n.name] = a->rounds ? a->bits : 0;
      if (const auto* s = as<FakeQuantizeSums>(*n.op)) {
        const bool end = n.name == "relu1.sums" || n.name == "dense.sums";
        INFO(n.name);
        CHECK(s->weight_bits == (end ? 8 : 4));
      }
    }
    CHECK(weights == std::map<std::string, int>{
                         {"conv1", 8}, {"depthwise", 4}, {"conv2", 4}, {"left", 4}, {"alone", 4}, {"dense", 8}});
    CHECK(activations.at("input.quantized") == 8);
    CHECK(activations.at("relu1.quantized") == 4);
    CHECK(activations.at("relu3.quantized") == 4);
    CHECK(activations.at("global.quantized") == 8);
    CHECK(activations.at("dense.quantized") == 8);
    // The integer model computes the same.
    const Model qat = observed(prepared, random_tensor(images, 7, -0.4f, 0.4f)), found = convert(qat);
    const Tensor<float> x = random_tensor(images, 8);
    CHECK(largest_difference(Executor(qat)(x), Executor(found)(x)) < 2.0 / 256);
    for (const Node& n : found.nodes)
      if (n.name == "depthwise" || n.name == "dense")
        CHECK(found.value(n.inputs[1]).dtype == (n.name == "dense" ? DType::i8 : DType::i4));
  }
  c.first_last_bits = 0;
  for (const Node& n : prepare_qat(varied_net(), c).nodes)
    if (const auto* w = as<FakeQuantizeWeights>(*n.op)) CHECK(w->bits == 4);
  c.first_last_bits = 5;
  CHECK_THROWS_WITH_AS(
      prepare_qat(varied_net(), c),
      "model 'varied': expected 8 or 4 bits for the first and last layer, or 0 for those of all layers, "
      "found 5",
      Error);
}

TEST_CASE("qat: an integer model starts from its weights and ranges") {
  const Model model = varied_net();
  const Tensor<float> batch = random_tensor(images, 7);
  const Model ptq = quantize<int8>(model, calibrate(model, {batch}));
  for (bool learned : {false, true}) {
    QatConfig c;
    c.learned_scales = learned;
    const Model qat = prepare_qat(ptq, c);
    for (const Value& v : qat.values) CHECK_FALSE(v.is_quantized());
    const Model again = convert(qat);  // all ranges are known
    CHECK(integers(again) == integers(ptq));
    check_same_integers(again, ptq);
    CHECK(largest_difference(Executor(again)(batch), Executor(ptq)(batch)) <= 1.0 / 256);
    CHECK(largest_difference(Executor(qat)(batch), Executor(ptq)(batch)) < 2.0 / 256);
  }
  for (const Value& v : prepare_qat(quantize<fp16>(model)).values) CHECK(v.dtype == DType::f32);
}

TEST_CASE("qat: layers keep the bits of the integer model that training starts from") {
  const Model model = varied_net();
  const Tensor<float> batch = random_tensor(images, 7);
  Int8Options o;
  o.weight_bits = 4;
  o.keep_8_bits = {"conv1", "left", "alone"};  // alone: is never packed, so its bits would be lost
  const Model ptq = quantize<int8>(model, calibrate(model, {batch}), o);
  QatConfig c;
  c.weight_bits = 0;
  for (bool learned : {true, false}) {
    c.learned_scales = learned;
    check_same_integers(convert(prepare_qat(ptq, c)), ptq);
  }
  check_same_integers(convert(observed(prepare_qat(model, c), batch)), convert(observed(prepare_qat(model), batch)));
  c.weight_bits = 8;
  c.activation_bits = 0;
  CHECK_THROWS_WITH_AS(prepare_qat(model, c),
                       "model 'varied': expected 8 or 4 bits for weights and activations, found 0", Error);
}

TEST_CASE("qat: learned scales of 4 bits begin with the first batch, also where 8 bits were known") {
  const Model model = varied_net();
  const Tensor<float> batch = random_tensor(images, 7), other = random_tensor(images, 8, -3, 3);
  const Model ptq = quantize<int8>(model, calibrate(model, {other}));
  QatConfig c;
  c.learned_scales = true;
  c.activation_bits = 4;
  const Model a = observed(prepare_qat(model, c), batch), b = observed(prepare_qat(ptq, c), batch);
  CHECK(element(a, "input.scale") == element(b, "input.scale"));
  CHECK(element(a, "input.lowest") == element(b, "input.lowest"));
  c.first_last_bits = 8;
  const Model known = prepare_qat(ptq, c);
  CHECK(element(observed(known, batch), "input.scale") == element(known, "input.scale"));
  CHECK(element(known, "input.scale") != element(a, "input.scale"));
}

TEST_CASE("qat: saving and loading keeps ranges") {
  QatConfig c;
  SUBCASE("observed") {}
  SUBCASE("learned") {
    c.learned_scales = true;
    c.weight_bits = 4;
  }
  const TemporaryFolder folder;
  const std::string path = folder / "qat.octet";
  const Tensor<float> batch = random_tensor(images, 7);
  const Model qat = observed(prepare_qat(varied_net(), c), batch);
  save(qat, path);
  const Model loaded = load_octet(path);
  CHECK(largest_difference(Executor(loaded)(batch), Executor(qat)(batch)) == 0);
  CHECK(largest_difference(Executor(convert(loaded))(batch), Executor(convert(qat))(batch)) == 0);
  check_same_integers(convert(loaded), convert(qat));
}

TEST_CASE("qat: errors name the model or layer and the reason") {
  const Model model = varied_net(), qat = prepare_qat(model);
  const auto config = [](auto change) {
    QatConfig c;
    change(c);
    return c;
  };
  CHECK_THROWS_WITH_AS(prepare_qat(qat), doctest::Contains("model 'varied' is already prepared: layer '"), Error);
  CHECK_THROWS_WITH_AS(prepare_qat(model, config([](QatConfig& c) { c.weight_bits = 5; })),
                       "model 'varied': expected 8 or 4 bits for weights and activations, found 5", Error);
  CHECK_THROWS_WITH_AS(prepare_qat(model, config([](QatConfig& c) { c.range_decay = 1; })),
                       "expected range_decay in [0, 1), found 1", Error);
  CHECK_THROWS_WITH_AS(prepare_qat(model, config([](QatConfig& c) { c.layers = {"none*"}; })),
                       "no layer to be quantized matches 'none*'", Error);
  CHECK_THROWS_WITH_AS(prepare_qat(model, config([](QatConfig& c) { c.keep_float = {"none"}; })),
                       "no layer to be kept float matches 'none'", Error);
  CHECK_THROWS_WITH_AS(prepare_qat(model, config([](QatConfig& c) { c.keep_float = {"*"}; })),
                       "model 'varied' has no layer with weights to quantize", Error);
  Graph integers;
  integers.name = "integers";
  integers.add_input("x", {1, 2}, DType::i32);
  integers.outputs = {integers.add("y", Identity(), {0})};
  CHECK_THROWS_WITH_AS(prepare_qat(integers), "model 'integers': expected input 'x' of type float32, found int32",
                       Error);
  CHECK_THROWS_WITH_AS(convert(model), "model 'varied' has no fake quantization; expected a model from prepare_qat",
                       Error);
  CHECK_THROWS_WITH_AS(quantize<fp16>(qat), doctest::Contains("has fake quantization (use convert to quantize it)"),
                       Error);
  CHECK_THROWS_WITH_AS(convert(qat), doctest::Contains("the observer of 'input' has seen no data"), Error);
  Model broken = observed(qat, random_tensor(images, 7));
  Tensor<float> range = floats(value(broken, "relu1.range").constant);
  range[1] = std::numeric_limits<float>::quiet_NaN();
  broken.value(broken.find("relu1.range")).constant = std::move(range);
  CHECK_THROWS_WITH_AS(convert(broken), doctest::Contains("the observer of 'relu1' has the range ["), Error);
  CHECK_THROWS_WITH_AS(Executor{broken}, doctest::Contains("layer 'relu1.quantized' (FakeQuantize)"), Error);
}

TEST_CASE("qat: numbers that are not finite stop training with an error that names the layer") {
  TrainingOptions o;
  o.batch = 6;
  o.threads = 1;
  Tensor<float> x = random_tensor({12, 12, 12, 2}, 1);
  x[5] = std::numeric_limits<float>::infinity();
  Trainer t(prepare_qat(varied_net()), o);
  CHECK_THROWS_WITH_AS(t.fit(TensorExamples(std::move(x), std::vector<std::int64_t>(12, 1)), 1),
                       doctest::Contains("input 'input' has elements that are not finite"), Error);
}
