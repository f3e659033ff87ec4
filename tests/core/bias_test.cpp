#include <doctest/doctest.h>

#include <octet/core/bias.hpp>

using namespace octet;
using namespace octet::detail;

TEST_CASE("bias: codes are multiples of input scale times weight scale, half to even") {
  CHECK(bias_unit(0.5, 0.25f) == 0.125);
  CHECK(bias_code(1.0f, 0.125) == 8);
  CHECK(bias_code(0.1875f, 0.125) == 2);  // 1.5
  CHECK(bias_code(0.3125f, 0.125) == 2);  // 2.5
  CHECK(bias_code(-0.3125f, 0.125) == -2);
  CHECK(bias_code(1e30f, 0.125) == std::numeric_limits<std::int32_t>::max());
  CHECK(bias_code(-1e30f, 0.125) == std::numeric_limits<std::int32_t>::min());
}

TEST_CASE("bias: each channel has the unit of its weights") {
  const Tensor<float> bias({3}, {1, 1, -3});
  const QuantParams each{{0.5f, 0.25f, 0.5f}, {0, 0, 0}, 0};
  const Tensor<std::int32_t> q = bias_codes(bias, 0.5f, each);
  CHECK((q[0] == 4 && q[1] == 8 && q[2] == -12));
  const Tensor<std::int32_t> one = bias_codes(bias, 0.5f, QuantParams(0.25f, 0));
  CHECK((one[0] == 8 && one[1] == 8 && one[2] == -24));
}

TEST_CASE("bias: the code of the largest weight") {
  CHECK(largest_code(127 * 0.5f, 0.5f) == 127);
  CHECK(largest_code(0, 0.5f) == 0);
}
