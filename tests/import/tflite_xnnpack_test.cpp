#include <doctest/doctest.h>

#include <octet/operators/all.hpp>

#include "support/judge.hpp"
#include "support/tflite_builder.hpp"

// Operators that XNNPACK rounds in its own way, which octet does with Rounding::xnnpack. The numbers are from
// LiteRT 2.5.3 with XNNPACK. Ratios of scales are simple, so that ties are frequent.

using namespace octet;
using namespace testing;
using namespace testing::tflite;

namespace {

struct Layer {
  std::string name, op;
  std::vector<QuantParams> in;
  QuantParams out;
  std::vector<int> expected;  // of 16 elements
  std::vector<Option> options;
};

/// The file of a layer whose inputs are [1, 2, 2, n / 4].
std::vector<std::uint8_t> file_of(const Layer& l, DType type, std::int64_t n) {
  const int shift = type == DType::u8 ? 128 : 0;
  ModelBuilder b;
  std::vector<int> in, all;
  for (const QuantParams& q : l.in)
    in.push_back(b.tensor("x" + std::to_string(in.size()), {1, 2, 2, n / 4}, q ? type : DType::f32,
                          q ? QuantParams(q.scale[0], q.zero_point[0] + shift) : q));
  all = in;
  if (l.op == "MEAN") all.push_back(b.integers("axes", {1, 2}));
  const bool shrinks = l.op == "MEAN" || l.op == "AVERAGE_POOL_2D";
  const int y =
      b.tensor("y", {1, shrinks ? 1 : 2, shrinks ? 1 : 2, n / 4}, type, {l.out.scale[0], l.out.zero_point[0] + shift});
  b.op(l.op, all, {y}, l.options);
  return b.finish(in, {y});
}

const std::vector<Option> plain{byte(0, no_activation)};

std::vector<Layer> layers() {
  const QuantParams half(0.5f, 3), quarter(0.25f, -5), one(1.0f, 1), real;
  return {
      {"sum",
       "ADD",
       {half, quarter},
       one,
       {-10, 45, -28, 27, 82, -56, -1, 54, -19, 36, -37, -47, 8, -65, -10, 45},
       plain},
      {"sum of few large steps",
       "ADD",
       {QuantParams(300.0f, 3), quarter},
       one,
       {127, 127, -128, 127, 127, -128, 127, 127, -128, 127, -128, -128, 127, -128, -128, 127},
       plain},
      {"sum with ReLU6",
       "ADD",
       {QuantParams(0.06f, 3), QuantParams(0.03f, -7)},
       {0.06f, -11},
       {-11, 78, -11, 42, 89, -11, -11, 89, -11, 60, -11, -11, 5, -11, -11, 78},
       {byte(0, relu6)}},
      {"difference",
       "SUB",
       {half, quarter},
       one,
       {16, 50, -44, -10, 25, -5, 29, 63, -31, 3, -90, 8, 42, -52, -18, 16},
       plain},
      {"product",
       "MUL",
       {half, quarter},
       {0.25f, 1},
       {-101, -128, -128, 127, 127, 127, -128, -128, -128, 127, -128, 127, -128, 127, -128, 127},
       plain},
      {"mean", "MEAN", {half}, half, {29, -10, -49, 40}, {byte(0, 1)}},
      {"mean without its dimensions", "MEAN", {half}, {0.3f, 5}, {48, -17, -82, 67}, {byte(0, 0)}},
      {"other scale",
       "QUANTIZE",
       {QuantParams(0.3f, 3)},
       {0.5f, -7},
       {-5, 49, -52, 2, 56, -45, 9, 62, -38, 15, -85, -32, 22, -79, -25, 28},
       {}},
      {"other scale, too large a ratio",
       "QUANTIZE",
       {QuantParams(130.0f, 3)},
       {1.0f, -7},
       {127, 127, -128, 127, 127, -128, 127, 127, -128, 127, -128, -128, 127, -128, -128, 127},
       {}},
      {"leaky ReLU",
       "LEAKY_RELU",
       {half},
       {0.4f, 5},
       {10, 121, -23, 24, 127, -19, 38, 127, -14, 51, -44, -10, 65, -40, -6, 79},
       {testing::tflite::real(0, 0.3f)}},
      {"leaky ReLU with a small slope",
       "LEAKY_RELU",
       {half},
       {0.4f, 5},
       {10, 121, 5, 24, 127, 5, 38, 127, 5, 51, 5, 5, 65, 5, 5, 79},
       {testing::tflite::real(0, 0.001f)}},
      {"ReLU6", "RELU6", {half}, {0.4f, 5}, {10, 20, 5, 20, 20, 5, 20, 20, 5, 20, 5, 5, 20, 5, 5, 20}, {}},
      {"average", "AVERAGE_POOL_2D", {half}, half, {29, -10, -49, 40}, pool_options(valid, 2, 2)},
      {"numbers",
       "QUANTIZE",
       {real},
       {0.1f, 1},
       {-125, -87, -51, -13, 23, 61, 98, -117, -79, -43, -6, 31, 69, 105, -109, -71},
       {}},
  };
}

Model with_xnnpack(const std::vector<std::uint8_t>& file) {
  LoadOptions o;
  o.rounding = Rounding::xnnpack;
  return parse(file, o);
}

AnyTensor input(const Value& v, int which) {
  Shape shape = v.shape;
  shape[0] = 1;
  const std::int64_t n = shape.elements();
  if (v.dtype == DType::f32) {
    Tensor<float> x = Tensor<float>::uninitialized(shape);
    for (std::int64_t i = 0; i < n; ++i)  // half-way between multiples of 0.1
      x[i] = static_cast<float>(2 * (i * 37 % 251) - 251) * 0.05f;
    return x;
  }
  return AnyTensor::make(v.dtype, shape, [&](std::byte* p) {
    for (std::int64_t i = 0; i < n; ++i)
      p[i] =
          static_cast<std::byte>((which == 0 ? i * 89 + 7 : i * 41 + i / 3 + 200) + (v.dtype == DType::u8 ? 128 : 0));
  });
}

}  // namespace

TEST_CASE("tflite xnnpack: layers have the codes of XNNPACK, or of LiteRT's kernels where it does not take them") {
  for (const Layer& l : layers()) {
    CAPTURE(l.name);
    const auto file = file_of(l, DType::i8, 16);
    const Model m = with_xnnpack(file);
    std::vector<AnyTensor> x;
    for (int v : m.inputs) x.push_back(input(m.value(v), static_cast<int>(x.size())));
    const AnyTensor y = outputs(m, x)[0];
    std::vector<int> found;
    for (std::int64_t i = 0; i < y.size(); ++i)
      found.push_back(static_cast<int>(detail::load_element(y.dtype(), y.data(), i)));
    CHECK(found == l.expected);
  }
}

TEST_CASE("tflite xnnpack: means near a tie are rounded as floats that contain the zero points") {
  const Layer mean{"mean", "MEAN", {QuantParams(0.5f, 3)}, {0.3f, 5}, {}, {byte(0, 1)}};
  const Model m = with_xnnpack(file_of(mean, DType::u8, 24));
  std::vector<std::uint8_t> x(24);
  for (int c = 0; c < 6; ++c)  // sums of 4 pixels minus zero points: 102, 126, 150, ...
    for (int pixel = 0; pixel < 4; ++pixel)
      x[static_cast<std::size_t>(pixel * 6 + c)] = static_cast<std::uint8_t>(156 + 6 * c + pixel % 2);
  const AnyTensor y = outputs(m, {Tensor<std::uint8_t>({1, 2, 2, 6}, x)})[0];
  for (int c = 0; c < 6; ++c)  // the exact means are below n + 0.5 by 2e-6 to 4e-6
    CHECK(detail::load_element(y.dtype(), y.data(), c) == 175 + 10 * c);
}

TEST_CASE("tflite xnnpack: LiteRT computes the same layers, of int8 and uint8, for many codes") {
  Judge judge(Format::tflite);
  if (!judge.ready()) return;
  TemporaryFolder folder;
  for (const DType type : {DType::i8, DType::u8})
    for (const Layer& l : layers()) {
      const auto bytes = file_of(l, type, 65536);
      judge.add_file(l.name + " " + name(type),
                     folder.write(l.name + name(type) + ".tflite", {bytes.begin(), bytes.end()}));
    }
  judge.judge();
}
