#include <octet/comparison/diagnosis.hpp>
#include <octet/models/builder.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/quantize_model.hpp>

#include <octet/kernels/half.hpp>

#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

/// Two convolutions with ReLU; row `row` of the first one's weights is multiplied by `factor`.
Model net(std::int64_t row = 0, float factor = 1) {
  detail::NetworkBuilder b("net", 8, 3, 3);
  b.conv("first", 8, 3, 1, 1)
      .relu("first_relu")
      .conv("second", 8, 3, 1, 1)
      .relu("second_relu")
      .conv("last", 4, 1, 1, 0);
  Model m = b.finish();
  Tensor<float> w = detail::to_float(m.value(m.find("first.weight")).constant.ref());
  for (std::int64_t i = 0; i < w.size() / 8; ++i) w[row * w.size() / 8 + i] *= factor;
  m.value(m.find("first.weight")).constant = std::move(w);
  return m;
}

Int8Options plain(bool per_channel = true) {
  Int8Options o;
  o.equalize = Equalize::never;
  o.per_channel = per_channel;
  return o;
}

const Diagnosis* of_layer(const std::vector<Diagnosis>& found, const std::string& layer) {
  for (const Diagnosis& d : found)
    if (d.layer == layer) return &d;
  return nullptr;
}

}  // namespace

TEST_CASE("diagnosis: a model that is fine has nothing to say") {
  const Model m = net();
  const Tensor<float> x = random_tensor({4, 8, 8, 3}, 1);
  const Calibration c = calibrate(m, {x});
  CHECK(diagnose(m, quantize<int8>(m, c), c, {x}).empty());
  CHECK(collapsed_layers(m, quantize<int8>(m, c), c, {x}).empty());
}

TEST_CASE("diagnosis: an outlier channel is named, with its numbers") {
  const Model m = net(5, 3000);
  const Tensor<float> x = random_tensor({32, 8, 8, 3}, 1);
  const Calibration c = calibrate(m, {x});
  DiagnosisOptions options;
  options.below_db = 60;
  options.least_loss_db = 0;
  const std::vector<Diagnosis> found = diagnose(m, quantize<int8>(m, c, plain()), c, {x}, options);
  REQUIRE(!found.empty());
  const Diagnosis* d = of_layer(found, "first");
  REQUIRE(d);
  CHECK(d->cause == Cause::outlier_channel);
  CHECK(d->numbers.find("channel 5") != std::string::npos);
  CHECK(!d->cure.empty());
}

TEST_CASE("diagnosis: images that are not like those of the calibration") {
  const Model m = net();
  const Tensor<float> x = random_tensor({4, 8, 8, 3}, 1), pixels = random_tensor({4, 8, 8, 3}, 1, 0, 255);
  const Calibration c = calibrate(m, {x});
  const std::vector<Diagnosis> found = diagnose(m, quantize<int8>(m, c), c, {pixels});
  REQUIRE(!found.empty());
  CHECK(found[0].cause == Cause::unlike_input);
  CHECK(found[0].numbers.find("input 'input'") != std::string::npos);
  const std::vector<Diagnosis> collapsed = collapsed_layers(m, quantize<int8>(m, c), c, {pixels});
  REQUIRE(!collapsed.empty());
  CHECK(collapsed[0].output_db < 10);
}

TEST_CASE("diagnosis: one scale for uneven rows of weights") {
  const Model m = net(2, 60);
  Model even = m;
  const Tensor<float> x = random_tensor({32, 8, 8, 3}, 1);
  const Calibration c = calibrate(m, {x});
  DiagnosisOptions options;
  options.below_db = 60;
  options.least_loss_db = 0;
  const std::vector<Diagnosis> found = diagnose(m, quantize<int8>(m, c, plain(false)), c, {x}, options);
  const Diagnosis* d = of_layer(found, "first");
  REQUIRE(d);
  CHECK((d->cause == Cause::uneven_weights || d->cause == Cause::outlier_channel));
}

TEST_CASE("diagnosis: colors in another order than those of the calibration") {
  const Model m = net();
  Tensor<float> rgb = random_tensor({4, 8, 8, 3}, 1, 0, 1);
  for (std::int64_t i = 0; i < rgb.size(); ++i) rgb[i] *= static_cast<float>(3 - i % 3);
  Tensor<float> bgr = rgb;
  for (std::int64_t i = 0; i < bgr.size(); i += 3) std::swap(bgr[i], bgr[i + 2]);
  const Calibration c = calibrate(m, {rgb});
  const Model small = quantize<int8>(m, c);
  CHECK(diagnose(m, small, c, {rgb}).empty());
  const std::vector<Diagnosis> found = diagnose(m, small, c, {bgr});
  const Diagnosis* d = of_layer(found, "first");
  REQUIRE(d);
  CHECK(d->cause == Cause::unlike_input);
  CHECK(d->numbers.find("have the means") != std::string::npos);
  CHECK(collapsed_layers(m, small, c, {bgr}).empty());
}

TEST_CASE("diagnosis: images beyond the calibrated range; with few images these are the cause") {
  const Model m = net();
  const Tensor<float> bright = random_tensor({20, 8, 8, 3}, 1, 0, 1);
  Tensor<float> dark = bright;
  for (float& x : dark) x *= 0.7f;
  const std::vector<Tensor<float>> one{Tensor<float>({1, 8, 8, 3}, {dark.begin(), dark.begin() + 8 * 8 * 3})};
  for (const bool few : {false, true}) {
    CAPTURE(few);
    const Calibration c = calibrate(m, few ? one : std::vector<Tensor<float>>{dark});
    const std::vector<Diagnosis> found = diagnose(m, quantize<int8>(m, c), c, {bright});
    const Diagnosis* d = of_layer(found, "first");
    REQUIRE(d);
    CHECK(d->cause == (few ? Cause::few_images : Cause::saturation));
    CHECK(d->numbers.find("of the numbers of 'input'") != std::string::npos);
    CHECK((d->numbers.find("1 image in the calibration") != std::string::npos) == few);
  }
}

TEST_CASE("diagnosis: a layer whose scale others determine: a join, and a gate") {
  for (const bool gate : {false, true}) {
    CAPTURE(gate);
    detail::NetworkBuilder b("net", 8, 3, 3);
    const int image = b.current();
    b.conv("a", 8, 1, 1, 0);
    const int a = b.current();
    b.set_current(image);
    b.conv("b", 8, 1, 1, 0, 1, true);
    const int other = b.current();
    b.conv("last", 4, 1, 1, 0);
    Model m = b.finish();
    const auto scaled = [&](const char* tensor, float factor, float shift) {
      Tensor<float> t = detail::to_float(m.value(m.find(tensor)).constant.ref());
      for (float& x : t) x = x * factor + shift;
      m.value(m.find(tensor)).constant = std::move(t);
    };
    m.nodes.pop_back();
    if (gate) {  // as sigmoid(b) is small, few of its codes are used
      scaled("b.bias", 0, -6);
      scaled("b.weight", 0.1f, 0);
      const int s =
          m.add("gate", Unary(UnaryKind::sigmoid), {m.add("mean", Reduce(ReduceKind::mean, {1, 2}, true), {other})});
      m.outputs = {m.add("out", Unary(UnaryKind::abs), {m.add("scaled", Binary(BinaryKind::mul), {a, s})})};
    } else {
      scaled("a.weight", 0.005f, 0);
      m.outputs = {m.add("out", Unary(UnaryKind::abs), {m.add("join", Concat(3), {a, other})})};
    }
    const Tensor<float> x = random_tensor({20, 8, 8, 3}, 1);
    const Calibration c = calibrate(m, {x});
    const std::vector<Diagnosis> found = diagnose(m, quantize<int8>(m, c, plain()), c, {x});
    const Diagnosis* d = of_layer(found, gate ? "gate" : "a");
    REQUIRE(d);
    CHECK(d->cause == (gate ? Cause::gate : Cause::unlike_parts));
  }
}

TEST_CASE("diagnosis: every cause has a name") {
  for (int i = 0; i <= static_cast<int>(Cause::small_difference); ++i)
    CHECK(std::string(name(static_cast<Cause>(i))) != "unknown");
}
