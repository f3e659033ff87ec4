#include <octet/runtime/executor.hpp>

#include "support/messages.hpp"
#include "support/onnx_builder.hpp"
#include "support/tflite_builder.hpp"
#include "testing.hpp"

// Models that compute with sizes which their file leaves open: at run time, or with shapes that are given.

using namespace testing;

namespace {

/// x / (its width + 1) - height / 2, after a convolution, so that images are stored with channels last.
OnnxBuilder scaled_by_sizes() {
  OnnxBuilder b;
  b.input("x", {1, 2, -1, -1}).initializer("w", Tensor<float>({2, 2, 1, 1}, {1, 0, 0, 1}));
  b.node("Conv", {"x", "w"}, {"c"}).node("Shape", {"c"}, {"s"});
  b.initializer("three", Tensor<std::int64_t>({1}, {3})).initializer("two", Tensor<std::int64_t>(Shape{}, {2}));
  b.initializer("one", Tensor<std::int64_t>({1}, {1}));
  b.node("Gather", {"s", "three"}, {"width"}).node("Add", {"width", "one"}, {"more"});
  b.node("Cast", {"more"}, {"divisor"}, {{"to", 1}}).node("Div", {"c", "divisor"}, {"scaled"});
  b.node("Gather", {"s", "two"}, {"height"}).node("Div", {"height", "two"}, {"half"});
  b.node("Cast", {"half"}, {"shift"}, {{"to", 1}}).node("Sub", {"scaled", "shift"}, {"y"});
  return b.output("y");
}

/// [1, 2 w h]: the sum of x and a constant of as many elements.
OnnxBuilder sum_of_shape() {
  OnnxBuilder b;
  b.input("x", {-1, 2, -1, -1}).initializer("minus", Tensor<std::int64_t>({1}, {-1}));
  b.node("Shape", {"x"}, {"s"}).node("ConstantOfShape", {"s"}, {"zeros"});
  b.node("Add", {"x", "zeros"}, {"y"});
  return b.output("y");
}

Model import_with(const OnnxBuilder& b, const Shape& shape, const char* input = "x") {
  LoadOptions o;
  o.keep_layout = true;
  o.input_shapes = {{input, shape}};
  const Bytes file = b.bytes();
  const std::vector<std::uint8_t> bytes(file.begin(), file.end());
  return parse_onnx(bytes, "test.onnx", o);
}

}  // namespace

TEST_CASE("unknown sizes: arithmetic on them is done in each run") {
  for (const bool keep_layout : {true, false}) {
    const Model m = import_onnx(scaled_by_sizes(), keep_layout);
    Executor run(m);
    for (const Shape& image : {Shape{1, 2, 3, 5}, Shape{1, 2, 4, 3}}) {
      const Shape stored = keep_layout ? image : Shape{1, image[2], image[3], 2};
      const Tensor<float> x = random_tensor(stored, 3), y = run(x);
      REQUIRE(y.shape() == stored);
      const auto divisor = static_cast<float>(image[3] + 1), shift = static_cast<float>(image[2] / 2);
      for (std::int64_t i = 0; i < x.size(); ++i) CHECK(y[i] == doctest::Approx(x[i] / divisor - shift).epsilon(1e-6));
    }
  }
}

TEST_CASE("unknown sizes: shapes that are given make tensors of computed shapes possible") {
  const std::string error = message([&] { import_onnx(sum_of_shape()); });
  CHECK(has(error, {"node of zeros", "LoadOptions::input_shapes", "octet convert --shape"}));
  const Model m = import_with(sum_of_shape(), {1, 2, 3, 4});
  CHECK(m.value(m.inputs[0]).shape == Shape{1, 2, 3, 4});
  const Tensor<float> x = random_tensor({1, 2, 3, 4}, 1);
  CHECK(largest_difference(Executor(m)(x), x) == 0);

  const Model part = import_with(scaled_by_sizes(), {1, Shape::unknown, Shape::unknown, 7});
  CHECK(part.value(part.inputs[0]).shape == Shape{1, 2, Shape::unknown, 7});
}

TEST_CASE("unknown sizes: shapes that the file does not allow are errors") {
  const auto error = [](const Shape& s, const char* input = "x") {
    return message([&] { import_with(sum_of_shape(), s, input); });
  };
  CHECK(has(error({1, 3, 4, 4}), {"input 'x'", "the shape [1, 3, 4, 4] was given", "the file says [?, 2, ?, ?]"}));
  CHECK(has(error({1, 2, 4}), {"the shape [1, 2, 4] was given"}));
  CHECK(has(error({1, 2, 4, 4}, "image"), {"the shape of input 'image' was given", "the inputs are 'x'"}));
}

TEST_CASE("unknown sizes: shapes for TFLite") {
  tflite::ModelBuilder b;
  const int x = b.tensor("x", {1, 4}), y = b.tensor("y", {1, 4});
  b.op("RELU", {x}, {y});
  const std::vector<std::uint8_t> file = b.finish({x}, {y});
  LoadOptions o;
  o.input_shapes = {{"x", {3, 4}}};
  const Model m = parse_tflite(file, "test.tflite", o);
  CHECK(m.value(m.inputs[0]).shape == Shape{3, 4});
  o.input_shapes = {{"x", {1, 5}}};
  CHECK(has(message([&] { parse_tflite(file, "test.tflite", o); }), {"[1, 5] was given", "[?, 4]"}));
}
