#include <octet/comparison/compare.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/exported.hpp"
#include "support/onnx_builder.hpp"

// Whether a model is taken for a quantized one: if it computes with integers.

using namespace testing;

namespace {

/// A convolution whose weights are stored as integers, with one scale or one for each channel.
Model stored_as_integers(bool per_channel) {
  OnnxBuilder b;
  b.input("x", {1, 3, 6, 6}).initializer("codes", random_integers<std::int8_t>({4, 3, 3, 3}, 1, -127, 127));
  if (per_channel)
    b.initializer("scale", Tensor<float>({4}, {0.01f, 0.02f, 0.03f, 0.04f}));
  else
    b.scalar("scale", 0.01f);
  b.node("DequantizeLinear", {"codes", "scale"}, {"w"}, {{"axis", 0}}).node("Conv", {"x", "w"}, {"y"});
  return import_onnx(b.output("y"));
}

}  // namespace

TEST_CASE("quantized form: weights that are only stored as integers are those of a float model") {
  for (const bool per_channel : {false, true}) {
    const Model m = stored_as_integers(per_channel);
    CHECK(quantized_form(m) == "");
    const Model q = quantize<int8>(m, calibrate(m, {random_tensor({1, 3, 6, 6}, 2)}));  // it can be quantized
    CHECK(quantized_form(q) == "int8");
    CHECK(quantized_form(through(q, Format::onnx)) == "int8");
  }
}

TEST_CASE("quantized form: dynamic range is found in files of every format") {
  WeightOptions every_size;
  every_size.least_elements = 0;
  const Model q = quantize<dynamic_range>(stored_as_integers(true), every_size);
  CHECK(quantized_form(q) == "dynamic_range");
  for (Format f : {Format::onnx, Format::tflite}) CHECK(quantized_form(through(q, f)) == "dynamic_range");
}

TEST_CASE("quantized form: what a file computes with integers keeps its numbers when it is quantized") {
  WeightOptions every_size;
  every_size.least_elements = 0;
  const Model m = through(quantize<dynamic_range>(stored_as_integers(true), every_size), Format::onnx);
  const Tensor<float> x = random_tensor(m.value(m.inputs[0]).shape, 3);
  const Model q = quantize<int8>(m, calibrate(m, {x}));
  CHECK(difference({run_model(m, {AnyTensor(x)})[0]}, {run_model(q, {AnyTensor(x)})[0]}).relative() < 1e-6);
}
