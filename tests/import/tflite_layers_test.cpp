#include <doctest/doctest.h>

#include <octet/operators/all.hpp>
#include "support/tflite_builder.hpp"

// Convolutions, fully connected layers and pools in every type that TFLite files use.

using namespace octet;
using namespace testing::tflite;
using testing::floats;
using testing::random_integers;
using testing::random_tensor;

namespace {

enum class Kind { floating, half, hybrid, hybrid_per_tensor, int8, uint8 };
constexpr Kind kinds[] = {Kind::floating, Kind::half, Kind::hybrid, Kind::hybrid_per_tensor, Kind::int8, Kind::uint8};

enum class Layer { convolution, depthwise, transposed, fully_connected };

struct Case {
  Layer layer = Layer::convolution;
  Shape x{3, 7, 6, 8}, w{5, 3, 3, 8};  // weights as TFLite stores them
  int padding = same;
  Pair stride = 1, dilation = 1;
  int activation = no_activation;
  bool bias = true;
  Shape declared{};  // the input's shape in the file, if it is not that of one image

  int channels_axis() const { return layer == Layer::depthwise ? 3 : 0; }
  std::int64_t outputs() const { return w[channels_axis()]; }
};

/// One dimension of a window: the output size and the padding before.
struct Axis {
  std::int64_t out, before;
  Axis(const Case& c, std::int64_t in, std::int64_t kernel, int stride, int dilation) {
    const std::int64_t reach = (kernel - 1) * dilation + 1;
    if (c.layer == Layer::transposed) {
      out = c.padding == same ? in * stride : in * stride + std::max<std::int64_t>(0, kernel - stride);
      before = c.padding == same ? std::max<std::int64_t>(0, (in - 1) * stride + kernel - out) / 2 : 0;
    } else {
      out = c.padding == same ? (in + stride - 1) / stride : (in - reach) / stride + 1;
      before = c.padding == same ? std::max<std::int64_t>(0, (out - 1) * stride + reach - in) / 2 : 0;
    }
  }
  static Axis vertical(const Case& c) { return {c, c.x[1], c.w[1], c.stride.h, c.dilation.h}; }
  static Axis horizontal(const Case& c) { return {c, c.x[2], c.w[2], c.stride.w, c.dilation.w}; }
};

/// Reference for the layer without bias, for inputs and weights minus their zero points.
Tensor<double> computed(const Case& c, const Tensor<double>& x, const Tensor<double>& w) {
  if (c.layer == Layer::fully_connected) {
    Tensor<double> y({x.size() / c.w[1], c.w[0]});
    for (std::int64_t n = 0; n < y.shape()[0]; ++n)
      for (std::int64_t o = 0; o < c.w[0]; ++o)
        for (std::int64_t k = 0; k < c.w[1]; ++k) y(n, o) += x[n * c.w[1] + k] * w(o, k);
    return y;
  }
  const std::int64_t height = c.x[1], width = c.x[2], in = c.x[3];
  const Axis v = Axis::vertical(c), h = Axis::horizontal(c);
  const std::int64_t out = c.outputs(), group_in = c.layer == Layer::depthwise ? 1 : c.w[3];
  const std::int64_t group_out = out / (in / group_in);
  Tensor<double> y({c.x[0], v.out, h.out, out});
  for (std::int64_t n = 0; n < c.x[0]; ++n)
    for (std::int64_t a = 0; a < v.out; ++a)
      for (std::int64_t b = 0; b < h.out; ++b)
        for (std::int64_t o = 0; o < out; ++o)
          for (std::int64_t p = 0; p < c.w[1]; ++p)
            for (std::int64_t q = 0; q < c.w[2]; ++q)
              for (std::int64_t k = 0; k < group_in; ++k) {
                std::int64_t i = a * c.stride.h - v.before + p * c.dilation.h,
                             j = b * c.stride.w - h.before + q * c.dilation.w;
                if (c.layer == Layer::transposed) {  // the input pixel of the output pixel, if there is one
                  i = a + v.before - p;
                  j = b + h.before - q;
                  if (i % c.stride.h != 0 || j % c.stride.w != 0) continue;
                  i /= c.stride.h;
                  j /= c.stride.w;
                }
                if (i < 0 || j < 0 || i >= height || j >= width) continue;
                const double weight = c.layer == Layer::depthwise ? w(0, p, q, o) : w(o, p, q, k);
                y(n, a, b, o) += x(n, i, j, o / group_out * group_in + k) * weight;
              }
  return y;
}

struct Limits {
  double low, high;
};
Limits limits(int activation) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  switch (activation) {
    case relu: return {0, inf};
    case relu_n1_to_1: return {-1, 1};
    case relu6: return {0, 6};
    default: return {-inf, inf};
  }
}

Shape one_image(Shape s) {
  s[0] = 1;
  return s;
}

/// The elements minus a zero point.
template <class T>
Tensor<double> reals(const Tensor<T>& t, double zero_point = 0) {
  const AnyTensor any(t);
  Tensor<double> r(t.shape());
  for (std::int64_t i = 0; i < t.size(); ++i) r[i] = detail::load_element(any.dtype(), any.data(), i) - zero_point;
  return r;
}
Tensor<fp16> halved(const Tensor<float>& t) {
  Tensor<fp16> r(t.shape());
  for (std::int64_t i = 0; i < t.size(); ++i) r[i] = fp16(t[i]);
  return r;
}

/// Adds the layer to a model whose tensor "x" is `x`; returns the file.
std::vector<std::uint8_t> file(ModelBuilder& b, const Case& c, int x, int w, int bias, DType out,
                               const QuantParams& q) {
  const int y = b.tensor("y", {}, out, q);
  const auto activation = byte(3, c.activation);
  switch (c.layer) {
    case Layer::convolution:
      b.op("CONV_2D", {x, w, bias}, {y}, convolution_options(c.padding, c.stride, c.activation, c.dilation));
      break;
    case Layer::depthwise:
      b.op("DEPTHWISE_CONV_2D", {x, w, bias}, {y},
           depthwise_options(c.padding, c.stride, static_cast<int>(c.w[3] / c.x[3]), c.activation, c.dilation));
      break;
    case Layer::transposed: {
      const auto height = static_cast<int>(Axis::vertical(c).out), width = static_cast<int>(Axis::horizontal(c).out);
      const int shape = b.integers("shape", {1, height, width, static_cast<int>(c.w[0])});
      b.op("TRANSPOSE_CONV", {shape, w, x, bias}, {y},
           {byte(0, c.padding), integer(1, c.stride.w), integer(2, c.stride.h), activation});
      break;
    }
    case Layer::fully_connected: b.op("FULLY_CONNECTED", {x, w, bias}, {y}, {byte(0, c.activation)}); break;
  }
  return b.finish({x}, {y});
}

AnyTensor output(const std::vector<std::uint8_t>& file, const AnyTensor& x) { return outputs(parse(file), {x})[0]; }

Shape declared(const Case& c) { return c.declared.empty() ? one_image(c.x) : c.declared; }

/// Float activations with weights of one kind. Outputs may differ by the rounding of activations.
void check_float(const Case& c, Kind kind) {
  const Tensor<float> x = random_tensor(c.x, 1), real = random_tensor(c.w, 2), bias = random_tensor({c.outputs()}, 3);
  ModelBuilder b;
  const int in = b.tensor("x", declared(c));
  Tensor<double> w = reals(real);
  int weights = 0;
  if (kind == Kind::floating) {
    weights = b.constant("w", real);
  } else if (kind == Kind::half) {
    const Tensor<fp16> half = halved(real);
    w = reals(half);
    const int stored = b.constant("w_half", half);
    weights = b.tensor("w", c.w);
    b.op("DEQUANTIZE", {stored}, {weights});
  } else {
    const bool per_channel = kind == Kind::hybrid;
    QuantParams q;
    for (std::int64_t o = 0; o < (per_channel ? c.outputs() : 1); ++o) {
      q.scale.push_back(0.008f + 0.001f * static_cast<float>(o));
      q.zero_point.push_back(0);
    }
    if (per_channel) q.axis = c.channels_axis();
    const Tensor<int8> integers = random_integers<int8>(c.w, 4, -127, 127);
    const ChannelWalk walk(c.w, q.axis);
    for (std::int64_t i = 0; i < w.size(); ++i)
      w[i] = integers[i] *
             static_cast<double>(q.scale[static_cast<std::size_t>(per_channel ? i / walk.inner % walk.channels : 0)]);
    weights = b.constant("w", integers, q);
  }
  const int bias_at = c.bias ? b.constant("bias", bias) : -1;
  const Tensor<float> y = floats(output(file(b, c, in, weights, bias_at, DType::f32, {}), AnyTensor(x)));

  const Tensor<double> sums = computed(c, reals(x), w);
  double weight_sum = 0;
  for (double v : w) weight_sum = std::max(weight_sum, std::abs(v));
  weight_sum *= static_cast<double>(w.size()) / static_cast<double>(c.outputs());
  // Half a step of the activations, whose range is less than 2, for every product.
  const double tolerance = kind == Kind::floating || kind == Kind::half ? 1e-4 : 1.01 / 255 * weight_sum;
  REQUIRE(y.size() == sums.size());
  CHECK(y.shape().back() == c.outputs());
  const Limits l = limits(c.activation);
  for (std::int64_t i = 0; i < y.size(); ++i) {
    const double expected = sums[i] + (c.bias ? static_cast<double>(bias[i % c.outputs()]) : 0);
    CHECK(static_cast<double>(y[i]) ==
          doctest::Approx(std::min(std::max(expected, l.low), l.high)).scale(1).epsilon(tolerance));
  }
}

/// Integer layers with activations of type T; exact.
template <class T>
void check_integer(const Case& c) {
  constexpr bool legacy = std::is_same_v<T, uint8>;  // weights are uint8 with one scale
  constexpr int low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
  const QuantParams xq(0.02f, low + 100), yq(0.15f, low + 120);
  QuantParams wq(0.01f, 121);
  if (!legacy) {
    wq = {{}, {}, c.channels_axis()};
    for (std::int64_t o = 0; o < c.outputs(); ++o) {
      wq.scale.push_back(0.01f + 0.001f * static_cast<float>(o));
      wq.zero_point.push_back(0);
    }
  }
  const Tensor<T> x = random_integers<T>(c.x, 1, low, high), w = random_integers<T>(c.w, 2, legacy ? 0 : -127, high);
  const Tensor<int32> bias = random_integers<int32>({c.outputs()}, 3, -2000, 2000);
  ModelBuilder b;
  const int in = b.tensor("x", declared(c), dtype_of<T>, xq), weights = b.constant("w", w, wq);
  const int bias_at = c.bias ? b.constant("bias", bias) : -1;
  const AnyTensor result = output(file(b, c, in, weights, bias_at, dtype_of<T>, yq), AnyTensor(x));
  REQUIRE(result.dtype() == dtype_of<T>);
  const View<const T> y = result.view<T>();

  const Tensor<double> sums = computed(c, reals(x, xq.zero_point[0]), reals(w, legacy ? 121 : 0));
  REQUIRE(y.size() == sums.size());
  const Limits l = limits(c.activation);
  const auto quantized = [&](double real) { return std::round(real / static_cast<double>(0.15f)) + yq.zero_point[0]; };
  int inside = 0;
  for (std::int64_t i = 0; i < y.size(); ++i) {
    const auto o = static_cast<std::size_t>(i % c.outputs());
    const double acc = sums[i] + (c.bias ? bias[static_cast<std::int64_t>(o)] : 0);
    const double factor = static_cast<double>(xq.scale[0]) * static_cast<double>(wq.scale[legacy ? 0 : o]) /
                          static_cast<double>(yq.scale[0]);
    double q =
        static_cast<double>(std::nearbyint(static_cast<float>(acc) * static_cast<float>(factor))) + yq.zero_point[0];
    q = std::min(std::max({q, quantized(l.low), double{low}}), std::min(quantized(l.high), double{high}));
    CHECK(static_cast<double>(y[i]) == q);
    inside += q > low && q < high;
  }
  CHECK(inside > y.size() / 4);
}

void check(const Case& c, Kind kind) {
  CAPTURE(static_cast<int>(c.layer));
  CAPTURE(static_cast<int>(kind));
  if (kind == Kind::int8) return check_integer<int8>(c);
  if (kind == Kind::uint8) return check_integer<uint8>(c);
  check_float(c, kind);
}

Case variant(Layer layer, const Shape& x, const Shape& w, int padding, Pair stride, Pair dilation = 1,
             int activation = no_activation, bool bias = true) {
  return {layer, x, w, padding, stride, dilation, activation, bias, {}};
}

}  // namespace

TEST_CASE("tflite: convolutions of every type") {
  for (const Kind kind : kinds) {
    const auto conv = [&](const Shape& w, int padding, Pair stride, Pair dilation = 1, int activation = no_activation,
                          bool bias = true) {
      check(variant(Layer::convolution, {3, 7, 6, 8}, w, padding, stride, dilation, activation, bias), kind);
    };
    conv({5, 3, 3, 8}, same, 1);
    conv({5, 3, 3, 8}, same, {2, 3}, 1, relu6);
    conv({5, 2, 3, 8}, valid, 1, {3, 2}, relu);
    conv({17, 1, 1, 8}, valid, 1, 1, relu_n1_to_1, false);
    conv({6, 3, 3, 4}, same, 1);  // two groups
  }
}

TEST_CASE("tflite: depthwise convolutions of every type") {
  for (const Kind kind : kinds) {
    check(variant(Layer::depthwise, {3, 7, 6, 17}, {1, 3, 3, 17}, same, {3, 2}, 1, relu6), kind);
    check(variant(Layer::depthwise, {3, 7, 6, 8}, {1, 3, 2, 16}, valid, 1, {2, 3}, no_activation, false), kind);
    check(variant(Layer::depthwise, {3, 7, 6, 4}, {1, 1, 1, 4}, same, 1), kind);
  }
}

TEST_CASE("tflite: transposed convolutions of every type") {
  for (const Kind kind : kinds) {
    check(variant(Layer::transposed, {3, 4, 5, 8}, {5, 3, 3, 8}, same, {2, 1}), kind);
    check(variant(Layer::transposed, {3, 4, 5, 8}, {5, 2, 4, 8}, valid, {1, 3}, 1, relu, false), kind);
  }
}

TEST_CASE("tflite: fully connected layers of every type, over rows and over images") {
  for (const Kind kind : kinds) {
    Case c = variant(Layer::fully_connected, {3, 33}, {17, 33}, same, 1, 1, relu);
    check(c, kind);
    c.x = {3, 2, 4, 6};
    c.w = {5, 48};
    c.activation = no_activation;
    c.bias = false;
    check(c, kind);
    c.x = {6, 2, 48};  // twelve rows
    c.declared = {6, 2, 48};
    check(c, kind);
  }
}

TEST_CASE("tflite: a fully connected layer can keep the dimensions before the last") {
  ModelBuilder b;
  const Tensor<float> x = random_tensor({2, 5, 3}, 1), w = random_tensor({4, 3}, 2);
  const int in = b.tensor("x", {1, 5, 3}), y = b.tensor("y", {});
  b.op("FULLY_CONNECTED", {in, b.constant("w", w), -1}, {y}, {byte(2, 1)});
  const AnyTensor r = output(b.finish({in}, {y}), AnyTensor(x));
  REQUIRE(r.shape() == Shape{2, 5, 4});
  CHECK(floats(r)(1, 4, 3) == doctest::Approx(x(1, 4, 0) * w(3, 0) + x(1, 4, 1) * w(3, 1) + x(1, 4, 2) * w(3, 2)));
}

TEST_CASE("tflite: products of matrices, with either side transposed") {
  const Tensor<float> a = random_tensor({2, 5, 3}, 1), k = random_tensor({1, 3, 4}, 2);
  for (const bool transposed : {false, true}) {
    ModelBuilder b;
    const int x = b.tensor("x", {1, 5, 3}), left = b.tensor("left", {1, 5, 4}), y = b.tensor("y", {});
    b.op("BATCH_MATMUL", {x, b.constant("k", k)}, {left});
    // [5, 4] [4, 5] or [4, 5] [5, 4]
    b.op("BATCH_MATMUL", {left, left}, {y}, {byte(0, transposed), byte(1, !transposed)});
    const AnyTensor r = output(b.finish({x}, {y}), AnyTensor(a));
    const auto product = [&](std::int64_t i, std::int64_t j) {
      return a(1, i, 0) * k(0, 0, j) + a(1, i, 1) * k(0, 1, j) + a(1, i, 2) * k(0, 2, j);
    };
    REQUIRE(r.shape() == (transposed ? Shape{2, 4, 4} : Shape{2, 5, 5}));
    float expected = 0;
    for (std::int64_t i = 0; i < (transposed ? 5 : 4); ++i)
      expected += transposed ? product(i, 1) * product(i, 3) : product(1, i) * product(3, i);
    CHECK(floats(r)(1, 1, 3) == doctest::Approx(expected));
  }
}

TEST_CASE("tflite: half-precision weights are kept, and expanded for other readers") {
  ModelBuilder b;
  const Tensor<fp16> half = halved(random_tensor({4, 4}, 1));
  const int x = b.tensor("x", {1, 4}), stored = b.constant("stored", half), w = b.tensor("w", {4, 4});
  const int y = b.tensor("y", {});
  b.op("DEQUANTIZE", {stored}, {w});
  b.op("FULLY_CONNECTED", {x, w, -1}, {y}, {});
  const Model m = parse(b.finish({x}, {y}));
  CHECK(m.nodes.size() == 1);
  CHECK(m.value(m.nodes[0].inputs[1]).dtype == DType::f16);
  CHECK(m.value(m.nodes[0].inputs[1]).name == "stored");

  ModelBuilder sum;
  const int a = sum.tensor("x", {4, 4}), s = sum.constant("stored", half), f = sum.tensor("w", {4, 4});
  const int out = sum.tensor("y", {});
  sum.op("DEQUANTIZE", {s}, {f});
  sum.op("ADD", {a, f}, {out}, {byte(0, 0)});
  const Tensor<float> zeros({4, 4});
  const Tensor<float> r = floats(output(sum.finish({a}, {out}), AnyTensor(zeros)));
  for (std::int64_t i = 0; i < r.size(); ++i) CHECK(r[i] == static_cast<float>(half[i]));
}

TEST_CASE("tflite: pools of float, int8 and uint8") {
  for (const bool largest : {false, true})
    for (const int padding : {same, valid})
      for (const DType type : {DType::f32, DType::i8, DType::u8}) {
        CAPTURE(largest);
        CAPTURE(padding);
        CAPTURE(name(type));
        const int low = type == DType::i8 ? -128 : 0, zero = low + 100;
        const Tensor<int32> q = random_integers<int32>({2, 7, 6, 17}, 1, low, low + 255);
        const QuantParams params = type == DType::f32 ? QuantParams() : QuantParams(0.1f, zero);
        ModelBuilder b;
        const int x = b.tensor("x", {1, 7, 6, 17}, type, params), y = b.tensor("y", {}, type, params);
        b.op(largest ? "MAX_POOL_2D" : "AVERAGE_POOL_2D", {x}, {y}, pool_options(padding, {3, 5}, {2, 3}, relu));
        const AnyTensor in = AnyTensor::make(type, q.shape(), [&](std::byte* p) {
          for (std::int64_t i = 0; i < q.size(); ++i)
            detail::store_element(type, p, i, type == DType::f32 ? 0.1 * (q[i] - zero) : q[i]);
        });
        const AnyTensor out = output(b.finish({x}, {y}), in);
        const std::int64_t height = padding == same ? 4 : 3, width = padding == same ? 2 : 1;
        REQUIRE(out.shape() == Shape{2, height, width, 17});
        const std::int64_t before = padding == same ? 1 : 0;  // 2 rows and 2 columns are added
        for (std::int64_t i = 0; i < out.size(); ++i) {
          const std::int64_t c = i % 17, column = i / 17 % width, row = i / 17 / width % height,
                             n = i / 17 / width / height;
          double sum = 0, most = -1e9;
          int count = 0;
          for (std::int64_t a = 0; a < 3; ++a)
            for (std::int64_t d = 0; d < 5; ++d) {
              const std::int64_t p = row * 2 - before + a, s = column * 3 - before + d;
              if (p < 0 || s < 0 || p >= 7 || s >= 6) continue;
              const double v = q(n, p, s, c) - zero;
              sum += v;
              most = std::max(most, v);
              ++count;
            }
          const double real = std::max(0.0, largest ? most : sum / count);
          const double got = detail::load_element(type, out.data(), i);
          if (type == DType::f32)
            CHECK(got == doctest::Approx(0.1 * real).scale(1).epsilon(1e-5));
          else
            CHECK(std::abs(got - zero - real) <= 0.5001);
        }
      }
}
