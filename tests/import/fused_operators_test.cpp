#include <octet/operators/all.hpp>

#include "support/layer.hpp"
#include "support/messages.hpp"
#include "support/onnx_builder.hpp"

// Operators that ONNX Runtime writes where it has joined several: each gives what the operators give that it joins.
namespace {

using namespace testing;

using Attributes = std::vector<OnnxAttribute>;

Tensor<float> result_of(const OnnxBuilder& b, const std::vector<AnyTensor>& in) {
  return floats(run_plain(import_onnx(b), in)[0]);
}

void check_same(const Tensor<float>& x, const Tensor<float>& y) {
  REQUIRE(x.shape() == y.shape());
  for (std::int64_t i = 0; i < x.size(); ++i) CHECK(x[i] == doctest::Approx(y[i]).epsilon(1e-5));
}

/// A convolution with that activation, joined or followed by `type`; with or without a sum before it.
OnnxBuilder convolution(bool fused, bool sum, const char* type, Attributes joined, const Attributes& apart) {
  OnnxBuilder b(11);
  b.input("x", {2, 3, 5, 4}).initializer("w", random_tensor({3, 3, 3, 3}, 1)).initializer("b", random_tensor({3}, 2));
  joined.emplace_back("pads", std::vector<std::int64_t>{1, 1, 1, 1});
  if (fused) {
    if (*type) joined.emplace_back("activation", type);
    std::vector<std::string> in{"x", "w", "b"};
    if (sum) in.push_back("x");
    return b.node("FusedConv", in, {"y"}, joined, "com.microsoft").output("y");
  }
  b.node("Conv", {"x", "w", "b"}, {"c"}, {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}});
  if (sum) b.node("Add", {"c", "x"}, {"s"});
  if (!*type) return b.output(sum ? "s" : "c");
  return b.node(type, {sum ? "s" : "c"}, {"y"}, apart).output("y");
}

}  // namespace

TEST_CASE("fused operators: convolutions with a sum and a function") {
  const std::vector<AnyTensor> x{random_tensor({2, 3, 5, 4}, 3)};
  const auto check = [&](const char* type, const Attributes& joined = {}, const Attributes& apart = {}) {
    CAPTURE(std::string(type));
    for (const bool sum : {false, true})
      check_same(result_of(convolution(true, sum, type, joined, apart), x),
                 result_of(convolution(false, sum, type, {}, apart), x));
  };
  check("");
  check("Relu");
  check("Tanh");
  check("Sigmoid");
  check("LeakyRelu", {{"activation_params", std::vector<float>{0.2f}}}, {{"alpha", 0.2f}});
  check("HardSigmoid", {{"activation_params", std::vector<float>{0.3f, 0.4f}}}, {{"alpha", 0.3f}, {"beta", 0.4f}});
  CHECK(contains(message([&] { import_onnx(convolution(true, false, "Sine", {}, {})); }),
                 "activation 'Sine' is not supported"));
  const Tensor<float> y =
      result_of(convolution(true, false, "Clip", {{"activation_params", std::vector<float>{-0.5f, 0.25f}}}, {}), x);
  const Tensor<float> plain = result_of(convolution(false, false, "", {}, {}), x);
  for (std::int64_t i = 0; i < y.size(); ++i)
    CHECK(y[i] == doctest::Approx(std::clamp(plain[i], -0.5f, 0.25f)).epsilon(1e-5));
}

TEST_CASE("fused operators: products with a function, and of transposed matrices") {
  const Tensor<float> x = random_tensor({2, 3}, 1), w = random_tensor({4, 3}, 2), c = random_tensor({4}, 3);
  OnnxBuilder gemm;
  gemm.input("x", {2, 3}).initializer("w", w).initializer("c", c);
  gemm.node("FusedGemm", {"x", "w", "c"}, {"y"},
            {{"transB", 1}, {"alpha", 0.5f}, {"activation", "LeakyRelu"}, {"activation_alpha", 0.1f}}, "com.microsoft");
  const Tensor<float> y = result_of(gemm.output("y"), {AnyTensor(x)});
  for (std::int64_t i = 0; i < 2; ++i)
    for (std::int64_t j = 0; j < 4; ++j) {
      const float sum = 0.5f * (x(i, 0) * w(j, 0) + x(i, 1) * w(j, 1) + x(i, 2) * w(j, 2)) + c[j];
      CHECK(y(i, j) == doctest::Approx(sum < 0 ? 0.1f * sum : sum).epsilon(1e-5));
    }

  const Tensor<float> a = random_tensor({2, 3, 5}, 4), b = random_tensor({2, 4, 3}, 5);
  for (const bool constant : {false, true}) {
    OnnxBuilder product;
    product.input("a", {2, 3, 5});
    constant ? product.initializer("b", b) : product.input("b", {2, 4, 3});
    product.node("FusedMatMul", {"a", "b"}, {"y"}, {{"transA", 1}, {"transB", 1}, {"alpha", 2.0f}}, "com.microsoft");
    std::vector<AnyTensor> in{AnyTensor(a)};
    if (!constant) in.emplace_back(b);
    const Tensor<float> z = result_of(product.output("y"), in);
    REQUIRE(z.shape() == Shape{2, 5, 4});
    for (std::int64_t n = 0; n < 2; ++n)
      for (std::int64_t i = 0; i < 5; ++i)
        for (std::int64_t j = 0; j < 4; ++j) {
          float sum = 0;
          for (std::int64_t k = 0; k < 3; ++k) sum += a(n, k, i) * b(n, j, k);
          CHECK(z(n, i, j) == doctest::Approx(2 * sum).epsilon(1e-5));
        }
  }
}

TEST_CASE("fused operators: functions of a sum") {
  const Tensor<float> x = random_tensor({2, 3, 4}, 1, -3, 3), bias = random_tensor({4}, 2);
  const auto check = [&](const char* type, const Attributes& attributes, bool biased, double (*right)(double)) {
    CAPTURE(std::string(type));
    OnnxBuilder b;
    b.input("x", {2, 3, 4}).initializer("b", bias);
    std::vector<std::string> in{"x"};
    if (biased) in.push_back("b");
    const Tensor<float> y = result_of(b.node(type, in, {"y"}, attributes, "com.microsoft").output("y"), {AnyTensor(x)});
    for (std::int64_t i = 0; i < x.size(); ++i)
      CHECK(static_cast<double>(y[i]) ==
            doctest::Approx(right(static_cast<double>(x[i] + (biased ? bias[i % 4] : 0)))).epsilon(1e-5));
  };
  const auto by_tanh = [](double v) {
    return 0.5 * v * (1 + std::tanh(0.7978845608028654 * (v + 0.044715 * v * v * v)));
  };
  check("BiasGelu", {}, true, [](double v) { return 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))); });
  check("FastGelu", {}, true, by_tanh);
  check("FastGelu", {}, false, by_tanh);
  check("QuickGelu", {{"alpha", 1.5f}}, false, [](double v) { return v / (1 + std::exp(-1.5 * v)); });
}
