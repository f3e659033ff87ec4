#include <octet/operators/all.hpp>
#include <octet/passes/optimize.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/judge.hpp"

// Transposed convolutions of images and of rows, in groups, in every form: written, read again, and run by others.

using namespace octet;
using namespace testing;

namespace {

Graph network(int dimensions, std::int64_t groups) {
  Graph g;
  TransposedConvolution c;
  c.window = Window(3, 3, 2, 1);
  c.groups = groups;
  Shape image{1, 6, 5, 8}, weights{12, 3, 3, 8 / groups};
  if (dimensions == 1) {
    c.window.kernel = {3};
    c.window.strides = {2};
    c.window.dilations = {1};
    c.window.pads_before = c.window.pads_after = {1};
    image = {1, 6, 8};
    weights = {12, 3, 8 / groups};
  }
  Tensor<float> w = random_tensor(weights, 1, -1, 1);
  for (std::int64_t i = 0; i < w.size(); ++i)  // each channel has a scale of its own
    w[i] *= static_cast<float>(1 + i * 12 / w.size());
  const int x = g.add_input("x", image);
  g.outputs = {g.add("up", c, {x, g.add_constant("w", w), g.add_constant("b", random_tensor({12}, 2, -1, 1))})};
  return g;
}

/// Whether the weights are integers.
bool has_codes(const Model& m) {
  for (const Node& n : m.nodes)
    if (n.op->type() == std::string(TransposedConvolution::type_name)) return is_byte(m.value(n.inputs[1]).dtype);
  return false;
}

/// Adds each form to the judge, if there is one, and reads it again.
void check(Format f, Judge& judge) {
  WeightOptions every_size;
  every_size.least_elements = 0;
  for (const int dimensions : {1, 2})
    for (const std::int64_t groups : {1, 4}) {
      if (f == Format::tflite && groups > 1) continue;  // which it does not have
      const Graph g = network(dimensions, groups);
      const Tensor<float> x = random_tensor(g.value(g.inputs[0]).shape, 3, -1, 1);
      const Model dynamic = quantize<dynamic_range>(g, every_size), codes = quantize<int8>(g, calibrate(g, {x}));
      const std::string name = std::to_string(dimensions) + " dimensions, groups: " + std::to_string(groups);
      CAPTURE(name);
      for (const Model* m : {&dynamic, &codes}) {
        CHECK(has_codes(*m));
        CHECK(difference_through(*m, f, {AnyTensor(x)}).relative() <= 1e-2);
        if (judge.ready()) judge.add(name + (m == &dynamic ? ", dynamic range" : ", int8"), *m, {0.01});
      }
      CHECK(difference_through(dynamic, f, {AnyTensor(x)}).relative() <= 1e-5);
    }
  if (judge.ready()) judge.judge();
}

}  // namespace

TEST_CASE("export: transposed convolutions in groups, of rows and with a float input, in ONNX") {
  Judge judge(Format::onnx);
  check(Format::onnx, judge);
}
TEST_CASE("export: transposed convolutions with a float input in TFLite") {
  Judge judge(Format::tflite);
  check(Format::tflite, judge);
}

TEST_CASE("export: transposed convolutions in groups with one scale stay integer through an ONNX file") {
  const Graph g = network(2, 4);
  const Tensor<float> x = random_tensor({1, 6, 5, 8}, 3, -1, 1);
  Int8Options o;
  o.per_channel = false;
  const Model m = quantize<int8>(g, calibrate(g, {x}), o);
  CHECK(has_codes(optimize(through(m, Format::onnx))));
  CHECK(difference_through(m, Format::onnx, {AnyTensor(x)}).worst == 0);
}
