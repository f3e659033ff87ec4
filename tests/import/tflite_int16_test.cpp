#include <octet/operators/all.hpp>

#include "support/messages.hpp"
#include "support/random.hpp"
#include "support/tflite_builder.hpp"
#include "testing.hpp"

// TFLite's 16x8 form: 16-bit activations, 8-bit weights.

using namespace testing;
using namespace testing::tflite;
using octet::QuantParams;
using octet::Shape;
using octet::Tensor;

namespace {

Tensor<std::int16_t> random_int16(const Shape& shape, std::uint64_t seed) {
  Tensor<std::int16_t> t(shape);
  Random(seed).fill(t.data(), t.size(), -32768, 32767);
  return t;
}

/// One pointwise convolution of 4 channels to 3.
struct Pointwise {
  Tensor<std::int8_t> w{{3, 1, 1, 4}, {127, -127, 5, 3, 1, 2, 3, 4, -100, 50, 25, 12}};
  QuantParams x{0.001f, 0}, y{0.05f, 0}, weights{{0.01f, 0.02f, 0.03f}, {0, 0, 0}, 0};
  AnyTensor bias = Tensor<std::int64_t>({3}, {1000, -2000000000000, 3});
  std::string type = "CONV_2D";

  std::vector<std::uint8_t> file() const {
    ModelBuilder b;
    const int in = b.tensor("x", {1, 2, 2, 4}, DType::i16, x), out = b.tensor("y", {1, 2, 2, 3}, DType::i16, y);
    b.op(type, {in, b.constant("w", w, weights), b.constant("b", bias)}, {out}, convolution_options(valid, 1));
    return b.finish({in}, {out});
  }
  std::string error() const {
    return message([&] { octet::Executor(parse(file())).run({random_int16({1, 2, 2, 4}, 1)}); });
  }
};

}  // namespace

TEST_CASE("tflite int16: a convolution gives the numbers of TFLite's arithmetic") {
  const Pointwise p;
  const Tensor<std::int16_t> x = random_int16({1, 2, 2, 4}, 1);
  octet::LoadOptions options;
  options.rounding = octet::Rounding::litert;
  const AnyTensor y = outputs(parse(p.file(), options), {x})[0];
  REQUIRE(y.dtype() == DType::i16);
  for (std::int64_t i = 0; i < y.size(); ++i) {
    const std::int64_t o = i % 3, pixel = i / 3;
    std::int64_t sum = p.bias.view<std::int64_t>()[o];
    for (std::int64_t c = 0; c < 4; ++c) sum += std::int64_t{x[pixel * 4 + c]} * p.w[o * 4 + c];
    int shift = 0;
    const double real = static_cast<double>(p.x.scale[0]) *
                        static_cast<double>(p.weights.scale[static_cast<std::size_t>(o)]) /
                        static_cast<double>(p.y.scale[0]);
    const auto mantissa = static_cast<std::int64_t>(std::round(std::frexp(real, &shift) * 2147483648.0));
    const std::int64_t reduced = (mantissa + 32768) >> 16;
    const std::int64_t q = ((sum * reduced) + (std::int64_t{1} << (14 - shift))) >> (15 - shift);
    CHECK(y.view<std::int16_t>()[i] == std::clamp<std::int64_t>(q, -32768, 32767));
  }
}

TEST_CASE("tflite int16: a network of the operators that 16x8 has") {
  ModelBuilder b;
  const QuantParams q{0.001f, 0}, r{0.002f, 0}, unit{1.0f / 32768, 0};
  const auto tensor = [&](const char* name, const Shape& s, const QuantParams& p) {
    return b.tensor(name, s, DType::i16, p);
  };
  QuantParams three{{0.01f, 0.02f, 0.03f}, {0, 0, 0}, 0}, last = three;
  last.axis = 3;
  Tensor<std::int8_t> w({3, 3, 3, 3}), dw({1, 3, 3, 3}), fw({5, 12});
  Random(1).fill(w.data(), w.size(), -127, 127);
  Random(2).fill(dw.data(), dw.size(), -127, 127);
  Random(3).fill(fw.data(), fw.size(), -127, 127);
  const Tensor<std::int64_t> zeros({3}), five({5});
  const int x = b.tensor("x", {1, 4, 4, 3}), in = tensor("in", {1, 4, 4, 3}, q);
  b.op("QUANTIZE", {x}, {in});
  const int c = tensor("c", {1, 4, 4, 3}, r), d = tensor("d", {1, 4, 4, 3}, r), s = tensor("s", {1, 4, 4, 3}, r),
            m = tensor("m", {1, 4, 4, 3}, r), pool = tensor("pool", {1, 2, 2, 3}, r),
            mean = tensor("mean", {1, 2, 2, 3}, r), both = tensor("both", {1, 2, 2, 6}, r),
            part = tensor("part", {1, 2, 2, 3}, r), padded = tensor("padded", {1, 4, 4, 3}, r),
            turned = tensor("turned", {1, 2, 2, 3}, r), flat = tensor("flat", {1, 12}, r), f = tensor("f", {1, 5}, r),
            rel = tensor("rel", {1, 5}, r), gate = tensor("gate", {1, 5}, unit), tan = tensor("tan", {1, 5}, unit),
            soft = tensor("soft", {1, 5}, unit), out = b.tensor("out", {1, 5});
  b.op("CONV_2D", {in, b.constant("w", w, three), b.constant("b", zeros)}, {c}, convolution_options(same, 1, relu6));
  b.op("DEPTHWISE_CONV_2D", {c, b.constant("dw", dw, last), b.constant("db", zeros)}, {d},
       depthwise_options(same, 1, 1));
  b.op("ADD", {c, d}, {s});
  b.op("MUL", {s, c}, {m});
  b.op("MAX_POOL_2D", {m}, {pool}, pool_options(valid, 2, 2));
  b.op("AVERAGE_POOL_2D", {s}, {mean}, pool_options(valid, 2, 2));
  b.op("CONCATENATION", {pool, mean}, {both}, {integer(0, 3)});
  b.op("SLICE", {both, b.integers("begin", {0, 0, 0, 1}), b.integers("size", {1, 2, 2, 3})}, {part});
  b.op("PAD", {part, b.constant("pads", Tensor<std::int32_t>({4, 2}, {0, 0, 1, 1, 1, 1, 0, 0}))}, {padded});
  b.op("TRANSPOSE", {part, b.integers("perm", {0, 2, 1, 3})}, {turned});
  b.op("RESHAPE", {turned, b.integers("sizes", {1, 12})}, {flat});
  b.op("FULLY_CONNECTED", {flat, b.constant("fw", fw, {0.01f, 0}), b.constant("fb", five)}, {f});
  b.op("RELU", {f}, {rel});
  b.op("LOGISTIC", {f}, {gate});
  b.op("TANH", {f}, {tan});
  b.op("SOFTMAX", {f}, {soft}, {real(0, 1)});
  b.op("DEQUANTIZE", {soft}, {out});
  const octet::Model model = parse(b.finish({x}, {out, padded, rel, gate, tan}));
  const std::vector<AnyTensor> y = outputs(model, {random_tensor({1, 4, 4, 3}, 5, -20, 20)});
  CHECK(y[0].dtype() == DType::f32);
  for (std::size_t i = 1; i < y.size(); ++i) CHECK(y[i].dtype() == DType::i16);
  float sum = 0;
  for (float v : y[0].view<float>()) sum += v;
  CHECK(sum == doctest::Approx(1).epsilon(0.001));
  // The same layers in float, with the numbers of the same codes.
  const auto codes = y[2].view<std::int16_t>();
  for (std::int16_t v : codes) CHECK(v >= 0);
  for (std::int64_t i = 0; i < 5; ++i) {
    if (codes[i] == 0) continue;
    const double z = codes[i] * static_cast<double>(r.scale[0]);
    CHECK(std::abs(y[3].view<std::int16_t>()[i] - std::min(32767.0, 32768 / (1 + std::exp(-z)))) <= 1);
    CHECK(std::abs(y[4].view<std::int16_t>()[i] - std::min(32767.0, 32768 * std::tanh(z))) <= 1);
  }
}

TEST_CASE("tflite int16: what is not 16x8 is refused") {
  const auto refused = [](const Pointwise& p, const std::string& part) {
    const std::string text = p.error();
    CHECK_MESSAGE(contains(text, part), text);
  };
  Pointwise p;
  CHECK(p.error() == "");
  p.x.zero_point = {7};
  refused(p, "zero point 7, expected 0");
  p = {};
  p.y = {{0.1f, 0.1f, 0.1f}, {0, 0, 0}, 3};
  refused(p, "3 scales, expected one");
  p = {};
  p.bias = Tensor<float>({3});
  refused(p, "bias of 3 int64");
  p = {};
  p.bias = Tensor<std::int16_t>({3});
  refused(p, "bias of 3 int64");
  p = {};
  p.x.scale = {0};
  refused(p, "'");
  p = {};
  p.weights.scale[1] = std::numeric_limits<float>::quiet_NaN();
  refused(p, "'");
  p = {};
  p.bias = Tensor<std::int64_t>({3}, {0, std::numeric_limits<std::int64_t>::min(), 0});
  refused(p, "2^46");
}
