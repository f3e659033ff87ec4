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

TEST_CASE("diagnosis: every cause has a name") {
  for (int i = 0; i <= static_cast<int>(Cause::small_difference); ++i)
    CHECK(std::string(name(static_cast<Cause>(i))) != "unknown");
}
