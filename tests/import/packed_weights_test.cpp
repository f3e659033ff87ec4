#include <octet/operators/all.hpp>
#include <octet/passes/optimize.hpp>

#include "support/onnx_builder.hpp"
#include "support/packed_weights.hpp"
#include "support/tflite_builder.hpp"
#include "testing.hpp"

// Weights of 4 bits in ONNX and TFLite files.

using namespace octet;
using namespace testing;

namespace {

AnyTensor packed(DType t, const Tensor<int8>& codes) {
  return AnyTensor::make(t, codes.shape(), [&](std::byte* to) {
    for (std::int64_t i = 0; i < codes.size(); ++i) detail::store_bits(to, i, 4, static_cast<unsigned>(codes[i]) & 15u);
  });
}
Tensor<int8> codes_of(DType t, const Shape& s, unsigned seed) {
  return random_integers<int8>(s, seed, is_signed(t) ? -8 : 0, is_signed(t) ? 7 : 15);
}

std::uint8_t quantized(double real, double scale, int zero) {
  return static_cast<std::uint8_t>(std::clamp(std::nearbyint(real / scale) + zero, 0.0, 255.0));
}

/// The input and the result's parameters of a model in QDQ form.
OnnxBuilder qdq(std::vector<std::int64_t> shape) {
  OnnxBuilder b(21);
  b.input("x", std::move(shape), DType::u8).scalar("xs", 0.5f).scalar("ys", 2.0f);
  b.initializer("xz", Tensor<uint8>(Shape{}, {100})).initializer("yz", Tensor<uint8>(Shape{}, {120}));
  b.node("DequantizeLinear", {"x", "xs", "xz"}, {"xr"});
  return b;
}
Model finished(OnnxBuilder& b) { return import_onnx(b.node("QuantizeLinear", {"yr", "ys", "yz"}, {"y"}).output("y")); }

/// The model's result, which does not depend on optimization.
Tensor<uint8> result(const Model& m, const AnyTensor& x) {
  const AnyTensor plain = run_plain(m, {x})[0], fast = Executor(m).run(std::vector<AnyTensor>{x})[0];
  REQUIRE(plain.size_bytes() == fast.size_bytes());
  CHECK(std::memcmp(plain.data(), fast.data(), plain.size_bytes()) == 0);
  return Tensor<uint8>(fast.view<uint8>());
}

}  // namespace

TEST_CASE("onnx: Conv with weights of 4 bits, one scale or one for each channel, is an integer layer") {
  for (const DType t : {DType::i4, DType::u4})
    for (const bool per_channel : {false, true}) {
      CAPTURE(name(t));
      CAPTURE(per_channel);
      const Shape shape{3, 2, 3, 3};
      const Tensor<int8> w = codes_of(t, shape, 2);
      const std::int64_t n = per_channel ? 3 : 1;
      Tensor<float> scale(per_channel ? Shape{n} : Shape{});
      Tensor<int8> zero(scale.shape());
      for (std::int64_t i = 0; i < n; ++i) {
        scale[i] = 0.25f + 0.125f * static_cast<float>(i);
        zero[i] = static_cast<int8>(is_signed(t) ? 0 : 8 - i);
      }
      OnnxBuilder b = qdq({-1, 2, 5, 4});
      b.initializer(onnx_tensor("w", packed(t, w))).initializer("ws", scale);
      b.initializer(onnx_tensor("wz", packed(t, zero)));
      b.node("DequantizeLinear", {"w", "ws", "wz"}, {"wr"}, {{"axis", 0}});
      b.node("Conv", {"xr", "wr"}, {"yr"}, {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}});
      const Model m = finished(b);
      CHECK(packed_constants(m) == 1);
      const Graph g = optimize(m);
      CHECK(count<Convolution>(g) == 1);
      CHECK(count<Convert>(g) == 0);
      CHECK(packed_constants(g) == 1);
      const Tensor<uint8> x = random_integers<uint8>({2, 2, 5, 4}, 1, 0, 255), y = result(m, x);
      std::int64_t wrong = 0;
      for (std::int64_t i = 0; i < y.size(); ++i) {
        const std::int64_t o = i / 20 % 3, row = i / 4 % 5, column = i % 4, c = per_channel ? o : 0;
        int sum = 0;
        for (std::int64_t k = 0; k < 18; ++k) {
          const std::int64_t r = row + k / 3 % 3 - 1, p = column + k % 3 - 1;
          if (r < 0 || p < 0 || r >= 5 || p >= 4) continue;
          sum += (x[((i / 60 * 2 + k / 9) * 5 + r) * 4 + p] - 100) * (w[o * 18 + k] - zero[c]);
        }
        wrong += y[i] != quantized(sum * 0.5 * static_cast<double>(scale[c]), 2, 120);
      }
      CHECK(wrong == 0);
    }
}

TEST_CASE("onnx: MatMul and Gemm with weights of 4 bits") {
  for (const DType t : {DType::i4, DType::u4})
    for (const bool gemm : {false, true}) {
      CAPTURE(name(t));
      const Tensor<int8> w = codes_of(t, gemm ? Shape{3, 7} : Shape{7, 3}, 2);
      OnnxBuilder b = qdq({-1, 7});
      b.initializer(onnx_tensor("w", packed(t, w))).initializer("ws", Tensor<float>({3}, {0.25f, 0.5f, 0.75f}));
      b.initializer(onnx_tensor("wz", packed(t, Tensor<int8>({3}))));
      b.node("DequantizeLinear", {"w", "ws", "wz"}, {"wr"}, {{"axis", gemm ? 0 : 1}});
      if (gemm)
        b.node("Gemm", {"xr", "wr"}, {"yr"}, {{"transB", 1}});
      else
        b.node("MatMul", {"xr", "wr"}, {"yr"});
      const Model m = finished(b);
      CHECK(packed_constants(optimize(m)) == 1);
      for (const std::int64_t rows : {1, 9}) {
        const Tensor<uint8> x = random_integers<uint8>({rows, 7}, 1, 0, 255), y = result(m, x);
        for (std::int64_t i = 0; i < y.size(); ++i) {
          int sum = 0;
          for (std::int64_t k = 0; k < 7; ++k) sum += (x(i / 3, k) - 100) * (gemm ? w(i % 3, k) : w(k, i % 3));
          CHECK(y[i] == quantized(sum * 0.5 * 0.25 * static_cast<double>(i % 3 + 1), 2, 120));
        }
      }
    }
}

TEST_CASE("onnx: MatMul of floats with weights of 4 bits and a scale for each block") {
  for (const DType t : {DType::i4, DType::u4})
    for (const std::int64_t block : {32, 64}) {
      constexpr std::int64_t k = 128, n = 70;
      const Tensor<int8> w = codes_of(t, {k, n}, 2), zero = codes_of(t, {k / block, n}, 3);
      const Tensor<float> scale = random_tensor({k / block, n}, 4, 0.01f, 0.1f), x = random_tensor({2, k}, 5);
      OnnxBuilder b(21);
      b.input("x", {-1, k}).initializer(onnx_tensor("w", packed(t, w))).initializer("ws", scale);
      b.initializer(onnx_tensor("wz", packed(t, zero)));
      b.node("DequantizeLinear", {"w", "ws", "wz"}, {"wr"}, {{"axis", 0}, {"block_size", block}});
      b.node("MatMul", {"x", "wr"}, {"y"}).output("y");
      const Model m = import_onnx(b);
      CHECK(count<FullyConnected>(optimize(m)) == 1);
      CHECK(optimize(m).nodes.size() == 1);  // the weights are computed once
      const Tensor<float> y = floats(Executor(m).run(std::vector<AnyTensor>{x})[0]);
      for (std::int64_t i = 0; i < y.size(); ++i) {
        double sum = 0;
        for (std::int64_t j = 0; j < k; ++j)
          sum += static_cast<double>(x(i / n, j)) * (w(j, i % n) - zero(j / block, i % n)) *
                 static_cast<double>(scale(j / block, i % n));
        CHECK(static_cast<double>(y[i]) == doctest::Approx(sum).epsilon(1e-4).scale(1));
      }
    }
}

TEST_CASE("onnx: a large matrix of 4 bits with one scale for each block is also computed once") {
  constexpr std::int64_t k = 1024, n = 512, block = 128;  // 2 MB as floats, 8 times what the file has
  OnnxBuilder b(21);
  b.input("x", {-1, k}).initializer(onnx_tensor("w", packed(DType::i4, codes_of(DType::i4, {k, n}, 2))));
  b.initializer("ws", random_tensor({k / block, n}, 4, 0.01f, 0.1f));
  b.node("DequantizeLinear", {"w", "ws"}, {"wr"}, {{"axis", 0}, {"block_size", block}});
  b.node("MatMul", {"x", "wr"}, {"y"}).output("y");
  CHECK(optimize(import_onnx(b)).nodes.size() == 1);
}

TEST_CASE("tflite: convolutions and fully connected layers with int4 weights give the bits of int8 weights") {
  using namespace testing::tflite;
  struct Layer {
    const char* type;
    Shape x, w;
    int axis;
    std::vector<Option> options;
  };
  const std::vector<Layer> layers{
      {"CONV_2D", {1, 5, 4, 3}, {5, 3, 3, 3}, 0, convolution_options(same, 1)},
      {"DEPTHWISE_CONV_2D", {1, 5, 4, 3}, {1, 3, 3, 6}, 3, depthwise_options(same, 1, 2)},
      {"DEPTHWISE_CONV_2D", {1, 5, 4, 3}, {1, 1, 1, 3}, 3, depthwise_options(same, 1, 1)},
      {"FULLY_CONNECTED", {1, 21}, {5, 21}, 0, {byte(0, 0)}},
  };
  for (const Layer& l : layers)
    for (const bool per_channel : {true, false})
      for (const bool real : {false, true}) {  // float activations, quantized at run time
        if (real && std::string(l.type) != "FULLY_CONNECTED" && !per_channel) continue;
        CAPTURE(l.type);
        CAPTURE(per_channel);
        CAPTURE(real);
        const std::int64_t out = l.w[l.axis];
        QuantParams q{{}, {}, per_channel ? l.axis : -1};
        for (std::int64_t i = 0; i < (per_channel ? out : 1); ++i) {
          q.scale.push_back(0.1f + 0.01f * static_cast<float>(i));
          q.zero_point.push_back(0);
        }
        const Tensor<int8> codes = random_integers<int8>(l.w, 2, -8, 7);
        const auto file = [&](const AnyTensor& w) {
          ModelBuilder b;
          const DType type = real ? DType::f32 : DType::i8;
          const int x = b.tensor("x", l.x, type, real ? QuantParams() : QuantParams(0.02f, -20));
          const int weights = b.constant("w", w, q);
          const int bias = real ? b.constant("b", random_tensor({out}, 3))
                                : b.constant("b", random_integers<int32>({out}, 3, -2000, 2000));
          const int y = b.tensor("y", {}, type, real ? QuantParams() : QuantParams(0.1f, -10));
          b.op(l.type, {x, weights, bias}, {y}, l.options);
          return parse(b.finish({x}, {y}));
        };
        const Model four = file(packed(DType::i4, codes)), eight = file(codes);
        CHECK(packed_constants(four) == 1);
        const AnyTensor in =
            real ? AnyTensor(random_tensor(l.x, 4)) : AnyTensor(random_integers<int8>(l.x, 4, -128, 127));
        const AnyTensor a = outputs(four, {in})[0], b = outputs(eight, {in})[0];
        REQUIRE(a.size_bytes() == b.size_bytes());
        CHECK(std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
        CHECK(std::memcmp(a.data(), outputs(with_whole_bytes(four), {in})[0].data(), a.size_bytes()) == 0);
      }
}

TEST_CASE("tflite: int4 weights that are too short, or have a zero point out of range, are refused") {
  using namespace testing::tflite;
  for (const bool zero : {false, true}) {
    ModelBuilder b;
    const int x = b.tensor("x", {1, 21}, DType::i8, QuantParams(0.02f, -20));
    const int w =
        b.constant("w", packed(DType::i4, random_integers<int8>({5, 21}, 2, -8, 7)), QuantParams(0.1f, zero ? 8 : 0));
    if (!zero) b.declare(w, {5, 22});
    const int y = b.tensor("y", {}, DType::i8, QuantParams(0.1f, -10));
    b.op("FULLY_CONNECTED", {x, w, -1}, {y}, {byte(0, 0)});
    const auto file = b.finish({x}, {y});
    CHECK_THROWS_AS(Executor(parse(file)), Error);
  }
}
