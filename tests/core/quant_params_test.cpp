#include <doctest/doctest.h>

#include <limits>
#include <octet/core/quant_params.hpp>

#include "support/messages.hpp"

using namespace octet;

namespace {
using Zeros = std::vector<std::int32_t>;
std::string refusal(const QuantParams& p, const Shape& shape, DType dtype = DType::i8) {
  return testing::message([&] { validate(p, shape, dtype); });
}
}  // namespace

TEST_CASE("quantization parameters: valid ones are accepted") {
  CHECK(refusal({0.5f, 3}, {2, 3}) == "");
  CHECK(refusal({0.5f, -128}, {}) == "");
  CHECK(refusal({0.5f, 255}, {4}, DType::u8) == "");
  CHECK(refusal({{1, 2, 3}, {0, 0, 0}, 1}, {2, 3}) == "");
  CHECK(refusal({std::numeric_limits<float>::denorm_min(), 0}, {2}) == "");
  CHECK(refusal({{}, Zeros{}, 0}, {0}) != "");
}

TEST_CASE("quantization parameters: errors say what is invalid") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  CHECK(refusal({}, {2}) == "expected one zero point for each of 0 scales, found 0");
  CHECK(refusal({{1, 2}, Zeros{0}, 0}, {2}) == "expected one zero point for each of 2 scales, found 1");
  CHECK(refusal({{1, 2}, {0, 0}, 2}, {2, 2}) == "quantization axis 2 is outside shape [2, 2]");
  CHECK(refusal({{1, 2}, {0, 0}, 0}, {3, 2}) ==
        "quantization has 2 scales for 3 channels along axis 0 of shape [3, 2]");
  CHECK(refusal({{1, 2}, {0, 0}, -1}, {2}) == "quantization has 2 scales but no axis");
  CHECK(refusal({{1, 0}, {0, 0}, 0}, {2}) == "scale 0 of channel 1, expected a positive finite number");
  CHECK(refusal({-1.0f, 0}, {2}) != "");
  CHECK(refusal({nan, 0}, {2}) != "");
  CHECK(refusal({inf, 0}, {2}) != "");
  CHECK(refusal({1.0f, 128}, {2}) == "zero point 128 of channel 0 is outside the range of int8");
  CHECK(refusal({1.0f, -1}, {2}, DType::u8) != "");
  CHECK(refusal({1.0f, 0}, {2}, DType::f32) == "type float32 has no quantized range");
  CHECK(refusal({1.0f, 0}, {2}, DType::boolean) != "");
  CHECK(refusal({1.0f, 0}, {2}, DType::none) != "");
}

TEST_CASE("quantization parameters: comparison and iteration over channels") {
  const QuantParams a(0.5f, 1), b({0.5f, 1.0f}, {1, 1}, 0);
  CHECK(a == QuantParams(0.5f, 1));
  CHECK(a != QuantParams(0.5f, 2));
  CHECK(a != b);
  CHECK(b.per_channel());
  CHECK_FALSE(QuantParams());
  const ChannelWalk w({2, 3, 4, 5}, 1), whole({2, 3}, -1), last({2, 3}, 1);
  CHECK(w.outer == 2);
  CHECK(w.channels == 3);
  CHECK(w.inner == 20);
  CHECK(whole.channels == 1);
  CHECK(whole.inner == 6);
  CHECK(last.outer == 2);
  CHECK(last.inner == 1);
}

TEST_CASE("integer ranges") {
  CHECK(integer_range(DType::i8).low == -128);
  CHECK(integer_range(DType::u8).high == 255);
  CHECK(integer_range(DType::i4).low == -8);
  CHECK(integer_range(DType::u2).high == 3);
  CHECK(integer_range(DType::i32).low == std::numeric_limits<std::int32_t>::min());
  CHECK(integer_range(DType::u32).high == std::numeric_limits<std::uint32_t>::max());
  CHECK_THROWS_AS(integer_range(DType::i64), Error);
}
