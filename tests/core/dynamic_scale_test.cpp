#include <doctest/doctest.h>

#include <initializer_list>
#include <octet/core/dynamic_scale.hpp>

// Scales of activations that are quantized at run time. (dynamic_codes.hpp has references for their codes.)

using namespace octet;
using namespace octet::detail;

namespace {

using Rule = DynamicScale (*)(Range) noexcept;
constexpr Rule rules[] = {dynamic_scale, xnnpack_dynamic_scale, tflite_dynamic_scale};
constexpr float inf = std::numeric_limits<float>::infinity(), not_a_number = std::numeric_limits<float>::quiet_NaN();

}  // namespace

TEST_CASE("dynamic scale: the range with 0 has 255 steps, and 0 is a code") {
  for (const Rule rule : rules) {
    const DynamicScale s = rule({-1, 4}), positive = rule({3, 51}), negative = rule({-51, -3});
    CHECK(s.scale == doctest::Approx(5.0 / 255));
    CHECK(s.zero_point == 51);
    CHECK(positive.scale == doctest::Approx(0.2));
    CHECK(positive.zero_point == 0);
    CHECK(negative.scale == doctest::Approx(0.2));
    CHECK(negative.zero_point == 255);
  }
  CHECK(dynamic_scale({-1, 4}).inverse == 0);
  CHECK(xnnpack_dynamic_scale({-1, 4}).inverse == 51);
  CHECK_FALSE(xnnpack_dynamic_scale({-1, 4}).tflite);
  CHECK(tflite_dynamic_scale({-1, 4}).tflite);
}

TEST_CASE("dynamic scale: zeros have any scale, and what is not finite gives NaN") {
  for (const Rule rule : rules) {
    for (const float tiny : {0.0f, std::numeric_limits<float>::denorm_min()}) {
      const DynamicScale s = rule({0, tiny});
      CHECK(std::isfinite(s.scale));
      CHECK(s.scale > 0);
      CHECK(std::isfinite(s.inverse));
    }
    for (const Range r :
         {Range{not_a_number, not_a_number}, Range{0, not_a_number}, Range{-inf, 1}, Range{0, inf}, Range{inf, -inf}}) {
      CAPTURE(r.low);
      CAPTURE(r.high);
      CHECK(std::isnan(rule(r).scale));
    }
  }
  constexpr float most = std::numeric_limits<float>::max();
  CHECK(std::isnan(dynamic_scale({-most, most}).scale));  // whose width is not a float
  CHECK(std::isnan(xnnpack_dynamic_scale({-most, most}).scale));
  CHECK(tflite_dynamic_scale({-most, most}).scale == doctest::Approx(2 * static_cast<double>(most) / 255));
}
