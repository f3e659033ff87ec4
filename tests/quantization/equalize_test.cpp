#include <octet/io/model_file.hpp>
#include <octet/models/builder.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/calibration_file.hpp>
#include <octet/quantization/error_report.hpp>
#include <octet/quantization/plan_file.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/quantization/rescale.hpp>

#include "support/exported.hpp"
#include "support/files.hpp"
#include "support/messages.hpp"
#include "support/sqnr.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

std::string bytes(const Model& m) {
  const TemporaryFile file("equalized.octet");
  save(m, file.path);
  return contents(file.path);
}

Int8Options options_of(Equalize equalize, bool per_channel = true) {
  Int8Options o;
  o.equalize = equalize;
  o.per_channel = per_channel;
  return o;
}

/// A convolution, a depthwise one, and one of size 1, with ReLU.
Model even_net() {
  detail::NetworkBuilder b("even", 12, 3, 11);
  b.conv("first", 16, 3, 1, 1, 1, true).relu("first_relu");
  b.conv("depthwise", 16, 3, 1, 1, 16, true).relu("depthwise_relu").conv("last", 8, 1, 1, 0);
  return b.finish();
}

/// The same function, with channels that differ by up to 1024.
Model uneven(Model m, const std::vector<std::string>& tensors) {
  detail::ChannelExponents e;
  Random random(5);
  for (const std::string& t : tensors)
    for (int c = 0; c < 16; ++c) e[t].push_back(static_cast<int>(random.between(-5, 5)));
  Model g = optimize(std::move(m));
  detail::rescale(g, e);
  return g;
}

/// A random net with sums, concats, depthwise convolutions, several consumers, all activations, and outputs in the
/// middle.
class RandomNet {
 public:
  explicit RandomNet(std::uint64_t seed) : random_(seed) {
    std::vector<int> values{g_.add_input("x", {Shape::unknown, 8, 8, 4})};
    for (int layer = 0; layer < 12; ++layer) {
      const int x = values[static_cast<std::size_t>(random_.between(std::max<std::int64_t>(0, layer - 3), layer))];
      values.push_back(next("l" + std::to_string(layer), x, values));
    }
    g_.outputs = {convolution("end", values.back(), 4, 1)};
    if (random_.chance(50)) g_.outputs.push_back(values[5]);
  }
  Model take() { return std::move(g_); }

 private:
  int next(const std::string& name, int x, const std::vector<int>& values) {
    switch (random_.between(0, 9)) {
      case 0: return g_.add(name, Unary(UnaryKind::clip, 0, 6), {convolution(name + "c", x, 8, 1)});
      case 1: return g_.add(name, Unary(UnaryKind::leaky_relu, 0.1), {convolution(name + "c", x, 8, 1)});
      case 2: {
        const int slopes = g_.add_constant(name + ".slopes", random_tensor({8}, 3, 0, 0.5f));
        return g_.add(name, PRelu(), {convolution(name + "c", x, 8, 1), slopes});
      }
      case 3:
        return g_.add(name, Unary(UnaryKind::clip, 0, 1e300), {convolution(name + "c", x, channels(x), channels(x))});
      case 4:
        for (int other : values)
          if (other != x && channels(other) == channels(x)) return g_.add(name, Binary(BinaryKind::add), {x, other});
        return convolution(name, x, 8, 1);
      case 5: return g_.add(name, Concat(3), {x, convolution(name + "c", x, 4, 1)});
      case 6: return g_.add(name, Unary(UnaryKind::hard_swish), {convolution(name + "c", x, 8, 1)});
      case 7: {
        const int mean = g_.add(name + "m", Reduce(ReduceKind::mean, {1, 2}, true), {x});
        const int gate = g_.add(name + "s", Unary(UnaryKind::sigmoid), {convolution(name + "g", mean, channels(x), 1)});
        return g_.add(name, Binary(BinaryKind::mul), {x, gate});
      }
      default: return convolution(name, x, 8, 1);
    }
  }
  std::int64_t channels(int v) const { return g_.value(v).shape.back(); }
  int convolution(const std::string& name, int x, std::int64_t out, std::int64_t groups) {
    Convolution op;
    op.groups = groups;
    op.window = groups > 1 ? Window(3, 3, 1, 1) : Window(1, 1);
    const std::int64_t k = groups > 1 ? 3 : 1;
    Tensor<float> w = random_tensor({out, k, k, channels(x) / groups}, static_cast<unsigned>(random_.bits()));
    for (std::int64_t o = 0; o < out; ++o) {
      const float f = std::ldexp(1.0f, static_cast<int>(random_.between(-6, 2)));
      for (std::int64_t i = 0; i < w.size() / out; ++i) w[o * w.size() / out + i] *= f;
    }
    const int bias = g_.add_constant(name + ".b", random_tensor({out}, static_cast<unsigned>(random_.bits())));
    return g_.add(name, op, {x, g_.add_constant(name + ".w", std::move(w)), bias});
  }

  Random random_;
  Graph g_;
};

}  // namespace

TEST_CASE("equalize: uneven channels become as precise as even ones") {
  const Model even = even_net();
  const Model model = uneven(even, {"first_relu", "depthwise_relu"});
  const Tensor<float> x = random_tensor({4, 12, 12, 3}, 1);
  REQUIRE(largest_difference(floats(Executor(even).run({x})[0]), floats(Executor(model).run({x})[0])) == 0);
  for (bool per_channel : {true, false}) {
    CAPTURE(per_channel);
    const auto db = [&](const Model& m, Equalize e) {
      return sqnr_db(m, quantize<int8>(m, calibrate(m, {x}), options_of(e, per_channel)), {x});
    };
    const double twin = db(even, Equalize::where_better), found = db(model, Equalize::where_better);
    CHECK(found > twin - (per_channel ? 1 : 1.5));
    CHECK(db(model, Equalize::never) < twin - 8);
  }
}

TEST_CASE("equalize: even channels stay as they are") {
  const Model m = even_net();
  const Calibration c = calibrate(m, {random_tensor({4, 12, 12, 3}, 1)});
  CHECK(plan_quantization<int8>(m, c).channel_exponents.empty());
  CHECK(plan_quantization<int8>(m, c, options_of(Equalize::never)).channel_exponents.empty());
}

TEST_CASE("equalize: the float model keeps its bits, whatever the layers are") {
  int rescaled = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    const Model m = RandomNet(seed).take();
    const Tensor<float> x = random_tensor({2, 8, 8, 4}, static_cast<unsigned>(seed));
    const Calibration c = calibrate(m, {x});
    for (bool per_channel : {true, false}) {
      const QuantizationPlan plan = plan_quantization<int8>(m, c, options_of(Equalize::always, per_channel));
      Model g = optimize(m);
      const std::vector<AnyTensor> before = run_plain(g, {x});
      detail::rescale(g, plan.channel_exponents);
      const std::vector<AnyTensor> after = run_plain(g, {x});
      for (std::size_t o = 0; o < before.size(); ++o)
        CHECK(largest_difference(floats(before[o]), floats(after[o])) == 0);
      rescaled += !plan.channel_exponents.empty();
      quantize(m, plan);
    }
  }
  CHECK(rescaled > 60);
}

TEST_CASE("equalize: what is predicted to be better mostly is, and never much worse") {
  double sum = 0;
  int changed = 0, better = 0;
  for (std::uint64_t seed = 101; seed <= 130; ++seed) {
    CAPTURE(seed);
    const Model m = RandomNet(seed).take();
    const Tensor<float> x = random_tensor({4, 8, 8, 4}, static_cast<unsigned>(seed));
    const Calibration c = calibrate(m, {x});
    const double with = sqnr_db(m, quantize<int8>(m, c), {x}),
                 without = sqnr_db(m, quantize<int8>(m, c, options_of(Equalize::never)), {x});
    CHECK(with > without - 4);
    better += with > without - 0.1;
    sum += with - without;
    changed += with != without;
  }
  MESSAGE(changed, " models changed, by ", sum / std::max(changed, 1), " dB on average");
  CHECK(sum > 0);
  CHECK(better >= 27);
}

TEST_CASE("equalize: small parts of a concat keep their precision") {
  Graph g;
  const int x = g.add_input("x", {Shape::unknown, 8, 8, 3});
  std::vector<int> parts;
  for (float scale : {1.0f, 100.0f, 0.01f}) {
    const std::string name = "part" + std::to_string(parts.size());
    const int w = g.add_constant(name + ".w", random_tensor({4, 1, 1, 3}, 7, -scale, scale));
    parts.push_back(g.add(name, Convolution(), {x, w}));
  }
  const int joined = g.add("joined", Concat(3), parts);
  Convolution each;  // of each part by itself
  each.groups = 3;
  g.outputs = {g.add("last", each, {joined, g.add_constant("last.w", random_tensor({12, 1, 1, 4}, 9))})};
  const Tensor<float> images = random_tensor({4, 8, 8, 3}, 1);
  const Calibration c = calibrate(g, {images});
  const auto part_db = [&](Equalize e) {  // of the smallest part
    const Tensor<float> a = floats(Executor(g).run({images})[0]),
                        b = floats(Executor(quantize<int8>(g, c, options_of(e))).run({images})[0]);
    double signal = 0, noise = 0;
    for (std::int64_t i = 0; i < a.size(); ++i) {
      if (i % 12 < 8) continue;
      signal += std::pow(static_cast<double>(a[i]), 2);
      noise += std::pow(static_cast<double>(a[i] - b[i]), 2);
    }
    return 10 * std::log10(signal / noise);
  };
  CHECK(part_db(Equalize::where_better) > 30);
  CHECK(part_db(Equalize::never) < 10);
}

TEST_CASE("equalize: channels that are always zero do not set the scales of weights") {
  // Four of the 16 channels have a bias that the images do not reach, and large weights in the layer that reads them.
  const auto net = [](float columns, bool limit) {
    Graph g;
    const int x = g.add_input("x", {Shape::unknown, 8, 8, 3});
    Tensor<float> bias = random_tensor({16}, 3), w = random_tensor({8, 1, 1, 16}, 4);
    for (std::int64_t c = 0; c < 16; c += 4) {
      bias[c] = -9;
      for (std::int64_t o = 0; o < 8; ++o) w[o * 16 + c] *= columns;
    }
    const int first = g.add("first", Convolution(),
                            {x, g.add_constant("first.w", random_tensor({16, 1, 1, 3}, 2)), g.add_constant("b", bias)});
    const int relu =
        g.add("relu", Unary(UnaryKind::clip, 0, limit ? 6 : std::numeric_limits<double>::infinity()), {first});
    g.outputs = {g.add("last", Convolution(), {relu, g.add_constant("last.w", w)})};
    return Model(g);
  };
  const Tensor<float> x = random_tensor({4, 8, 8, 3}, 1);
  for (bool per_channel : {true, false}) {
    CAPTURE(per_channel);
    const auto db = [&](const Model& m, Equalize e) {
      return sqnr_db(m, quantize<int8>(m, calibrate(m, {x}), options_of(e, per_channel)), {x});
    };
    const Model m = net(200, false);
    const double twin = db(net(1, false), Equalize::never);
    CHECK(db(m, Equalize::never) < twin - 15);
    CHECK(db(m, Equalize::where_better) > (per_channel ? twin - 1 : db(m, Equalize::never) + 10));
    const QuantizationPlan plan =
        plan_quantization<int8>(m, calibrate(m, {x}), options_of(Equalize::where_better, per_channel));
    const std::vector<int>& e = plan.channel_exponents.at("relu");
    for (std::size_t c = 0; c < 16; ++c) CHECK((e[c] > 0) == (c % 4 == 0));
    // The float model keeps its bits on images that reach the channels.
    Tensor<float> bright = x;
    for (float& v : bright) v *= 20;
    Model g = optimize(m);
    const Tensor<float> before = floats(run_plain(g, {bright})[0]);
    detail::rescale(g, plan.channel_exponents);
    CHECK(largest_difference(before, floats(run_plain(g, {bright})[0])) == 0);
    CHECK(largest_difference(before, floats(run_plain(optimize(net(0, false)), {bright})[0])) > 0);
  }
  // With ReLU6, a larger factor would change what the channels are limited to.
  const Model limited = net(200, true);
  const auto exponents = plan_quantization<int8>(limited, calibrate(limited, {x})).channel_exponents;
  for (const auto& [tensor, all] : exponents)
    for (std::size_t c = 0; c < 16; c += 4) CHECK(all[c] <= 0);
}

TEST_CASE("equalize: a trial on images takes the better form, and says so") {
  int rejected = 0;
  for (std::uint64_t seed = 101; seed <= 150; ++seed) {
    CAPTURE(seed);
    const Model m = RandomNet(seed).take();
    if (m.outputs.size() != 1) continue;
    const Tensor<float> x = random_tensor({4, 8, 8, 4}, static_cast<unsigned>(seed));
    const Calibration c = calibrate(m, {x});
    std::vector<std::string> notes;
    Int8Options o;
    o.trial = {x};
    o.notes = &notes;
    const double found = sqnr_db(m, quantize<int8>(m, c, o), {x}), with = sqnr_db(m, quantize<int8>(m, c), {x}),
                 without = sqnr_db(m, quantize<int8>(m, c, options_of(Equalize::never)), {x});
    CHECK(found >= std::max(with, without) - 1e-6);
    const auto of_equalization = std::count_if(notes.begin(), notes.end(), [](const std::string& n) {
      return n.find("equalized") != std::string::npos;  // others name layers that collapse
    });
    CHECK(of_equalization == (with != without));
    rejected += with < without;
  }
  CHECK(rejected > 0);
}

TEST_CASE("equalize: the plan says what was done, and calibrations and plans can be saved") {
  const Model m = uneven(even_net(), {"first_relu", "depthwise_relu"});
  const Tensor<float> x = random_tensor({4, 12, 12, 3}, 1);
  const Calibration c = calibrate(m, {x});
  const QuantizationPlan plan = plan_quantization<int8>(m, c);
  REQUIRE(plan.channel_exponents.size() == 2);
  const TemporaryFile plan_file("equalized_plan.json"), calibration_file("equalized_calibration.json");
  save(plan, plan_file.path);
  CHECK(load_plan(plan_file.path) == plan);
  save(c, calibration_file.path);
  CHECK(plan_quantization<int8>(m, load_calibration(calibration_file.path)) == plan);
  CHECK(bytes(quantize(m, plan)) == bytes(quantize<int8>(m, c)));
  // reports compare equalized tensors by their own numbers
  for (const LayerError& e : error_report(m, quantize(m, plan), {x})) {
    CAPTURE(e.name);
    CHECK(e.sqnr_db > 25);
  }
}

TEST_CASE("equalize: ranges before residuals are scaled, too, so that other formats have the same numbers") {
  Graph g;
  g.name = "residual";
  const int x = g.add_input("x", {Shape::unknown, 8, 8, 3});
  const auto convolution = [&](const std::string& name, std::vector<int> in, int out, std::int64_t size,
                               unsigned seed) {
    Convolution c;
    c.window.kernel = {size, size};
    c.window.pads_before = c.window.pads_after = {size / 2, size / 2};
    in.insert(in.begin() + 1,
              {g.add_constant(name + ".w", random_tensor({out, size, size, g.value(in[0]).shape[3]}, seed, -0.5, 0.5)),
               g.add_constant(name + ".b", random_tensor({out}, seed + 1))});
    return g.add(name, c, in);
  };
  int y = convolution("first", {x}, 16, 3, 1);
  y = convolution("second", {y, y}, 16, 3, 3);
  g.outputs = {convolution("last", {y}, 4, 1, 5)};
  detail::ChannelExponents uneven_channels;
  for (int k = 0; k < 16; ++k) uneven_channels["first"].push_back(k % 11 - 5);
  uneven_channels["second"] = uneven_channels["first"];  // the sum joins them
  Model m = optimize(g);
  detail::rescale(m, uneven_channels);
  const Tensor<float> images = random_tensor({4, 8, 8, 3}, 7);
  const Calibration c = calibrate(m, {images});
  const QuantizationPlan plan = plan_quantization<int8>(m, c, options_of(Equalize::always));
  REQUIRE(plan.channel_exponents.count("second") == 1);
  REQUIRE(plan.activations.count("second.unsummed") == 1);
  const Model small = quantize(m, plan);
  const double before = sqnr_db(m, small, {images});
  CHECK(before > 25);
  for (const Format f : {Format::onnx, Format::tflite}) CHECK(sqnr_db(m, through(small, f), {images}) > before - 3);
}

TEST_CASE("equalize: exponents that would change the model are refused") {
  const Model m = even_net();
  QuantizationPlan plan = plan_quantization<int8>(m, calibrate(m, {random_tensor({1, 12, 12, 3}, 1)}));
  const auto error = [&](const std::string& tensor, std::vector<int> exponents) {
    QuantizationPlan p = plan;
    p.channel_exponents[tensor] = std::move(exponents);
    return message([&] { quantize(m, p); });
  };
  CHECK(error("first_relu", std::vector<int>(16, 1)).empty());
  CHECK(has(error("first_relu", {1, 2}), {"first_relu", "2", "16"}));
  CHECK(has(error("first_relu", std::vector<int>(16, 31)), {"first_relu", "31"}));
  CHECK(has(error("input", {1, 1, 1}), {"input", "allows only 0"}));
  CHECK(has(error("nowhere", {1}), {"nowhere"}));
}
