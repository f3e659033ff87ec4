#include <octet/operators/all.hpp>

#include "support/layer.hpp"
#include "support/messages.hpp"
#include "support/onnx_builder.hpp"

using namespace testing;

namespace {

using Integers = std::vector<std::int64_t>;

std::vector<float> list(const AnyTensor& t) {
  const Tensor<float> f = floats(t);
  return {f.begin(), f.end()};
}

}  // namespace

TEST_CASE("unpool: the examples of ONNX, without and with the size of the output") {
  Unpool op;
  op.window = Window(2, 2, 2);
  const Tensor<float> x({1, 2, 2, 1}, {1, 2, 3, 4});
  const Tensor<std::int64_t> at({1, 2, 2, 1}, {5, 7, 13, 15});
  CHECK(list(run_layer(op, {x, at})[0]) == std::vector<float>{0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4});
  op.sizes = {5, 5};
  const std::vector<float> larger{0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 4, 0, 0, 0, 0, 0, 0};
  CHECK(list(run_layer(op, {x, at})[0]) == larger);
  op.sizes = {2, 4};  // what is outside is left out
  CHECK(list(run_layer(op, {x, at})[0]) == std::vector<float>{0, 0, 0, 0, 0, 1, 0, 2});
  const Tensor<std::int64_t> odd({1, 2, 2, 1}, {-1, std::numeric_limits<std::int64_t>::max(), 0, 1});
  CHECK(list(run_layer(op, {x, odd})[0]) ==
        std::vector<float>{3, 4, 0, 0, 0, 0, 0, 0});  // the second is in the last row
}

TEST_CASE("unpool: from ONNX, what MaxPool has chosen, in both orders of dimensions") {
  const Tensor<float> x = random_tensor({2, 3, 4, 6}, 1);
  for (const bool keep : {true, false}) {
    OnnxBuilder b;
    const std::vector<OnnxAttribute> window{{"kernel_shape", Integers{2, 3}}, {"strides", Integers{2, 3}}};
    b.input("x", {2, 3, 4, 6}).node("MaxPool", {"x"}, {"p", "i"}, window);
    b.node("MaxUnpool", {"p", "i"}, {"y"}, window).integers("flat", {-1}).node("Reshape", {"y", "flat"}, {"f"});
    AnyTensor in = x;
    if (!keep) {
      Tensor<float> nhwc(Shape{2, 4, 6, 3});
      for (std::int64_t i = 0; i < x.size(); ++i) nhwc[i] = x[i / 72 * 72 + i % 3 * 24 + i / 3 % 24];
      in = nhwc;
    }
    const std::vector<float> y = list(run_plain(import_onnx(b.output("f"), keep), {in})[0]);
    for (std::int64_t i = 0; i < x.size(); ++i) {
      const std::int64_t row = i / 6 % 4 / 2 * 2, column = i % 6 / 3 * 3, image = i / 24 * 24;
      float most = -9;
      for (std::int64_t k = 0; k < 6; ++k) most = std::max(most, x[image + (row + k / 3) * 6 + column + k % 3]);
      CHECK(y[static_cast<std::size_t>(i)] == (x[i] == most ? x[i] : 0));
    }
  }
  const auto error = [](const std::vector<OnnxAttribute>& attributes, const Integers& shape) {
    OnnxBuilder b;
    b.input("x", {1, 1, 2, 2}).input("i", {1, 1, 2, 2}, DType::i64).integers("s", shape);
    b.node("MaxUnpool", {"x", "i", "s"}, {"y"}, attributes).output("y");
    return message([&] { import_onnx(b); });
  };
  const OnnxAttribute window("kernel_shape", Integers{2, 2});
  CHECK(error({window}, {1, 1, 3, 3}) == "");
  CHECK(contains(error({window}, {1, 3, 3}), "has 3 entries, expected 4"));
  CHECK(contains(error({window}, {1, 1, -3, 3}), "a size is -3"));
  CHECK(
      contains(error({window, {"pads", Integers{5, 0, 0, 0}}}, {1, 1, 3, 3}), "has the size -2, expected at least 1"));
  CHECK(contains(error({{"kernel_shape", Integers{2}}}, {1, 1, 3, 3}), "1 spatial dimensions"));
  CHECK(contains(error({window, {"auto_pad", "SAME_UPPER"}}, {1, 1, 3, 3}), "given padding"));
}
