#include <octet/operators/all.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/layer.hpp"
#include "support/onnx_builder.hpp"
#include "support/sorted.hpp"
#include "support/tflite_builder.hpp"

using namespace testing;

namespace {

/// The indices along the axis in sorted order, for all rows, by sorting all elements.
template <class T>
std::vector<std::int64_t> reference(const Tensor<T>& x, const TopK& op) {
  const Shape& s = x.shape();
  const int axis = static_cast<int>(op.axis < 0 ? op.axis + s.rank() : op.axis);
  const std::int64_t inner = s.product(axis + 1, s.rank());
  std::vector<std::int64_t> found(static_cast<std::size_t>(s.product(0, axis) * op.k * inner));
  each_sorted_row(x, axis, op.smallest, [&](std::int64_t o, std::int64_t i, const auto&, const auto& places) {
    for (std::int64_t k = 0; k < op.k; ++k)
      found[static_cast<std::size_t>((o * op.k + k) * inner + i)] = places[static_cast<std::size_t>(k)];
  });
  return found;
}

std::vector<std::int64_t> places(const AnyTensor& t) { return octet::detail::to_integers(t); }

template <class T>
void check(const Tensor<T>& x, const QuantParams& q = {}) {
  for (int axis = -x.shape().rank(); axis < x.shape().rank(); ++axis) {
    const int a = axis < 0 ? axis + x.shape().rank() : axis;
    for (std::int64_t k = 0; k <= x.shape()[a]; ++k)
      for (int options = 0; options < 4; ++options) {
        TopK op(k, axis, options & 1 ? DType::i32 : DType::i64);
        op.smallest = options & 2;
        CAPTURE(axis);
        CAPTURE(k);
        const std::vector<AnyTensor> y = run_layer(op, {Operand(x, q)}, {q});
        Shape s = x.shape();
        s[a] = k;
        REQUIRE(y[0].shape() == s);
        REQUIRE(y[1].shape() == s);
        CHECK(y[1].dtype() == op.to);
        const std::vector<std::int64_t> right = reference(x, op);
        CHECK(places(y[1]) == right);
        const std::int64_t inner = s.product(a + 1, s.rank());
        for (std::int64_t i = 0; i < y[0].size(); ++i) {
          const std::int64_t row = i / (k * inner), column = i % inner;
          const std::int64_t from = (row * x.shape()[a] + right[static_cast<std::size_t>(i)]) * inner + column;
          CHECK(y[0].view<T>()[i] == x[from]);
        }
      }
  }
}

}  // namespace

TEST_CASE("top k: any axis and k, all types, equal elements in the order of their index") {
  check(random_tensor({2, 3, 4}, 1));
  check(Tensor<float>({2, 3}, std::vector<float>(6, 1)));
  check(random_integers<std::uint8_t>({3, 7}, 2, 0, 3));
  check(random_integers<std::int64_t>({3, 1, 5}, 3, -2, 2));
  check(random_integers<std::int16_t>({9}, 4, -2, 2));
  check(random_integers<std::int8_t>({2, 5, 2}, 5, -128, 127), {0.25f, -3});
}

TEST_CASE("top k: NaN is larger than all numbers") {
  const Tensor<float> x({6}, std::vector<float>{1, not_a_number, infinity, -infinity, not_a_number, 1});
  TopK op(6);
  CHECK(places(run_layer(op, {x})[1]) == std::vector<std::int64_t>{1, 4, 2, 0, 5, 3});
  op.smallest = true;
  CHECK(places(run_layer(op, {x})[1]) == std::vector<std::int64_t>{3, 0, 5, 2, 1, 4});
}

TEST_CASE("top k: errors, and empty tensors") {
  CHECK(layer_error(TopK(4, 1), Tensor<float>({2, 3})) ==
        "layer 'y' (TopK): k is 4, but axis 1 of [2, 3] has only 3 elements");
  CHECK(layer_error(TopK(-1), Tensor<float>({2, 3})) == "layer 'y' (TopK): k is -1, expected at least 0");
  CHECK(layer_error(TopK(1, 0, DType::f32), Tensor<float>({2})) ==
        "layer 'y' (TopK): expected indices of type int64 or int32, found float32");
  CHECK(layer_error(TopK(std::int64_t{1} << 62), Tensor<float>({2})) != "");
  CHECK(layer_error(TopK(1, 2), Tensor<float>({2, 3})) != "");
  CHECK(layer_error(TopK(1), Tensor<float>({2, 0})) != "");
  CHECK(layer_error(TopK(1), Tensor<float>({0, 2})) == "");
  CHECK(layer_error(TopK(0), Tensor<float>({2, 0})) == "");
  Graph g;  // sizes that are known only in a run
  g.outputs = {g.add("y", TopK(4), {g.add_input("x", {Shape::unknown, Shape::unknown})})};
  CHECK(Executor(g).run({Tensor<float>({2, 5})})[0].shape() == Shape{2, 4});
  CHECK_THROWS_WITH_AS(Executor(g).run({Tensor<float>({2, 3})}),
                       "layer 'y' (TopK): k is 4, but axis 1 of [2, 3] has only 3 elements", ShapeError);
}

TEST_CASE("top k: from ONNX, with the file's order of dimensions") {
  const Tensor<float> x = random_tensor({1, 4, 5, 6}, 10);
  for (const int opset : {9, 10, 13})
    for (const int axis : {-3, 2, 3})
      for (const bool smallest : {false, true})
        for (const bool keep_layout : {false, true}) {
          CAPTURE(axis);
          CAPTURE(keep_layout);
          if (smallest && opset < 11) continue;
          OnnxBuilder b(opset);
          b.input("x", {1, 4, 5, 6}).node("MaxPool", {"x"}, {"p"}, {{"kernel_shape", std::vector<std::int64_t>{1, 1}}});
          std::vector<OnnxAttribute> attributes{{"axis", axis}};
          if (opset < 10) attributes.emplace_back("k", 3);
          if (opset > 10) attributes.emplace_back("largest", static_cast<int>(!smallest));
          std::vector<std::string> in{"p"};
          if (opset >= 10) in.push_back("k");
          b.integers("k", {3}).node("TopK", in, {"values", "indices"}, attributes);
          b.node("Flatten", {"values"}, {"v"}).node("Flatten", {"indices"}, {"i"}).output("v").output("i");
          TopK op(3, axis);
          op.smallest = smallest;
          Tensor<float> stored = x;
          if (!keep_layout) {
            stored = Tensor<float>(Shape{1, 5, 6, 4});
            for (std::int64_t c = 0; c < 4; ++c)
              for (std::int64_t p = 0; p < 30; ++p) stored[p * 4 + c] = x[c * 30 + p];
          }
          const std::vector<AnyTensor> y = run_plain(import_onnx(b, keep_layout), {AnyTensor(stored)});
          CHECK(places(y[1]) == reference(x, op));
          CHECK(floats(y[0])[0] == run_float(op, {x})[0]);
          CHECK(largest_difference(floats(y[0]).reshaped(run_float(op, {x}).shape()), run_float(op, {x})) == 0);
        }
  OnnxBuilder large;
  large.input("x", {2, 3}).integers("k", {4}).node("TopK", {"x", "k"}, {"v", "i"}).output("v");
  CHECK_THROWS_WITH(import_onnx(large), doctest::Contains("k is 4, but axis 1 of [2, 3] has only 3 elements"));
}

TEST_CASE("top k: from TFLite, float and quantized") {
  const Tensor<float> x = random_tensor({1, 4, 5}, 11);
  const Tensor<std::int8_t> q = random_integers<std::int8_t>({1, 4, 5}, 12, -4, 4);
  for (const bool quantized : {false, true}) {
    tflite::ModelBuilder b;
    const QuantParams scale = quantized ? QuantParams{0.1f, 3} : QuantParams{};
    const DType type = quantized ? DType::i8 : DType::f32;
    const int in = b.tensor("x", {1, 4, 5}, type, scale), v = b.tensor("v", {}, type, scale);
    const int i = b.tensor("i", {}, DType::i32);
    const int k = b.constant("k", Tensor<std::int32_t>(Shape{}, std::vector<std::int32_t>{2}));
    b.op("TOPK_V2", {in, k}, {v, i});
    const std::vector<AnyTensor> y =
        tflite::outputs(tflite::parse(b.finish({in}, {v, i})), {quantized ? AnyTensor(q) : AnyTensor(x)});
    CHECK(y[0].shape() == Shape{1, 4, 2});
    CHECK(y[1].dtype() == DType::i32);
    CHECK(places(y[1]) == (quantized ? reference(q, TopK(2)) : reference(x, TopK(2))));
  }
}

TEST_CASE("top k: in an int8 model") {
  Graph g;
  Convolution c;
  c.window = Window(1, 1);
  const int scores =
      g.add("scores", c, {g.add_input("x", {4, 8, 8, 3}), g.add_constant("w", random_tensor({6, 1, 1, 3}, 5))});
  g.add("best", TopK(2), {scores});
  g.outputs = g.nodes.back().outputs;
  const Tensor<float> x = random_tensor({4, 8, 8, 3}, 6);
  const std::vector<AnyTensor> right = Executor(g).run({AnyTensor(x)});
  const std::vector<AnyTensor> found = Executor(quantize<int8>(g, calibrate(g, {x}))).run({AnyTensor(x)});
  CHECK(largest_difference(floats(right[0]), floats(found[0])) < 0.05);
  std::int64_t same = 0;
  for (std::int64_t i = 0; i < right[1].size(); ++i)
    same += right[1].view<std::int64_t>()[i] == found[1].view<std::int64_t>()[i];
  CHECK(same >= right[1].size() * 9 / 10);
}
