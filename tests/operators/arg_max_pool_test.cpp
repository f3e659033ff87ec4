#include <octet/operators/all.hpp>

#include "support/layer.hpp"
#include "support/messages.hpp"
#include "support/tflite_builder.hpp"

using namespace testing;

namespace {

std::vector<std::uint8_t> pool_params(std::vector<std::int32_t> numbers) {
  std::vector<std::uint8_t> bytes(4 * numbers.size());
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

/// The window at each pixel of a 2 x 2 pool with stride 2, by hand.
void check_pool(const Tensor<float>& x, const Tensor<float>& y, const Tensor<float>& places) {
  const Shape s = x.shape();
  for (std::int64_t r = 0; r < (s[1] + 1) / 2; ++r)
    for (std::int64_t c = 0; c < (s[2] + 1) / 2; ++c)
      for (std::int64_t k = 0; k < s[3]; ++k) {
        float largest = -1e30f, place = 0;
        for (std::int64_t i = 0; i < 2; ++i)
          for (std::int64_t j = 0; j < 2; ++j) {
            if (2 * r + i >= s[1] || 2 * c + j >= s[2]) continue;
            const float v = x[((2 * r + i) * s[2] + 2 * c + j) * s[3] + k];
            if (v > largest) largest = v, place = static_cast<float>(2 * i + j) + 0.1f;
          }
        const std::int64_t at = (r * ((s[2] + 1) / 2) + c) * s[3] + k;
        CHECK(y[at] == largest);
        CHECK(places[at] == place);
      }
}

}  // namespace

TEST_CASE("arg max pool: from TFLite, and back by max unpool") {
  for (const std::int64_t size : {6, 5}) {
    const Tensor<float> x = random_tensor({1, size, size, 3}, 1);
    tflite::ModelBuilder b;
    const int in = b.tensor("x", x.shape()), y = b.tensor("y", {}), places = b.tensor("places", {});
    const int back = b.tensor("back", {});
    b.op("MaxPoolingWithArgmax2D", {in}, {y, places}, {}, pool_params({1, 2, 2, 2, 2, 0}));
    b.op("MaxUnpooling2D", {y, places}, {back}, {}, pool_params({1, 2, 2, 2, 2, 0}));
    const Model m = tflite::parse(b.finish({in}, {y, places, back}));
    const std::vector<AnyTensor> found = tflite::outputs(m, {AnyTensor(x)});
    const Tensor<float> pooled = floats(found[0]), indices = floats(found[1]), grown = floats(found[2]);
    REQUIRE(pooled.shape() == Shape{1, 3, 3, 3});
    check_pool(x, pooled, indices);
    REQUIRE(grown.shape() == Shape{1, 6, 6, 3});
    double sum = 0, all = 0;
    for (float v : pooled) sum += static_cast<double>(v);
    std::int64_t kept = 0;
    for (std::int64_t i = 0; i < grown.size(); ++i) {
      all += static_cast<double>(grown[i]);
      kept += grown[i] != 0;
      const std::int64_t r = i / 18, c = i / 3 % 6, k = i % 3;
      if (grown[i] != 0) CHECK(grown[i] == x[(r * size + c) * 3 + k]);
    }
    CHECK(kept == pooled.size());
    CHECK(all == doctest::Approx(sum));
  }
}

TEST_CASE("arg max pool: padding, overlapping windows, equal elements and NaN") {
  ArgMaxPool op;
  op.window = Window(3, 3, 1);
  op.window.padding = Window::Padding::same_upper;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor<float> x({1, 2, 2, 1}, std::vector<float>{1, 1, nan, 0});
  const std::vector<AnyTensor> y = run_layer(op, {x});
  // The window of the first pixel begins one row and column outside: its center is place 4.
  CHECK(floats(y[1])[0] == doctest::Approx(4.1));
  CHECK(floats(y[1])[1] == doctest::Approx(3.1));
  CHECK(floats(y[1])[2] == doctest::Approx(1.1));
  for (float v : floats(y[0])) CHECK(v == 1);
  run_layer(op, {random_tensor({2, 7, 5, 4}, 2)});
}

TEST_CASE("max unpool: places outside the image are ignored") {
  MaxUnpool op;
  op.window = Window(2, 2, 2);
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const Tensor<float> x({1, 1, 4, 2}, std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8});
  const Tensor<float> places({1, 1, 4, 2}, std::vector<float>{nan, inf, -inf, 1e30f, -1, -5, 400, 3.1f});
  const Tensor<float> y = run_float(op, {x, places});
  REQUIRE(y.shape() == Shape{1, 2, 8, 2});
  for (std::int64_t i = 0; i < y.size(); ++i) CHECK(y[i] == (i == (8 + 7) * 2 + 1 ? 8.0f : 0.0f));
  run_layer(op, {random_tensor({3, 4, 5, 6}, 2), random_tensor({3, 4, 5, 6}, 3, 0, 3.9f)});
}

TEST_CASE("arg max pool: options that are damaged or not supported") {
  const auto error = [](const char* type, const std::vector<std::uint8_t>& options) -> std::string {
    tflite::ModelBuilder b;
    const int in = b.tensor("x", {1, 4, 4, 3}), y = b.tensor("y", {}), places = b.tensor("places", {});
    const bool pool = std::string(type) == "MaxPoolingWithArgmax2D";
    b.op(type, pool ? std::vector<std::int32_t>{in} : std::vector<std::int32_t>{in, in},
         pool ? std::vector<std::int32_t>{y, places} : std::vector<std::int32_t>{y}, {}, options);
    return message([&] { tflite::parse(b.finish({in}, {y})); });
  };
  for (const char* type : {"MaxPoolingWithArgmax2D", "MaxUnpooling2D"}) {
    CHECK(error(type, pool_params({1, 2, 2, 2, 2, 0})) == "");
    CHECK(error(type, {}).find("expected options of at least 24 bytes, found 0") != std::string::npos);
    CHECK(error(type, pool_params({0, 2, 2, 2, 2, 0})).find("padding 0 is not supported") != std::string::npos);
    for (const std::int32_t bad : {0, -1, 1 << 30, std::numeric_limits<std::int32_t>::min()}) {
      CHECK(error(type, pool_params({1, bad, 2, 2, 2, 0})).find("expected 1 to 65535") != std::string::npos);
      CHECK(error(type, pool_params({1, 2, 2, 2, bad, 0})).find("expected 1 to 65535") != std::string::npos);
    }
  }
  CHECK(error("MaxPoolingWithArgmax2D", pool_params({2, 2, 2, 9, 9, 0})) != "");
}
