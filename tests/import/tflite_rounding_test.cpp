#include <doctest/doctest.h>

#include <octet/operators/all.hpp>
#include "support/layer.hpp"
#include "support/tflite_builder.hpp"

// Results of TFLite's own kernels, which octet gives with TFLite's rounding. The numbers are from LiteRT 2.5.3 without
// XNNPACK.

using namespace octet;
using namespace testing;
using namespace testing::tflite;

namespace {

/// Scales of an input, weights (or a second input) and an output.
struct Scales {
  float x, w, y;
};
// With these scales, multipliers computed in single precision are below, those in double precision above the tie for
// 7385 = 211 * 35 and 5080 = 127 * 40.
constexpr Scales at_7385{0x1.7b01bap-6f, 0x1.c01cd8p-8f, 0x1.7b01bap-6f};
constexpr Scales at_5080{0x1.7c8398p-5f, 0x1.aa376p-6f, 0x1.e848e6p-4f};
// Here, a division in single precision makes the difference for 8944 = 104 * 86.
constexpr Scales at_8944{0x1.d99e1p-7f, 0x1.bf679ap-7f, 0x1.779b56p-5f};

LoadOptions rounded(Rounding r) {
  LoadOptions o;
  o.rounding = r;
  return o;
}

AnyTensor bytes_of(DType t, const Shape& shape, const std::vector<int>& codes) {
  return AnyTensor::make(t, shape, [&](std::byte* p) {
    for (std::size_t i = 0; i < codes.size(); ++i) p[i] = static_cast<std::byte>(codes[i]);
  });
}

/// The output codes of a model with one input.
std::vector<int> codes_of(ModelBuilder& b, int x, int y, const AnyTensor& in, Rounding r) {
  const AnyTensor out = outputs(parse(b.finish({x}, {y}), rounded(r)), {in})[0];
  std::vector<int> codes;
  for (std::int64_t i = 0; i < out.size(); ++i)
    codes.push_back(static_cast<int>(detail::load_element(out.dtype(), out.data(), i)));
  return codes;
}

/// Runs one operator on all codes of a type.
std::vector<int> all_codes(const std::string& op, DType in, const QuantParams& qx, DType out, const QuantParams& qy,
                           const std::vector<Option>& options = {}) {
  ModelBuilder b;
  const int x = b.tensor("x", {1, 256}, in, qx), y = b.tensor("y", {1, 256}, out, qy);
  b.op(op, {x}, {y}, options);
  std::vector<int> codes;
  for (int i = 0; i < 256; ++i) codes.push_back(in == DType::i8 ? i - 128 : i);
  return codes_of(b, x, y, bytes_of(in, {1, 256}, codes), Rounding::tflite_double);
}

/// A layer with one weight of 35 and one pixel of 211, both minus their zero points.
struct OneProduct {
  std::string op;
  DType type = DType::u8;  // of activations and weights
  bool per_channel = false;

  int operator()(Rounding r) const {
    const int off = type == DType::i8 ? -128 : 0;
    const bool connected = op == "FULLY_CONNECTED", transposed = op == "TRANSPOSE_CONV";
    ModelBuilder b;
    const Shape shape = connected ? Shape{1, 1} : Shape{1, 1, 1, 1};
    const std::int64_t n = per_channel ? 2 : 1;
    const int x = b.tensor("x", shape, type, {at_7385.x, off});
    Shape out = shape, weights = shape;
    out[out.rank() - 1] = n;
    weights[op == "DEPTHWISE_CONV_2D" ? 3 : 0] = n;
    const int y = b.tensor("y", out, type, {at_7385.y, off});
    QuantParams q(at_7385.w, 0);
    if (per_channel) q = QuantParams({at_7385.w, 1.0f}, {0, 0}, op == "DEPTHWISE_CONV_2D" ? 3 : 0);
    const int w = b.constant("w", bytes_of(type, weights, std::vector<int>(static_cast<std::size_t>(n), 35)), q);
    if (connected)
      b.op(op, {x, w, -1}, {y}, {byte(0, no_activation)});
    else if (transposed)
      b.op(op, {b.integers("size", {1, 1, 1, static_cast<std::int32_t>(n)}), w, x}, {y},
           {byte(0, valid), integer(1, 1), integer(2, 1)});
    else if (op == "DEPTHWISE_CONV_2D")
      b.op(op, {x, w, -1}, {y}, depthwise_options(valid, 1, static_cast<int>(n)));
    else
      b.op(op, {x, w, -1}, {y}, convolution_options(valid, 1));
    return codes_of(b, x, y, bytes_of(type, shape, {211 + off}), r)[0] - off;
  }
};

/// The codes of one operator on random integers. Ratios of scales are powers of two, so that ties are frequent.
struct Layer {
  std::string op;
  DType type = DType::i8;
  std::int64_t channels = 4, group_in = 4;
  std::vector<Option> options;

  std::vector<int> operator()(Rounding r) const {
    const bool as_int8 = type == DType::i8, connected = op == "FULLY_CONNECTED", depthwise = op == "DEPTHWISE_CONV_2D";
    const int zero = as_int8 ? 0 : 128;
    const auto integers = [&](const Shape& s, unsigned seed, int low, int high) {
      return as_int8 ? AnyTensor(random_integers<int8>(s, seed, low, high))
                     : AnyTensor(random_integers<uint8>(s, seed, low + 128, high + 128));
    };
    ModelBuilder b;
    const Shape shape = connected ? Shape{16, channels} : Shape{1, 4, 4, channels};
    const int x = b.tensor("x", shape, type, {0.5f, zero}), y = b.tensor("y", {}, type, {2.0f, zero});
    std::vector<int> in{x};
    if (op == "ADD" || op == "MUL") in.push_back(x);
    if (op == "MEAN") in.push_back(b.integers("axes", {1, 2}));
    if (connected || depthwise || op == "CONV_2D") {
      const Shape w = connected ? Shape{6, channels} : depthwise ? Shape{1, 1, 1, 4} : Shape{4, 1, 1, group_in};
      in.push_back(b.constant("w", integers(w, 2, -3, 3), {0.5f, zero}));
      in.push_back(-1);
    }
    b.op(op, in, {y}, options);
    return codes_of(b, x, y, integers(shape, 1, -128, 127), r);
  }
};

}  // namespace

TEST_CASE("tflite rounding: litert rounds once or twice, by operator") {
  const auto plain = convolution_options(valid, 1);
  const std::vector<Option> activation{byte(0, no_activation)};
  for (const Layer& once :
       {Layer{"CONV_2D", DType::i8, 4, 4, plain}, Layer{"FULLY_CONNECTED", DType::i8, 4, 4, activation}}) {
    CAPTURE(once.op);
    CHECK(once(Rounding::litert) == once(Rounding::tflite_single));
    CHECK(once(Rounding::litert) != once(Rounding::tflite_double));
  }
  for (const Layer& twice :
       {Layer{"CONV_2D", DType::u8, 4, 4, plain}, Layer{"CONV_2D", DType::i8, 4, 2, plain},
        Layer{"FULLY_CONNECTED", DType::u8, 4, 4, activation},
        Layer{"DEPTHWISE_CONV_2D", DType::i8, 4, 4, depthwise_options(valid, 1, 1)},
        Layer{"DEPTHWISE_CONV_2D", DType::i8, 1, 1, depthwise_options(valid, 1, 4)},
        Layer{"ADD", DType::i8, 4, 4, activation}, Layer{"MUL", DType::i8, 4, 4, activation},
        Layer{"MEAN", DType::i8, 4, 4, {byte(0, 0)}}, Layer{"LEAKY_RELU", DType::i8, 4, 4, {real(0, 0.25f)}}}) {
    CAPTURE(twice.op);
    CHECK(twice(Rounding::litert) == twice(Rounding::tflite_double));
    if (twice.op != "MEAN" && twice.op != "ADD" && twice.op != "MUL")  // x * x has no negative ties
      CHECK(twice(Rounding::litert) != twice(Rounding::tflite_single));
  }
}

TEST_CASE("tflite rounding: litert's MEAN over pixels that keeps its dimensions rounds the zero point apart") {
  for (const bool as_int8 : {true, false}) {
    const int shift = as_int8 ? 0 : 128;
    const QuantParams qx(0.31f, 7 + shift), qy(0.13f, -20 + shift);
    const DType type = as_int8 ? DType::i8 : DType::u8;
    std::vector<int> codes;
    for (int i = 0; i < 5 * 3 * 40; ++i) codes.push_back((i * i * 7 + i * 31) % 97 - 60 + shift);
    ModelBuilder b;
    const int x = b.tensor("x", {1, 5, 3, 40}, type, qx), y = b.tensor("y", {}, type, qy);
    b.op("MEAN", {x, b.integers("axes", {1, 2})}, {y}, {byte(0, 1)});
    const std::vector<int> found = codes_of(b, x, y, bytes_of(type, {1, 5, 3, 40}, codes), Rounding::litert);
    const auto zero = static_cast<std::int64_t>(std::round(static_cast<float>(qx.zero_point[0]) * 0.31f / 0.13f));
    for (std::size_t c = 0; c < 40; ++c) {
      std::int64_t sum = 0;
      for (std::size_t i = c; i < codes.size(); i += 40) sum += codes[i];
      const std::int64_t mean = fixed_point(sum, static_cast<double>(0.31f / (15 * 0.13f)), Rounding::tflite_double);
      CHECK(found[c] == std::clamp<std::int64_t>(mean - zero + qy.zero_point[0], shift - 128, shift + 127));
    }
  }
}

TEST_CASE("tflite rounding: layers with one weight scale multiply the scales in single precision") {
  const Rounding twice = Rounding::tflite_double;
  for (const char* op : {"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED"}) {
    CAPTURE(op);
    CHECK(OneProduct{op, DType::u8}(twice) == 50);
    // int8 convolutions multiply in double precision; fully connected layers do so if they have several scales.
    CHECK(OneProduct{op, DType::i8}(twice) == (op == std::string("FULLY_CONNECTED") ? 50 : 51));
    CHECK(OneProduct{op, DType::i8, true}(twice) == 51);
    CHECK(OneProduct{op, DType::i8}(Rounding::fp32) == 50);
    CHECK(OneProduct{op, DType::i8, true}(Rounding::fp32) == 50);
  }
}

TEST_CASE("tflite rounding: MUL multiplies and divides the scales in single precision") {
  const auto product = [](const Scales& s, int p, int q) {
    ModelBuilder b;
    const int x = b.tensor("x", {1, 1}, DType::i8, {s.x, 0}), w = b.tensor("w", {1, 1}, DType::i8, {s.w, 0});
    const int y = b.tensor("y", {1, 1}, DType::i8, {s.y, 0});
    b.op("MUL", {x, w}, {y}, {byte(0, no_activation)});
    const Model m = parse(b.finish({x, w}, {y}), rounded(Rounding::tflite_double));
    return int{outputs(m, {bytes_of(DType::i8, {1, 1}, {p}), bytes_of(DType::i8, {1, 1}, {q})})[0].view<int8>()[0]};
  };
  CHECK(product(at_5080, 127, 40) == 51);
  CHECK(product(at_8944, 104, 86) == 39);
}

TEST_CASE("tflite rounding: PRELU multiplies and divides the scales in single precision") {
  ModelBuilder b;
  const int x = b.tensor("x", {1, 1, 1, 1}, DType::i8, {at_8944.x, 0});
  const int y = b.tensor("y", {1, 1, 1, 1}, DType::i8, {at_8944.y, 0});
  b.op("PRELU", {x, b.constant("slope", bytes_of(DType::i8, {1, 1, 1}, {-86}), {at_8944.w, 0})}, {y});
  CHECK(codes_of(b, x, y, bytes_of(DType::i8, {1, 1, 1, 1}, {-104}), Rounding::tflite_double) == std::vector<int>{39});
}

TEST_CASE("tflite rounding: HARD_SWISH in 16 bits") {
  const auto check = [](DType type, const QuantParams& x, const QuantParams& y, const std::vector<int>& expected) {
    CHECK(all_codes("HARD_SWISH", type, x, type, y) == expected);
  };
  check(DType::i8, {0.04287228360772133f, -21}, {0.045661650598049164f, -70},
        {-70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -70,
         -70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -70, -71, -71, -72, -72, -73,
         -73, -73, -74, -74, -74, -75, -75, -75, -76, -76, -76, -76, -76, -77, -77, -77, -77, -77, -78, -78, -78, -78,
         -78, -78, -78, -78, -78, -78, -78, -78, -78, -78, -78, -78, -78, -78, -78, -78, -78, -77, -77, -77, -77, -77,
         -76, -76, -76, -76, -76, -75, -75, -75, -74, -74, -74, -73, -73, -73, -72, -72, -71, -71, -70, -70, -70, -69,
         -69, -68, -67, -67, -66, -66, -65, -65, -64, -63, -63, -62, -61, -61, -60, -59, -59, -58, -57, -56, -56, -55,
         -54, -53, -52, -52, -51, -50, -49, -48, -47, -46, -45, -44, -43, -42, -41, -40, -39, -38, -37, -36, -35, -34,
         -33, -32, -31, -30, -29, -27, -26, -25, -24, -23, -21, -20, -19, -18, -16, -15, -14, -12, -11, -10, -8,  -7,
         -6,  -4,  -3,  -2,  -1,  -1,  0,   1,   2,   3,   4,   5,   6,   7,   8,   9,   10,  11,  12,  13,  14,  14,
         15,  16,  17,  18,  19,  20,  21,  22,  23,  24,  25,  26,  27,  28,  29,  30,  30,  31,  32,  33,  34,  35,
         36,  37,  38,  39,  40,  41,  42,  43,  44,  45,  45,  46,  47,  48,  49,  50,  51,  52,  53,  54,  55,  56,
         57,  58,  59,  60,  61,  61,  62,  63,  64,  65,  66,  67,  68,  69});
  check(DType::u8, {1.2784807682037354f, 76}, {1.2436838150024414f, 11},
        {11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,
         11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,
         11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,
         11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  11,  12,  13,  14,  15,  16,  17,  18,  19,  20,  21,  22,
         23,  24,  25,  26,  27,  28,  29,  31,  32,  33,  34,  35,  36,  37,  38,  39,  40,  41,  42,  43,  44,  45,
         46,  47,  48,  49,  50,  51,  52,  53,  54,  55,  56,  57,  58,  59,  60,  61,  62,  63,  64,  65,  67,  68,
         69,  70,  71,  72,  73,  74,  75,  76,  77,  78,  79,  80,  81,  82,  83,  84,  85,  86,  87,  88,  89,  90,
         91,  92,  93,  94,  95,  96,  97,  98,  99,  100, 101, 102, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113,
         114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 131, 132, 133, 134, 135,
         136, 137, 138, 139, 141, 142, 143, 144, 145, 146, 147, 148, 149, 150, 151, 152, 153, 154, 155, 156, 157, 158,
         159, 160, 161, 162, 163, 164, 165, 166, 167, 168, 169, 170, 171, 172, 173, 174, 175, 176, 178, 179, 180, 181,
         182, 183, 184, 185, 186, 187, 188, 189, 190, 191, 192, 193, 194, 195});
  // For an output scale that TFLite refuses, octet computes the exact function.
  const std::vector<int> small = all_codes("HARD_SWISH", DType::i8, {1.0f, 0}, DType::i8, {0.005f, 0});
  CHECK(small[127] == -67);  // -1 / 3
  CHECK(small[129] == 127);
}

TEST_CASE("tflite rounding: LEAKY_RELU, RELU6 and QUANTIZE in fixed point, ties away from zero") {
  const QuantParams x(0.05f, 0), half(0.1f, 0), quarter(0.2f, 0);
  const auto at = [](const std::vector<int>& codes, int q) { return codes[static_cast<std::size_t>(q + 128)]; };
  // 10 / 4 is 2.5, a tie; 9 / 4 becomes one by the first of the two roundings.
  const std::vector<int> leaky =
      all_codes("LEAKY_RELU", DType::i8, x, DType::i8, quarter, {testing::tflite::real(0, 0.5f)});
  CHECK(at(leaky, 10) == 3);
  CHECK(at(leaky, 9) == 3);
  CHECK(at(leaky, 8) == 2);
  CHECK(at(leaky, -20) == -3);
  CHECK(at(leaky, -19) == -2);
  const std::vector<int> clamped = all_codes("RELU6", DType::i8, x, DType::i8, quarter);
  CHECK(at(clamped, 10) == 3);
  CHECK(at(clamped, -10) == 0);
  CHECK(at(clamped, 127) == 30);
  const std::vector<int> requantized = all_codes("QUANTIZE", DType::i8, x, DType::i8, quarter);
  CHECK(at(requantized, 10) == 3);
  CHECK(at(requantized, -10) == -3);
  CHECK(at(all_codes("QUANTIZE", DType::i8, x, DType::i8, half), 5) == 3);
  CHECK(at(all_codes("QUANTIZE", DType::i8, x, DType::i8, half), -5) == -2);
  // The same scale in another type: codes do not change.
  const std::vector<int> moved = all_codes("QUANTIZE", DType::i8, x, DType::u8, {0.05f, 128});
  for (int i = 0; i < 256; ++i) CHECK(moved[static_cast<std::size_t>(i)] == i);
}
