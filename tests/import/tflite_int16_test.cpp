#include <octet/operators/all.hpp>

#include "support/fingerprint.hpp"
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

/// All codes.
Tensor<std::int16_t> all_int16() {
  Tensor<std::int16_t> t({1, 65536});
  for (std::int64_t i = 0; i < t.size(); ++i) t[i] = static_cast<std::int16_t>(i - 32768);
  return t;
}

/// A model of one operator, for inputs of that shape.
octet::Model one_operator(const std::string& type, const Shape& shape, float in_scale, float out_scale,
                          const std::vector<Option>& options = {}, octet::Rounding rounding = octet::Rounding::litert) {
  ModelBuilder b;
  const int x = b.tensor("x", shape, DType::i16, {in_scale, 0}), y = b.tensor("y", shape, DType::i16, {out_scale, 0});
  b.op(type, {x}, {y}, options);
  octet::LoadOptions o;
  o.rounding = rounding;
  return parse(b.finish({x}, {y}), o);
}

/// A fully connected layer from `n` to `m` elements.
struct Connected {
  Tensor<std::int8_t> w;
  QuantParams weights{0.01f, 0};
  AnyTensor bias;
  float out_scale = 0.001f;

  AnyTensor operator()(const Tensor<std::int16_t>& x) const {
    const std::int64_t rows = x.shape()[0], n = w.shape()[1], m = w.shape()[0];
    ModelBuilder b;
    const int in = b.tensor("x", {rows, n}, DType::i16, {0.0003f, 0}),
              out = b.tensor("y", {rows, m}, DType::i16, {out_scale, 0});
    b.op("FULLY_CONNECTED", {in, b.constant("w", w, weights), bias ? b.constant("b", bias) : -1}, {out},
         {byte(0, no_activation)});
    octet::LoadOptions o;
    o.rounding = octet::Rounding::litert;
    return outputs(parse(b.finish({in}, {out}), o), {x})[0];
  }
};

}  // namespace

// The numbers of the following three are hashes of what LiteRT 2.5.3 gives without XNNPACK.
TEST_CASE("tflite int16: functions of all codes have the bits of LiteRT's kernels") {
  struct Case {
    const char* type;
    float in_scale, out_scale;
    unsigned long long hash;
    std::vector<Option> options = {};
  };
  // A power of two is computed in another way: 2^-12, and for TANH 2^-11.
  for (const Case& c : std::vector<Case>{{"LOGISTIC", 0x1p-12f, 0x1p-15f, 0x6c3e6d486d7a957e},
                                         {"LOGISTIC", 0x1p-11f, 0x1p-15f, 0x3ab4a3d6b9faa643},
                                         {"LOGISTIC", 0.001f, 0x1p-15f, 0xae77bdbc4092c313},
                                         {"LOGISTIC", 0.1f, 0x1p-15f, 0x70766a909a8e8d56},
                                         {"LOGISTIC", 3.0f, 0x1p-15f, 0xfe4a2746a6375851},
                                         {"LOGISTIC", 1e-9f, 0x1p-15f, 0x0a4fccee7fb50383},
                                         {"TANH", 0x1p-12f, 0x1p-15f, 0x1f8a787a38d6470b},
                                         {"TANH", 0x1p-11f, 0x1p-15f, 0xc1c4213e05fe2256},
                                         {"TANH", 0x1p-10f, 0x1p-15f, 0xcfa3d95d24626e6e},
                                         {"TANH", 0.001f, 0x1p-15f, 0x667d612cf376131d},
                                         {"TANH", 0.00024f, 0x1p-15f, 0x1130a3c3220cdf1a},
                                         {"TANH", 1e-5f, 0x1p-15f, 0x07baf4c471948402},
                                         {"RELU", 0.01f, 0.0037f, 0xa4db52ad22a16855},
                                         {"RELU6", 0.01f, 0.0037f, 0xf61d2ef238e8aa20},
                                         {"LEAKY_RELU", 0.5f, 1, 0x5676d122bb1b21a3, {real(0, 0.5f)}}}) {
    CAPTURE(c.type);
    CAPTURE(c.in_scale);
    const AnyTensor y = outputs(one_operator(c.type, {1, 65536}, c.in_scale, c.out_scale, c.options), {all_int16()})[0];
    REQUIRE(y.dtype() == DType::i16);
    CHECK(fingerprint(y) == c.hash);
  }
}

TEST_CASE("tflite int16: SOFTMAX has the bits of LiteRT's kernel") {
  struct Case {
    Shape shape;
    float scale, beta;
    std::uint64_t seed;
    unsigned long long hash;
  };
  for (const Case& c : std::vector<Case>{{{256, 64}, 0.001f, 1, 1, 0x24c4f7b93ba03ae7},
                                         {{2048, 3}, 0.0001f, 0.5f, 15, 0x082c2f239d8b470a},
                                         {{64, 1001}, 0.01f, 1, 18, 0xde82656f13f68552},
                                         {{64, 1001}, 0x1p-12f, 0.5f, 30, 0xf7e91c4038a57b43}}) {
    CAPTURE(c.seed);
    const octet::Model m = one_operator("SOFTMAX", c.shape, c.scale, 0x1p-15f, {real(0, c.beta)});
    CHECK(fingerprint(outputs(m, {random_int16(c.shape, c.seed)})[0]) == c.hash);
  }
}

TEST_CASE("tflite int16: FULLY_CONNECTED has the bits of LiteRT's kernel") {
  Connected layer{Tensor<std::int8_t>({32, 100}), {0.01f, 0}, {}, 0.001f};
  Random(100).fill(layer.w.data(), layer.w.size(), -127, 127);
  const Tensor<std::int16_t> x = random_int16({16, 100}, 101);
  CHECK(fingerprint(layer(x)) == 0xa9539e2b61f9f022);
  Tensor<std::int64_t> bias({32});
  layer.weights = {{}, {}, 0};
  for (std::int64_t o = 0; o < 32; ++o) {
    bias[o] = o * 99991 - 1000000;
    layer.weights.scale.push_back(0.005f + 0.0007f * static_cast<float>(o));
    layer.weights.zero_point.push_back(0);
  }
  layer.bias = bias;
  CHECK(fingerprint(layer(x)) == 0x2bf4686b0667b05c);

  // Scales whose product is rounded up in single precision, and a sum between the two results.
  layer = {Tensor<std::int8_t>({1, 19}), {0.01f, 0}, {}, 0.05f};
  Tensor<std::int16_t> tie({1, 19});
  for (std::int64_t i = 0; i < 19; ++i) {
    layer.w[i] = i < 18 ? 127 : 1;
    tie[i] = static_cast<std::int16_t>(i < 17 ? 32767 : i == 17 ? 9168 : 43);
  }
  const auto code = [&](const AnyTensor& b) {
    layer.bias = b;
    return layer(tie).view<std::int16_t>()[0];
  };
  CHECK(code({}) == 4315);
  CHECK(code(Tensor<std::int32_t>({1})) == 4315);
  CHECK(code(Tensor<std::int64_t>({1})) == 4314);

  // A sum of more than 32 bits.
  layer = {Tensor<std::int8_t>({1, 520}), {0.01f, 0}, Tensor<std::int64_t>({1}, {-900009}), 0.5f};
  std::fill(layer.w.begin(), layer.w.end(), std::int8_t{127});
  Tensor<std::int16_t> large({1, 520});
  std::fill(large.begin(), large.end(), std::int16_t{32767});
  CHECK(layer(large).view<std::int16_t>()[0] == 12978);
}

TEST_CASE("tflite int16: functions without TFLite's rounding are rounded to nearest") {
  const float scale = 0.0007f;
  const Tensor<std::int16_t> x = all_int16();
  for (const std::string type : {"LOGISTIC", "TANH", "LEAKY_RELU", "RELU6"}) {
    CAPTURE(type);
    const float out_scale = type == "LEAKY_RELU" || type == "RELU6" ? 0.0005f : 0x1p-15f;
    const std::vector<Option> options =
        type == "LEAKY_RELU" ? std::vector<Option>{real(0, 0.25f)} : std::vector<Option>{};
    const octet::Model m = one_operator(type, {1, 65536}, scale, out_scale, options, octet::Rounding::fp32);
    const octet::Executor run(m);
    for (const octet::Node& n : run.graph().nodes) CHECK_FALSE(n.op->traits().converts);
    const AnyTensor codes = outputs(m, {x})[0];
    for (std::int64_t i = 0; i < x.size(); i += 13) {
      const double z = static_cast<double>(scale) * x[i];
      const double y = type == "LOGISTIC" ? 1 / (1 + std::exp(-z))
                       : type == "TANH"   ? std::tanh(z)
                       : type == "RELU6"  ? std::min(std::max(z, 0.0), 6.0)
                                          : (z < 0 ? z / 4 : z);
      const double best = std::clamp(y / static_cast<double>(out_scale), -32768.0, 32767.0);
      CHECK(std::abs(codes.view<std::int16_t>()[i] - best) <= 0.51);
    }
  }
  const octet::Model m = one_operator("SOFTMAX", {4, 10}, 0.0003f, 0x1p-15f, {real(0, 1)}, octet::Rounding::fp32);
  const Tensor<std::int16_t> rows = random_int16({4, 10}, 3);
  const AnyTensor codes = outputs(m, {rows})[0];
  for (std::int64_t r = 0; r < 4; ++r) {
    double sum = 0;
    for (std::int64_t i = 0; i < 10; ++i) sum += std::exp(static_cast<double>(0.0003f) * rows[10 * r + i]);
    for (std::int64_t i = 0; i < 10; ++i) {
      const double y = std::exp(static_cast<double>(0.0003f) * rows[10 * r + i]) / sum;
      CHECK(std::abs(codes.view<std::int16_t>()[10 * r + i] - std::min(32767.0, y * 32768)) <= 0.51);
    }
  }
}

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
