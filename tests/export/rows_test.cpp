#include <octet/operators/all.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/judge.hpp"

// Layers over rows [N, W, C], as of sound, are written to TFLite as layers over images with a height of 1.

using namespace octet;
using namespace testing;

namespace {

Window window(std::int64_t kernel, std::int64_t stride = 1, std::int64_t dilation = 1, std::int64_t before = 0,
              std::int64_t after = 0) {
  Window w;
  w.kernel = {kernel};
  w.strides = {stride};
  w.dilations = {dilation};
  w.pads_before = {before};
  w.pads_after = {after};
  return w;
}

int convolution(Graph& g, const char* name, int v, std::int64_t out, const Window& w, std::int64_t groups = 1) {
  Convolution c;
  c.window = w;
  c.groups = groups;
  c.activation.low = 0;
  const std::int64_t in = g.value(v).shape.back() / groups;
  const int weights = g.add_constant(std::string(name) + "/w", random_tensor({out, w.kernel[0], in}, 1, -1, 1));
  return g.add(name, c, {v, weights, g.add_constant(std::string(name) + "/b", random_tensor({out}, 2, -1, 1))});
}

/// Convolutions with every kind of padding, in groups and of channels, a sum, pools, and a transposed convolution.
Model network() {
  Graph g;
  const int x = g.add_input("x", {Shape::unknown, 64, 6});
  int v = convolution(g, "first", x, 8, window(5, 2, 1, 2, 1));
  const int depthwise = convolution(g, "depthwise", v, 8, window(3, 1, 2, 2, 2), 8);
  v = g.add("sum", Binary(BinaryKind::add), {convolution(g, "pointwise", depthwise, 8, window(1)), v});
  MaxPool most;
  most.window = window(3, 2, 1, 1, 1);
  v = g.add("most", most, {v});
  AveragePool mean;
  mean.window = window(2, 2);
  v = g.add("mean", mean, {convolution(g, "after", v, 12, window(3, 1, 1, 1, 1))});
  TransposedConvolution up;
  up.window = window(4, 2, 1, 1, 1);
  v = g.add("up", up, {v, g.add_constant("up/w", random_tensor({4, 4, 12}, 3, -1, 1))});
  g.outputs = {v, g.add("whole", Reduce(ReduceKind::mean, {1}, false), {v})};
  return g;
}

std::vector<std::pair<std::string, Model>> forms() {
  const Model m = network();
  WeightOptions every_size;
  every_size.least_elements = 0;
  return {{"float", m},
          {"fp16", quantize<fp16>(m, every_size)},
          {"dynamic range", quantize<dynamic_range>(m, every_size)},
          {"int8", quantize<int8>(m, calibrate(m, {random_tensor({3, 64, 6}, 4)}))}};
}

}  // namespace

TEST_CASE("export: layers over rows in TFLite files") {
  for (const auto& form : forms()) {
    const std::string& name = form.first;
    const Model& m = form.second;
    CAPTURE(name);
    const Model written = through(m, Format::tflite);
    const bool integer = name == "int8";
    CHECK(written.value(written.inputs[0]).shape == Shape{Shape::unknown, 64, 6});
    const Difference d = difference_through(m, Format::tflite, {AnyTensor(random_tensor({3, 64, 6}, 5))});
    CHECK(d.relative() <= (integer ? 0.02 : 1e-5));  // int8: averages and sums at ties
  }
}

TEST_CASE("export: LiteRT computes layers over rows as octet does") {
  Judge judge(Format::tflite);
  if (!judge.ready()) return;
  for (const auto& form : forms()) judge.add(form.first, form.second, {form.first == "int8" ? 0.05 : 1e-5});
  judge.judge();
}
