#include <octet/operators/all.hpp>
#include "support/onnx_builder.hpp"
#include "support/random.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

namespace {

/// A model with a quantized input x [N, 3, 4, 5], and helpers that write its parameters.
struct Quantized {
  OnnxBuilder b;
  Tensor<std::uint8_t> x = random_integers<std::uint8_t>({2, 3, 4, 5}, 1, 0, 255);

  Quantized() { b.input("x", {-1, 3, 4, 5}, DType::u8); }
  /// Writes a scale and a zero point as initializers and returns their names.
  std::vector<std::string> params(const std::string& name, float scale, int zero, DType t = DType::u8) {
    b.scalar(name + "_scale", scale);
    if (t == DType::u8)
      b.initializer(name + "_zero", Tensor<std::uint8_t>(Shape{}, {static_cast<std::uint8_t>(zero)}));
    else
      b.initializer(name + "_zero", Tensor<std::int8_t>(Shape{}, {static_cast<std::int8_t>(zero)}));
    return {name + "_scale", name + "_zero"};
  }
  Tensor<std::uint8_t> run(const Model& m) const {
    const AnyTensor plain = run_plain(m, {x})[0], optimized = Executor(m).run(std::vector<AnyTensor>{x})[0];
    CHECK(std::equal(plain.data(), plain.data() + plain.size_bytes(), optimized.data()));
    return Tensor<std::uint8_t>(plain.view<std::uint8_t>());
  }
};

std::vector<std::string> list(std::initializer_list<std::vector<std::string>> parts) {
  std::vector<std::string> all;
  for (const auto& p : parts) all.insert(all.end(), p.begin(), p.end());
  return all;
}

std::uint8_t quantized(double real, double scale, int zero) {
  return static_cast<std::uint8_t>(std::clamp(std::nearbyint(real / scale) + zero, 0.0, 255.0));
}

}  // namespace

TEST_CASE("onnx: QLinearConv becomes a convolution of quantized values") {
  Quantized t;
  const Tensor<std::int8_t> w = random_integers<std::int8_t>({2, 3, 1, 1}, 2, -127, 127);
  const Tensor<std::int32_t> bias({2}, {100, -200});
  const std::vector<float> scales{0.01f, 0.02f};
  t.b.initializer("w", w).initializer("bias", bias).initializer("w_scale", Tensor<float>({2}, scales));
  t.b.initializer("w_zero", Tensor<std::int8_t>({2}));
  const auto xs = t.params("x", 0.5f, 10), ys = t.params("y", 2.0f, 100);
  t.b.node("QLinearConv", list({{"x"}, xs, {"w", "w_scale", "w_zero"}, ys, {"bias"}}), {"y"}).output("y");

  const Model m = import_onnx(t.b);
  REQUIRE(count<Convolution>(m) == 1);
  CHECK(m.value(m.find("x")).quant == QuantParams(0.5f, 10));
  CHECK(m.value(m.find("y")).quant == QuantParams(2.0f, 100));
  CHECK(m.value(m.find("w")).quant == QuantParams(scales, {0, 0}, 0));
  CHECK(m.value(m.find("w")).shape == Shape{2, 1, 1, 3});
  const Tensor<std::uint8_t> y = t.run(m);
  for (std::int64_t n = 0; n < 2; ++n)
    for (std::int64_t o = 0; o < 2; ++o)
      for (std::int64_t p = 0; p < 20; ++p) {
        int sum = bias[o];
        for (std::int64_t c = 0; c < 3; ++c) sum += (t.x[(n * 3 + c) * 20 + p] - 10) * w[o * 3 + c];
        const double real = sum * 0.5 * static_cast<double>(scales[static_cast<std::size_t>(o)]);
        CHECK(y[(n * 2 + o) * 20 + p] == quantized(real, 2, 100));
      }
}

TEST_CASE("onnx: QLinearMatMul and QGemm become fully connected layers") {
  for (const bool gemm : {false, true}) {
    OnnxBuilder b;
    Quantized t;
    t.b = OnnxBuilder().input("x", {-1, 6}, DType::u8);
    t.x = random_integers<std::uint8_t>({3, 6}, 1, 0, 255);
    const Tensor<std::int8_t> w = random_integers<std::int8_t>({6, 2}, 2, -127, 127);
    const auto xs = t.params("x", 0.5f, 128), ys = t.params("y", 3.0f, 120);
    t.b.initializer("w", w)
        .initializer("w_scale", Tensor<float>({2}, {0.01f, 0.03f}))
        .initializer("w_zero", Tensor<std::int8_t>({2}));
    const std::vector<std::string> ws{"w", "w_scale", "w_zero"};
    if (gemm)
      t.b.node("QGemm", list({{"x"}, xs, ws, {""}, ys}), {"y"}, {}, "com.microsoft");
    else
      t.b.node("QLinearMatMul", list({{"x"}, xs, ws, ys}), {"y"});
    const Model m = import_onnx(t.b.output("y"));
    REQUIRE(count<FullyConnected>(m) == 1);
    const Tensor<std::uint8_t> y = t.run(m);
    for (std::int64_t i = 0; i < 6; ++i) {
      int sum = 0;
      for (std::int64_t k = 0; k < 6; ++k) sum += (t.x(i / 2, k) - 128) * w(k, i % 2);
      CHECK(y[i] == quantized(sum * 0.5 * static_cast<double>(i % 2 ? 0.03f : 0.01f), 3, 120));
    }
  }
}

TEST_CASE("onnx: elementwise operators of com.microsoft") {
  const auto unary = [](const char* type, const std::vector<OnnxAttribute>& attributes, auto f) {
    Quantized t;
    const auto xs = t.params("x", 0.05f, 100), ys = t.params("y", 0.04f, 120);
    t.b.node(type, list({{"x"}, xs, ys}), {"y"}, attributes, "com.microsoft").output("y");
    const Tensor<std::uint8_t> y = t.run(import_onnx(t.b));
    for (std::int64_t i = 0; i < y.size(); ++i) {
      const double real = static_cast<double>(0.05f) * (t.x[i] - 100);
      CHECK(std::abs(int{y[i]} - int{quantized(f(real), static_cast<double>(0.04f), 120)}) <= 1);  // a tie in the table
    }
  };
  unary("QLinearSigmoid", {}, [](double v) { return 1 / (1 + std::exp(-v)); });
  unary("QLinearLeakyRelu", {{"alpha", 0.25f}}, [](double v) { return v < 0 ? v * 0.25 : v; });

  const auto binary = [](const char* type, auto f) {
    Quantized t;
    const auto xs = t.params("x", 0.5f, 100), cs = t.params("c", 0.25f, 30), ys = t.params("y", 4.0f, 50);
    const Tensor<std::uint8_t> c({3, 1, 1}, {10, 40, 255});
    t.b.initializer("c", c).node(type, list({{"x"}, xs, {"c"}, cs, ys}), {"y"}, {}, "com.microsoft").output("y");
    const Tensor<std::uint8_t> y = t.run(import_onnx(t.b));
    for (std::int64_t i = 0; i < y.size(); ++i)
      CHECK(y[i] == quantized(f(0.5 * (t.x[i] - 100), 0.25 * (c[i / 20 % 3] - 30)), 4, 50));
  };
  binary("QLinearAdd", [](double a, double b) { return a + b; });
  binary("QLinearMul", [](double a, double b) { return a * b; });
}

TEST_CASE("onnx: pools and concat of com.microsoft") {
  SUBCASE("average pool") {
    Quantized t;
    const auto xs = t.params("x", 0.5f, 100), ys = t.params("y", 0.25f, 60);
    const std::vector<OnnxAttribute> window{{"kernel_shape", std::vector<std::int64_t>{4, 5}}};
    t.b.node("QLinearAveragePool", list({{"x"}, xs, ys}), {"a"}, window, "com.microsoft");
    t.b.node("QLinearGlobalAveragePool", list({{"x"}, xs, ys}), {"g"}, {}, "com.microsoft").output("a").output("g");
    const std::vector<AnyTensor> out = run_plain(import_onnx(t.b), {t.x});
    for (std::int64_t i = 0; i < 6; ++i) {
      double sum = 0;
      for (std::int64_t p = 0; p < 20; ++p) sum += 0.5 * (t.x[i * 20 + p] - 100);
      for (const AnyTensor& y : out) {
        CHECK(y.shape() == Shape{2, 3, 1, 1});
        CHECK(y.view<std::uint8_t>()[i] == quantized(sum / 20, 0.25, 60));
      }
    }
  }
  SUBCASE("concat of different scales") {
    Quantized t;
    const auto xs = t.params("x", 0.5f, 100), cs = t.params("c", 2.0f, 10), ys = t.params("y", 1.0f, 80);
    t.b.initializer("c", Tensor<std::uint8_t>({1, 1, 4, 5}))
        .node("Expand", {"c", "s"}, {"e"})
        .integers("s", {2, 1, 4, 5});
    t.b.node("QLinearConcat", list({ys, {"x"}, xs, {"e"}, cs}), {"y"}, {{"axis", 1}}, "com.microsoft").output("y");
    const Tensor<std::uint8_t> y = t.run(import_onnx(t.b));
    REQUIRE(y.shape() == Shape{2, 4, 4, 5});
    for (std::int64_t i = 0; i < y.size(); ++i) {
      const std::int64_t c = i / 20 % 4;
      const double real = c == 3 ? 2.0 * (0 - 10) : 0.5 * (t.x[(i / 80 * 3 + c) * 20 + i % 20] - 100);
      CHECK(y[i] == quantized(real, 1, 80));
    }
  }
}

TEST_CASE("onnx: quantize and dequantize with constant parameters are conversions") {
  OnnxBuilder b;
  const Tensor<std::int8_t> w = random_integers<std::int8_t>({4, 3, 3, 3}, 2, -127, 127);
  const std::vector<float> scales{0.1f, 0.2f, 0.3f, 0.4f};
  b.input("x", {-1, 3, 8, 8}).scalar("s", 0.5f).initializer("z", Tensor<std::int8_t>(Shape{}, {3}));
  b.initializer("w", w).initializer("ws", Tensor<float>({4}, scales)).initializer("wz", Tensor<std::int8_t>({4}));
  b.node("QuantizeLinear", {"x", "s", "z"}, {"q"})
      .node("MaxPool", {"q"}, {"p"}, {{"kernel_shape", std::vector<std::int64_t>{2, 2}}});
  b.node("DequantizeLinear", {"p", "s", "z"}, {"d"}).node("DequantizeLinear", {"w", "ws", "wz"}, {"wd"}, {{"axis", 0}});
  b.node("Conv", {"d", "wd"}, {"c"}).output("c");
  const Model m = import_onnx(b, false);
  CHECK(count<Convert>(m) == 3);
  CHECK(count<QuantizeLinear>(m) + count<DequantizeLinear>(m) + count<Transpose>(m) == 0);
  for (const char* name : {"q", "p"}) {
    CHECK(m.value(m.find(name)).dtype == DType::i8);
    CHECK(m.value(m.find(name)).quant == QuantParams(0.5f, 3));
  }
  CHECK(m.value(m.find("w")).quant == QuantParams(scales, {0, 0, 0, 0}, 0));
  CHECK(m.value(m.find("w")).shape == Shape{4, 3, 3, 3});  // OHWI
  CHECK(m.value(m.find("w")).constant.view<std::int8_t>()[1] == w[9]);
  CHECK(m.value(m.find("wd")).dtype == DType::f32);
}

TEST_CASE("onnx: interpolation between codes of two scales rounds once") {
  Quantized t;
  const auto xs = t.params("x", 0.0204f, 127), ys = t.params("y", 0.0178f, 132);
  t.b.initializer("scales", Tensor<float>({4}, {1, 1, 2, 3}));
  t.b.node("DequantizeLinear", list({{"x"}, xs}), {"real"});
  t.b.node("Resize", {"real", "", "scales"}, {"larger"}, {{"mode", "linear"}});
  t.b.node("QuantizeLinear", list({{"larger"}, ys}), {"y"}).output("y");
  const Model m = import_onnx(t.b);
  const AnyTensor real = run_plain(m, {t.x})[0], codes = Executor(m).run(std::vector<AnyTensor>{t.x})[0];
  int different = 0;
  for (std::int64_t i = 0; i < real.size(); ++i)
    different += real.view<std::uint8_t>()[i] != codes.view<std::uint8_t>()[i];
  CHECK(different * 100 <= real.size());
}

TEST_CASE("onnx: averages and interpolations of codes that the file does not round are not rounded") {
  Quantized t;
  const auto xs = t.params("x", 0.02f, 127);
  t.b.initializer("scales", Tensor<float>({4}, {1, 1, 2, 3}));
  t.b.node("DequantizeLinear", list({{"x"}, xs}), {"real"});
  t.b.node("Resize", {"real", "", "scales"}, {"larger"}, {{"mode", "linear"}}).output("larger");
  t.b.node("AveragePool", {"real"}, {"mean"}, {{"kernel_shape", std::vector<std::int64_t>{3, 2}}}).output("mean");
  const Model m = import_onnx(t.b);
  const std::vector<AnyTensor> real = run_plain(m, {t.x}), found = Executor(m).run(std::vector<AnyTensor>{t.x});
  for (std::size_t o = 0; o < 2; ++o)
    for (std::int64_t i = 0; i < real[o].size(); ++i)
      CHECK(found[o].view<float>()[i] == doctest::Approx(real[o].view<float>()[i]).epsilon(1e-5));
}

TEST_CASE("onnx: the axis of the channels follows the order of dimensions") {
  OnnxBuilder b;
  b.input("x", {-1, 3, 4, 5}).node("MaxPool", {"x"}, {"p"}, {{"kernel_shape", std::vector<std::int64_t>{1, 1}}});
  b.initializer("s", Tensor<float>({3}, {0.5f, 1.0f, 2.0f})).initializer("z", Tensor<std::uint8_t>({3}, {10, 20, 30}));
  b.node("QuantizeLinear", {"p", "s", "z"}, {"q"})
      .node("DequantizeLinear", {"q", "s", "z"}, {"y"})
      .output("q")
      .output("y");
  const Tensor<float> x = random_tensor({2, 3, 4, 5}, 1, -20, 20);
  const Model m = import_onnx(b);
  CHECK(m.values[static_cast<std::size_t>(m.inputs[0])].shape[1] == 3);
  const std::vector<AnyTensor> out = run_plain(m, {x});
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const std::int64_t c = i / 20 % 3;
    const float scale = c == 0 ? 0.5f : c == 1 ? 1.0f : 2.0f;
    const std::uint8_t q =
        quantized(static_cast<double>(x[i]), static_cast<double>(scale), static_cast<int>(10 + 10 * c));
    CHECK(out[0].view<std::uint8_t>()[i] == q);
    CHECK(out[1].view<float>()[i] == scale * static_cast<float>(q - (10 + 10 * c)));
  }
}

TEST_CASE("onnx: integers of a quantized tensor used as plain numbers, and with other parameters") {
  for (const bool cast_first : {false, true}) {
    Quantized t;
    const auto s = t.params("a", 0.5f, 10), other = t.params("b", 0.25f, 0);
    if (cast_first) t.b.node("Cast", {"x"}, {"raw"}, {{"to", 1}});
    t.b.node("DequantizeLinear", list({{"x"}, s}), {"d"}).node("DequantizeLinear", list({{"x"}, other}), {"e"});
    if (!cast_first) t.b.node("Cast", {"x"}, {"raw"}, {{"to", 1}});
    t.b.output("raw").output("d").output("e");
    for (const bool optimize : {false, true}) {
      ExecutorOptions o;
      o.optimize = optimize;
      o.threads = 1;
      const std::vector<AnyTensor> out = Executor(import_onnx(t.b), o).run(std::vector<AnyTensor>{t.x});
      for (std::int64_t i = 0; i < t.x.size(); ++i) {
        CHECK(floats(out[0])[i] == t.x[i]);
        CHECK(floats(out[1])[i] == 0.5f * static_cast<float>(t.x[i] - 10));
        CHECK(floats(out[2])[i] == 0.25f * static_cast<float>(t.x[i]));
      }
    }
  }
}

TEST_CASE("onnx: invalid scales") {
  for (const float scale :
       {0.0f, -1.0f, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    OnnxBuilder b;
    b.input("x", {4}).scalar("s", scale).node("QuantizeLinear", {"x", "s"}, {"y"}).output("y");
    CHECK_THROWS_AS(import_onnx(b), FormatError);
  }
}
