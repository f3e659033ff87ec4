#include "operator_cases.hpp"

#include <cmath>
#include <limits>
#include <octet/operators/all.hpp>
#include <sstream>

#include "models.hpp"

using namespace octet;

namespace {

using Cases = std::vector<OperatorCase>;
using Sizes = std::vector<std::int64_t>;

std::string text(const Shape& s) {
  std::ostringstream t;
  for (int d = 0; d < s.rank(); ++d) t << (d ? "x" : "") << s[d];
  return t.str();
}

/// build(graph, input): the result of the operator.
template <class Build>
OperatorCase of(const std::string& name, const Shape& shape, Build build, bool elementwise = false) {
  OperatorCase c{name, text(shape), {}, elementwise, false};
  const int x = c.model.add_input("x", shape);
  c.model.outputs = {build(c.model, x)};
  return c;
}

const Shape image{1, 56, 56, 64};

int constant(Graph& g, const Shape& shape, float low = -1, float high = 1) {
  Tensor<float> t = random_tensor(shape, 7);
  for (float& x : t) x = low + (x + 1) / 2 * (high - low);
  return g.add_constant("c" + std::to_string(g.values.size()), std::move(t));
}

void add_binary(Cases& all) {
  const auto add = [&](const std::string& name, BinaryKind kind, const Shape& other, bool computed) {
    OperatorCase c = of(
        name, image,
        [&](Graph& g, int x) {
          const int y = computed ? g.add_input("y", other) : constant(g, other, 0.5f, 1.5f);
          const int r = g.add("op", Binary(kind), {x, y});
          // Those without an integer form are computed in float before a layer that has one.
          return kind == BinaryKind::div || kind == BinaryKind::max || kind == BinaryKind::min
                     ? g.add("abs", Unary(UnaryKind::abs), {r})
                     : r;
        },
        true);
    c.shape += ", " + text(other);
    all.push_back(std::move(c));
  };
  const Shape channels{1, 1, 1, 64}, one{1};
  add("Add", BinaryKind::add, image, true);
  add("Sub", BinaryKind::sub, image, true);
  add("Mul", BinaryKind::mul, image, true);
  add("Mul (SE block)", BinaryKind::mul, channels, true);
  add("Add by channel", BinaryKind::add, channels, true);
  add("Mul by constants", BinaryKind::mul, channels, false);
  add("Add of constants", BinaryKind::add, channels, false);
  add("Add of a number", BinaryKind::add, one, false);
  add("Mul by a number", BinaryKind::mul, one, false);
  add("Div by a number, Abs", BinaryKind::div, one, false);
  add("Max, number, Abs", BinaryKind::max, one, false);
  add("Min, number, Abs", BinaryKind::min, one, false);
  add("Max, Abs", BinaryKind::max, image, true);
}

void add_unary(Cases& all) {
  const auto add = [&](const std::string& name, const Unary& op) {
    all.push_back(of(
        name, image, [&](Graph& g, int x) { return g.add("op", op, {x}); }, true));
  };
  add("Clip", Unary(UnaryKind::clip, -0.5, 0.5));
  add("ReLU", Unary(UnaryKind::clip, 0, std::numeric_limits<double>::infinity()));
  add("Sigmoid", Unary(UnaryKind::sigmoid));
  add("HardSwish", Unary(UnaryKind::hard_swish));
  add("SiLU", Unary(UnaryKind::silu));
  add("Tanh", Unary(UnaryKind::tanh));
  add("GELU", Unary(UnaryKind::gelu));
  all.push_back(of(
      "Logistic, Mul", image,
      [](Graph& g, int x) {
        const int s = g.add("s", Unary(UnaryKind::sigmoid), {x});
        return g.add("op", Binary(BinaryKind::mul), {s, x});
      },
      true));
  all.push_back(of(
      "PReLU", image,
      [](Graph& g, int x) {
        return g.add("op", PRelu(), {x, constant(g, {64}, 0.1f, 0.3f)});
      },
      true));
}

/// kernel: height, width; out: output channels, 0 for depthwise; groups: of channels, not for depthwise.
void add_convolution(Cases& all, const std::string& name, const Shape& shape, const Sizes& kernel, std::int64_t out,
                     std::int64_t stride = 1, std::int64_t groups = 1) {
  OperatorCase c = of(name, shape, [&](Graph& g, int x) {
    const std::int64_t in = shape.back();
    Convolution op;
    op.window = Window(kernel[0], kernel[1], stride);
    op.window.pads_before = op.window.pads_after = {kernel[0] / 2, kernel[1] / 2};
    op.groups = out ? groups : in;
    const int w = constant(g, {out ? out : in, kernel[0], kernel[1], out ? in / groups : 1});
    return g.add("op", op, {x, w, constant(g, {out ? out : in})});
  });
  c.shape += (out ? " to " + std::to_string(out) : "");
  c.weights = true;
  all.push_back(std::move(c));
}

void add_transposed(Cases& all, const Shape& shape, std::int64_t kernel, std::int64_t out, std::int64_t stride) {
  OperatorCase c =
      of("ConvTranspose " + std::to_string(kernel) + "x" + std::to_string(kernel), shape, [&](Graph& g, int x) {
        TransposedConvolution op;
        op.window = Window(kernel, kernel, stride);
        const int w = constant(g, {out, kernel, kernel, shape.back()});
        return g.add("op", op, {x, w, constant(g, {out})});
      });
  c.shape += " to " + std::to_string(out) + ", stride " + std::to_string(stride);
  all.push_back(std::move(c));
}

void add_layers(Cases& all) {
  add_convolution(all, "Conv 3x39", {1, 43, 264, 8}, {3, 39}, 8);
  add_convolution(all, "Conv 5x5", {1, 86, 264, 8}, {5, 5}, 1);
  for (const std::int64_t out : {1, 2, 4, 8}) add_convolution(all, "Conv 5x5", {1, 56, 56, 16}, {5, 5}, out);
  for (const std::int64_t out : {1, 2, 4, 8}) add_convolution(all, "Conv 3x3", {1, 56, 56, 32}, {3, 3}, out);
  for (const std::int64_t out : {1, 4, 10}) add_convolution(all, "Conv 1x1", {1, 40, 40, 64}, {1, 1}, out);
  add_convolution(all, "Conv 1x1", image, {1, 1}, 64);
  add_convolution(all, "Conv 1x1", {1, 112, 112, 16}, {1, 1}, 96);
  add_convolution(all, "Conv 1x1", {1, 28, 28, 192}, {1, 1}, 64);
  add_convolution(all, "Conv 1x1", {1, 14, 14, 96}, {1, 1}, 576);
  add_convolution(all, "Conv 1x1", {1, 7, 7, 960}, {1, 1}, 320);
  add_convolution(all, "Conv 7x7, stride 2", {1, 224, 224, 3}, {7, 7}, 64, 2);
  add_convolution(all, "Conv 3x3, stride 2", {1, 56, 56, 64}, {3, 3}, 128, 2);
  add_convolution(all, "Conv 3x3, stride 2", {1, 224, 224, 3}, {3, 3}, 16, 2);
  add_convolution(all, "Conv 3x3", image, {3, 3}, 64);
  for (const std::int64_t c : {2, 3, 4, 8, 16})  // of a group
    add_convolution(all, "Conv 3x3, 32 groups", {1, c < 8 ? 56 : 28, c < 8 ? 56 : 28, 32 * c}, {3, 3}, 32 * c, 1, 32);
  add_convolution(all, "Depthwise 3x3", image, {3, 3}, 0);
  add_convolution(all, "Depthwise 3x3, stride 2", {1, 112, 112, 96}, {3, 3}, 0, 2);
  add_convolution(all, "Depthwise 5x5", {1, 28, 28, 120}, {5, 5}, 0);
  add_convolution(all, "Depthwise 7x7", {1, 56, 56, 96}, {7, 7}, 0);
  for (const std::int64_t stride : {2, 3, 4}) add_transposed(all, {1, 56, 56, 56}, 9, 1, stride);
  add_transposed(all, {1, 56, 56, 64}, 4, 3, 2);
  add_transposed(all, {1, 28, 28, 128}, 2, 64, 2);
  all.push_back(of("Fully connected", {1, 1024}, [](Graph& g, int x) {
    return g.add("op", FullyConnected(), {x, constant(g, {1000, 1024})});
  }));
  all.back().weights = true;
}

void add_movement(Cases& all) {
  const auto add = [&](const std::string& name, const Shape& shape, auto build) {
    all.push_back(of(name, shape, build));
  };
  add("Shuffle, Transpose", {1, 28, 28, 116}, [](Graph& g, int x) {
    const int a = g.add("a", Reshape({1, 28, 28, 2, 58}), {x}), b = g.add("b", Transpose({0, 1, 2, 4, 3}), {a});
    return g.add("op", Reshape({1, 28, 28, 116}), {b});
  });
  for (const Shape& shape : {Shape{1, 28, 28, 116}, Shape{1, 44, 44, 48}})
    add("Shuffle, Gather", shape, [n = shape.back()](Graph& g, int x) {
      Tensor<std::int64_t> places({n});
      for (std::int64_t i = 0; i < n; ++i) places[i] = i % 2 * (n / 2) + i / 2;
      return g.add("op", Gather(3), {x, g.add_constant("places", std::move(places))});
    });
  add("DepthToSpace", image, [](Graph& g, int x) {
    const int a = g.add("a", Reshape({1, 56, 56, 2, 2, 16}), {x}), b = g.add("b", Transpose({0, 1, 3, 2, 4, 5}), {a});
    return g.add("op", Reshape({1, 112, 112, 16}), {b});
  });
  add("NHWC to NCHW", {1, 224, 224, 3}, [](Graph& g, int x) { return g.add("op", Transpose({0, 3, 1, 2}), {x}); });
  add("NCHW to NHWC", {1, 3, 224, 224}, [](Graph& g, int x) { return g.add("op", Transpose({0, 2, 3, 1}), {x}); });
  add("NHWC to NCHW", image, [](Graph& g, int x) { return g.add("op", Transpose({0, 3, 1, 2}), {x}); });
  add("NCHW to NHWC", {1, 64, 56, 56}, [](Graph& g, int x) { return g.add("op", Transpose({0, 2, 3, 1}), {x}); });
  const auto concat = [&](std::size_t inputs, const Shape& shape) {
    add("Concat of " + std::to_string(inputs), shape, [=](Graph& g, int x) {
      std::vector<int> in{x};
      while (in.size() < inputs) in.push_back(g.add_input("y" + std::to_string(in.size()), shape));
      return g.add("op", Concat(3), in);
    });
  };
  concat(2, image);
  concat(4, image);
  concat(2, {1, 44, 44, 24});
  add("Split in 2", image, [](Graph& g, int x) {
    Split op;
    op.axis = 3;
    op.parts = 2;
    return g.add("op", op, {x});
  });
  add("Slice of channels", image, [](Graph& g, int x) { return g.add("op", Slice({16}, {48}, {3}), {x}); });
  add("Pad", image, [](Graph& g, int x) {
    return g.add("op", Pad(PadMode::constant, {0, 1, 1, 0}, {0, 1, 1, 0}), {x});
  });
  const auto resize = [&](ResizeMode mode, const char* name, double scale, const Shape& shape) {
    add(std::string("Resize, ") + name, shape, [mode, scale](Graph& g, int x) {
      Resize op;
      op.mode = mode;
      op.scales = {1, scale, scale, 1};
      return g.add("op", op, {x});
    });
  };
  resize(ResizeMode::linear, "bilinear x2", 2, {1, 40, 40, 64});
  resize(ResizeMode::linear, "bilinear x1.5", 1.5, {1, 40, 40, 64});
  resize(ResizeMode::linear, "bilinear x4", 4, {1, 65, 65, 21});
  resize(ResizeMode::linear, "bilinear x4", 4, {1, 80, 80, 1});
  resize(ResizeMode::linear, "bilinear x0.5", 0.5, {1, 80, 80, 64});
  resize(ResizeMode::linear, "bilinear x0.5", 0.5, {1, 160, 160, 3});
  resize(ResizeMode::nearest, "nearest x2", 2, {1, 40, 40, 64});
  resize(ResizeMode::nearest, "nearest x1.5", 1.5, {1, 40, 40, 64});
}

void add_reductions(Cases& all) {
  const auto add = [&](const std::string& name, const Shape& shape, auto build) {
    all.push_back(of(name, shape, build));
  };
  add("Softmax", {1, 1000}, [](Graph& g, int x) { return g.add("op", Softmax(), {x}); });
  add("Softmax", {1, 484, 80}, [](Graph& g, int x) { return g.add("op", Softmax(), {x}); });
  add("Softmax", {1, 2100, 21}, [](Graph& g, int x) { return g.add("op", Softmax(), {x}); });
  const auto reduce = [](ReduceKind kind, Sizes axes) {
    Reduce op;
    op.kind = kind;
    op.axes = std::move(axes);
    return op;
  };
  add("Mean of pixels", image, [=](Graph& g, int x) { return g.add("op", reduce(ReduceKind::mean, {1, 2}), {x}); });
  add("Mean of channels", image, [=](Graph& g, int x) { return g.add("op", reduce(ReduceKind::mean, {3}), {x}); });
  add("Max of channels", image, [=](Graph& g, int x) { return g.add("op", reduce(ReduceKind::max, {3}), {x}); });
  add("ArgMax", {1, 64, 64, 21}, [](Graph& g, int x) { return g.add("op", ArgMax(3), {x}); });
  add("TopK of 5", {1, 1000}, [](Graph& g, int x) { return g.add("op", TopK(5), {x}); });
  const auto pool = [&](auto op, const std::string& name, const Shape& shape, std::int64_t size, std::int64_t stride,
                        std::int64_t pad) {
    op.window = Window(size, size, stride, pad);
    add(name + " " + op.window.summary(), shape, [op](Graph& g, int x) { return g.add("op", op, {x}); });
  };
  pool(MaxPool(), "MaxPool", image, 2, 2, 0);
  pool(MaxPool(), "MaxPool", {1, 112, 112, 64}, 3, 2, 1);
  pool(MaxPool(), "MaxPool", {1, 176, 176, 24}, 3, 2, 1);
  pool(MaxPool(), "MaxPool", {1, 20, 20, 128}, 5, 1, 2);
  pool(MaxPool(), "MaxPool", {1, 20, 20, 128}, 13, 1, 6);
  pool(AveragePool(), "AveragePool", image, 2, 2, 0);
  pool(AveragePool(), "AveragePool", {1, 22, 22, 96}, 3, 2, 1);
  pool(AveragePool(), "AveragePool", {1, 56, 56, 16}, 3, 1, 1);
  pool(AveragePool(), "AveragePool", {1, 56, 56, 16}, 2, 2, 0);
  const auto normalization = [=](Sizes axes) {
    return [=](Graph& g, int x) {
      const int mean = g.add("mean", reduce(ReduceKind::mean, axes), {x}),
                d = g.add("d", Binary(BinaryKind::sub), {x, mean}),
                squares = g.add("squares", Binary(BinaryKind::mul), {d, d}),
                variance = g.add("variance", reduce(ReduceKind::mean, axes), {squares}),
                shifted = g.add("shifted", Binary(BinaryKind::add), {variance, constant(g, {1}, 0.1f, 0.1f)}),
                factor = g.add("factor", Unary(UnaryKind::rsqrt), {shifted}),
                scaled = g.add("scaled", Binary(BinaryKind::mul), {d, factor}),
                product = g.add("product", Binary(BinaryKind::mul), {scaled, constant(g, {64}, 0.5f, 1.5f)});
      return g.add("op", Binary(BinaryKind::add), {product, constant(g, {64})});
    };
  };
  add("LayerNorm", {1, 196, 64}, normalization({2}));
  add("InstanceNorm", image, normalization({1, 2}));
}

}  // namespace

std::vector<OperatorCase> operator_cases() {
  Cases all;
  add_binary(all);
  add_unary(all);
  add_layers(all);
  add_movement(all);
  add_reductions(all);
  return all;
}
