#pragma once
#include <octet/models/builder.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "exported.hpp"
#include "models.hpp"

/// Small networks for microcontrollers.
namespace testing {

inline Model int8_of(const Model& m, const Int8Options& o = {}) {
  std::vector<Tensor<float>> batches;
  for (unsigned i = 0; i < 2; ++i) batches.push_back(floats(random_inputs(m, 20 + i)[0]));
  return quantize<int8>(m, calibrate(m, batches), o);
}

/// Residual blocks, pooling, convolutions of all kinds, softmax.
inline Model blocks() {
  detail::NetworkBuilder b("blocks \\ \n \"name\"", 17, 3, 5);
  b.conv("first", 8, 3, 2, 1, 1, true).relu("relu1");
  const int skip = b.current();
  b.conv("second", 8, 3, 1, 1, 1, true).add("sum", skip).relu("relu2");
  b.conv("by_channel", 8, 3, 1, 1, 8, true).relu6("relu3");
  b.conv("by_group", 12, 3, 2, 2, 4, true);
  b.max_pool("max", 3, 1, 1).global_average("mean").linear("last", 7).softmax("softmax");
  return b.finish();
}

/// The network for keyword spotting of MLPerf Tiny (DS-CNN), with random weights: 49 x 10 features, 12 words.
inline Model keyword_spotting() {
  Graph g;
  g.name = "kws";
  int v = g.add_input("features", {Shape::unknown, 49, 10, 1});
  unsigned seed = 1;
  const auto conv = [&](const Window& window, std::int64_t in, std::int64_t out, std::int64_t groups) {
    Convolution c;
    c.window = window;
    c.window.padding = Window::Padding::same_upper;
    c.groups = groups;
    c.activation = {0, std::numeric_limits<double>::infinity()};
    const std::int64_t taps = window.taps() * in / groups;
    const float size = std::sqrt(6.0f / static_cast<float>(taps));
    const Shape shape{out, window.kernel[0], window.kernel[1], in / groups};
    const std::string name = "conv" + std::to_string(seed);
    const int w = g.add_constant(name + "/weights", random_tensor(shape, seed, -size, size)),
              b = g.add_constant(name + "/bias", random_tensor({out}, seed + 1, -0.1f, 0.1f));
    seed += 2;
    v = g.add(name, c, {v, w, b});
  };
  Window first(10, 4);
  first.strides = {2, 2};
  conv(first, 1, 64, 1);
  for (int i = 0; i < 4; ++i) {
    conv(Window(3, 3), 64, 64, 64);
    conv(Window(1, 1), 64, 64, 1);
  }
  AveragePool pool;
  pool.window = Window(25, 5);
  v = g.add("flatten", Flatten(1), {g.add("pool", pool, {v})});
  const int w = g.add_constant("words/weights", random_tensor({12, 64}, 50, -0.3f, 0.3f)),
            b = g.add_constant("words/bias", random_tensor({12}, 51));
  g.outputs = {g.add("softmax", Softmax(), {g.add("words", FullyConnected(), {v, w, b})})};
  return g;
}

/// Windows of all kinds: dilated, by channel with several outputs each, pools whose padding counts or not.
inline Model windows() {
  Graph g;
  g.name = "windows";
  int v = g.add_input("x", {1, 11, 9, 4});
  unsigned seed = 60;
  const auto conv = [&](std::int64_t out, std::int64_t groups, std::int64_t dilation, std::int64_t stride) {
    Convolution c;
    c.window.kernel = {3, 2};
    c.window.strides = {stride, 1};
    c.window.dilations = {dilation, dilation};
    c.window.pads_before = {2, 1};
    c.window.pads_after = {1, 3};
    c.groups = groups;
    const std::int64_t in = g.value(v).shape.back() / groups;
    const int w = g.add_constant("w" + std::to_string(seed), random_tensor({out, 3, 2, in}, seed)),
              b = g.add_constant("b" + std::to_string(seed), random_tensor({out}, seed + 1));
    v = g.add("conv" + std::to_string(seed), c, {v, w, b});
    seed += 2;
  };
  const auto pool = [&](bool include, bool ceil, std::int64_t dilation) {
    AveragePool p;
    p.window = Window(3, 3, 2, 1);
    p.window.dilations = {dilation, 1};
    p.window.ceil_mode = ceil;
    p.include_padding = include;
    v = g.add("pool" + std::to_string(seed++), p, {v});
  };
  conv(6, 1, 2, 1);
  conv(12, 6, 2, 1);  // two outputs for each channel
  conv(8, 4, 3, 1);
  pool(false, true, 1);
  conv(8, 8, 1, 2);
  conv(8, 1, 1, 1);
  pool(true, false, 1);
  conv(8, 8, 1, 1);
  conv(8, 1, 1, 1);
  MaxPool largest;
  largest.window = Window(3, 2, 1, 1);
  largest.window.dilations = {2, 1};
  v = g.add("largest", largest, {v});
  conv(5, 1, 1, 1);
  g.outputs = {g.add("gate", Unary(UnaryKind::silu), {v})};
  return g;
}

}  // namespace testing
