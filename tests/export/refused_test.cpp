#include <octet/operators/all.hpp>

#include "support/exported.hpp"

// What TFLite cannot say is an error, not a file with other numbers, or one that cannot be read.

using namespace octet;
using namespace testing;

TEST_CASE("export: TFLite has no averages that count a part of the padding") {
  Graph g;
  AveragePool pool;
  pool.window = Window(3, 3, 2, 1);
  pool.include_padding = true;
  const int x = g.add_input("x", {1, 6, 6, 4});
  g.outputs = {g.add("mean", pool, {x})};  // the last windows end in the image
  CHECK(difference_through(g, Format::tflite, random_inputs(g, 1)).relative() < 1e-5);
  pool.window.ceil_mode = true;  // now they have a pixel of padding, and one beyond, which does not count
  g.outputs = {g.add("larger", pool, {x})};
  CHECK(difference_through(g, Format::onnx, random_inputs(g, 1)).relative() < 1e-5);
  CHECK_THROWS_WITH_AS(write_tflite(g), doctest::Contains("layer 'larger'"), FormatError);
}

TEST_CASE("export: integer biases of float layers are refused") {
  Graph g;
  const int w = g.add_constant("w", random_tensor({4, 1, 1, 3}, 1));
  const int b = g.add_constant("b", Tensor<std::int32_t>({4}, {1, 2, 3, 4}));
  g.outputs = {g.add("conv", Convolution(), {g.add_input("x", {1, 6, 6, 3}), w, b})};
  for (Format f : {Format::onnx, Format::tflite})
    CHECK_THROWS_WITH_AS(written(g, f), doctest::Contains("int32 bias 'b'"), FormatError);
}

TEST_CASE("export: TFLite has no 16-bit codes with a zero point") {
  Graph g;
  const int codes = g.add("codes", Convert(DType::i16), {g.add_input("x", {1, 6, 6, 3})});
  g.value(codes).quant = QuantParams(1e-4f, -20000);
  g.outputs = {g.add("y", Convert(DType::f32), {codes})};
  CHECK_THROWS_WITH_AS(write_tflite(g), doctest::Contains("'codes' has 16-bit codes with the zero point -20000"),
                       FormatError);
}

TEST_CASE("export: TFLite has no transposed convolutions with pixels beyond the whole result, in any dimension") {
  Graph g;
  TransposedConvolution c;
  c.window = Window(1, 4, 2, 0);
  c.window.strides = {2, 1};
  c.window.padding = Window::Padding::same_lower;  // 18 rows, of which 17 are written; 6 of 9 columns
  const int w = g.add_constant("w", random_tensor({5, 1, 4, 3}, 1));
  g.outputs = {g.add("up", c, {g.add_input("x", {1, 9, 6, 3}), w})};
  REQUIRE(g.value(g.outputs[0]).shape == Shape{1, 18, 6, 5});
  CHECK_THROWS_WITH_AS(write_tflite(g), doctest::Contains("layer 'up'"), FormatError);
}
