#include "support/gradients.hpp"
#include <octet/operators/unary_function.hpp>
#include "support/sanitized.hpp"

using namespace octet;
using namespace testing;

namespace {

double clamped(double x, const ActivationRange& a) { return std::min(std::max(x, a.low), a.high); }

/// Sizes of a convolution along one dimension.
struct Axis {
  std::int64_t in, out, kernel, stride, dilation, before;
};

/// Inputs: x [N, H, W, I], weights [O, h, w, I / groups], bias, added tensor.
Definition convolution(const Window& window, std::int64_t groups, const ActivationRange& range) {
  return [=](const std::vector<Doubles>& in) {
    const Shape &x = in[0].shape, &w = in[1].shape;
    Axis axes[2];
    for (std::size_t d = 0; d < 2; ++d) {
      const std::int64_t size = x[static_cast<int>(d) + 1];
      const std::int64_t reach = (window.kernel[d] - 1) * window.dilations[d] + 1;
      axes[d] = {size,
                 (size + window.pads_before[d] + window.pads_after[d] - reach) / window.strides[d] + 1,
                 window.kernel[d],
                 window.strides[d],
                 window.dilations[d],
                 window.pads_before[d]};
    }
    const std::int64_t out_c = w[0], in_c = x[3], group_in = w[3], group_out = out_c / groups;
    Doubles y({x[0], axes[0].out, axes[1].out, out_c});
    for (std::int64_t i = 0; i < y.size(); ++i) {
      const std::int64_t o = i % out_c, ox = i / out_c % axes[1].out, oy = i / out_c / axes[1].out % axes[0].out,
                         n = i / out_c / axes[1].out / axes[0].out;
      double sum = in[2].size() ? in[2][o] : 0;
      for (std::int64_t ky = 0; ky < axes[0].kernel; ++ky)
        for (std::int64_t kx = 0; kx < axes[1].kernel; ++kx) {
          const std::int64_t iy = oy * axes[0].stride + ky * axes[0].dilation - axes[0].before;
          const std::int64_t ix = ox * axes[1].stride + kx * axes[1].dilation - axes[1].before;
          if (iy < 0 || iy >= axes[0].in || ix < 0 || ix >= axes[1].in) continue;
          for (std::int64_t c = 0; c < group_in; ++c)
            sum += in[0][((n * axes[0].in + iy) * axes[1].in + ix) * in_c + o / group_out * group_in + c] *
                   in[1][((o * axes[0].kernel + ky) * axes[1].kernel + kx) * group_in + c];
        }
      if (in.size() > 3 && in[3].size()) sum += in[3][i];
      y[i] = clamped(sum, range);
    }
    return y;
  };
}

void check_convolution(const Shape& x, std::int64_t out, const Window& window, std::int64_t groups, bool bias,
                       bool residual, const ActivationRange& range, bool computed_weights, unsigned seed) {
  Convolution op;
  op.window = window;
  op.groups = groups;
  op.activation = range;
  std::vector<GradientInput> in{
      random_tensor(x, seed),
      {random_tensor({out, window.kernel[0], window.kernel[1], x[3] / groups}, seed + 1), computed_weights}};
  in.push_back(bias ? constant(random_tensor({out}, seed + 2)) : GradientInput());
  if (residual) {
    Graph g;
    const int a = g.add_input("x", x), w = g.add_constant("w", in[1].tensor);
    in.push_back(random_tensor(g.value(g.add("shape", op, {a, w})).shape, seed + 3));
  }
  check_gradients(op, in, convolution(window, groups, range));
}

/// A window of `least` to `most` elements in each dimension, with up to `pad` zeros on each side.
Window random_window(Random& r, int least, int most, int pad) {
  Window w(r.between(least, most), r.between(least, most));
  for (std::size_t d = 0; d < 2; ++d) {
    w.strides[d] = r.between(1, 3);
    w.dilations[d] = r.between(1, 2);
    w.pads_before[d] = r.between(0, pad);
    w.pads_after[d] = r.between(0, pad);
  }
  return w;
}

}  // namespace

TEST_CASE("gradients: convolution, random shapes, groups, strides, dilations, pads") {
  Random r(7);
  const double inf = std::numeric_limits<double>::infinity();
  for (int round = 0; round < 40; ++round) {
    INFO("round ", round);
    const Window w = random_window(r, 1, 4, 3);
    const std::int64_t groups = r.chance(50) ? 1 : r.between(1, 4), in = groups * r.between(1, 4),
                       out = groups * r.between(1, 4);
    const Shape x{r.between(1, 3), r.between(7, 9), r.between(7, 9), in};
    const ActivationRange range = r.chance(50) ? ActivationRange{} : ActivationRange{0, r.chance(50) ? inf : 0.8};
    check_convolution(x, out, w, groups, r.chance(50), r.chance(30), range, r.chance(30),
                      static_cast<unsigned>(100 + round));
  }
}

namespace {

/// One dimension of a transposed convolution: input i times tap k is added to output i * stride + k * dilation -
/// before.
struct TransposedSizes {
  std::int64_t kernel, stride, dilation, before, after, output_padding;
  std::int64_t out(std::int64_t in) const {
    return stride * (in - 1) + output_padding + (kernel - 1) * dilation + 1 - before - after;
  }
};

/// Inputs: x [N, h, w, C], weights [O, kh, kw, C / groups], bias.
Definition transposed(const std::array<TransposedSizes, 2>& axes, std::int64_t groups, const ActivationRange& range) {
  return [=](const std::vector<Doubles>& in) {
    const Shape &x = in[0].shape, &w = in[1].shape;
    const std::int64_t h = axes[0].out(x[1]), width = axes[1].out(x[2]), outs = w[0] / groups, ins = w[3];
    Doubles y({x[0], h, width, w[0]});
    for (std::int64_t i = 0; i < y.size() && in[2].size(); ++i) y[i] = in[2][i % w[0]];
    for (std::int64_t i = 0; i < in[0].size(); ++i) {
      const std::int64_t c = i % x[3], ix = i / x[3] % x[2], iy = i / x[3] / x[2] % x[1], n = i / x[3] / x[2] / x[1];
      for (std::int64_t ky = 0; ky < w[1]; ++ky)
        for (std::int64_t kx = 0; kx < w[2]; ++kx) {
          const std::int64_t oy = iy * axes[0].stride + ky * axes[0].dilation - axes[0].before,
                             ox = ix * axes[1].stride + kx * axes[1].dilation - axes[1].before;
          if (oy < 0 || oy >= h || ox < 0 || ox >= width) continue;
          for (std::int64_t o = c / ins * outs; o < (c / ins + 1) * outs; ++o)
            y[((n * h + oy) * width + ox) * w[0] + o] +=
                in[0][i] * in[1][((o * w[1] + ky) * w[2] + kx) * ins + c % ins];
        }
    }
    for (double& v : y.v) v = clamped(v, range);
    return y;
  };
}

void check_transposed(const Shape& x, std::int64_t out, const std::array<TransposedSizes, 2>& axes, std::int64_t groups,
                      bool bias, const ActivationRange& range, unsigned seed) {
  TransposedConvolution op;
  op.window = Window(axes[0].kernel, axes[1].kernel);
  op.groups = groups;
  op.activation = range;
  for (std::size_t d = 0; d < 2; ++d) {
    op.window.strides[d] = axes[d].stride;
    op.window.dilations[d] = axes[d].dilation;
    op.window.pads_before[d] = axes[d].before;
    op.window.pads_after[d] = axes[d].after;
    op.output_padding.push_back(axes[d].output_padding);
  }
  std::vector<GradientInput> in{random_tensor(x, seed),
                                random_tensor({out, axes[0].kernel, axes[1].kernel, x[3] / groups}, seed + 1)};
  in.push_back(bias ? constant(random_tensor({out}, seed + 2)) : GradientInput());
  check_gradients(op, in, transposed(axes, groups, range));
}

}  // namespace

TEST_CASE("gradients: transposed convolution") {
  const ActivationRange none, clamp{-0.5, 1};
  check_transposed({2, 3, 4, 5}, 17, {{{3, 2, 1, 1, 1, 0}, {3, 2, 1, 1, 1, 0}}}, 1, true, none, 1);
  check_transposed({1, 5, 5, 16}, 33, {{{2, 2, 1, 0, 0, 0}, {2, 2, 1, 0, 0, 0}}}, 1, true, clamp, 2);
  check_transposed({1, 4, 3, 3}, 4, {{{3, 2, 1, 1, 0, 1}, {2, 3, 1, 0, 1, 2}}}, 1, false, none, 3);
  check_transposed({2, 3, 3, 4}, 6, {{{3, 2, 2, 2, 2, 0}, {3, 2, 2, 2, 2, 0}}}, 2, true, none, 4);
  check_transposed({1, 3, 3, 2}, 3, {{{1, 2, 1, 0, 0, 0}, {1, 3, 1, 0, 0, 0}}}, 1, true, clamp,
                   5);  // outputs without taps
  check_transposed({2, 4, 4, 33}, 33, {{{4, 2, 1, 1, 1, 0}, {4, 2, 1, 1, 1, 0}}}, 33, true, none, 6);  // depthwise
  check_transposed({2, 6, 5, 8}, 8, {{{3, 1, 1, 1, 1, 0}, {3, 1, 1, 1, 1, 0}}}, 1, false, clamp, 7);
  Random r(5);
  for (int round = 0; round < 8; ++round) {
    INFO("round ", round);
    std::array<TransposedSizes, 2> axes;
    for (TransposedSizes& a : axes)
      a = {r.between(2, 4), r.between(1, 3), r.between(1, 2), r.between(0, 1), r.between(0, 1), 0};
    const std::int64_t groups = r.chance(30) ? 2 : 1;
    check_transposed({r.between(1, 3), r.between(3, 6), r.between(3, 6), groups * r.between(1, 9)},
                     groups * r.between(1, 20), axes, groups, r.chance(50), r.chance(50) ? clamp : none,
                     static_cast<unsigned>(round));
  }
}

TEST_CASE("gradients: PReLU, with a slope for each channel, element or tensor") {
  const Shape x{3, 5, 4, 7};
  for (const Shape& slopes : {Shape{7}, Shape{1, 1, 7}, Shape{5, 4, 7}, Shape{1}, Shape{5, 1, 1}, Shape{3, 5, 4, 7}}) {
    INFO(slopes);
    Tensor<float> in = random_tensor(x, 1);
    for (float& v : in)
      if (std::abs(v) < 1e-3f) v = 0.1f;  // not at the corner
    check_gradients(PRelu(), {std::move(in), constant(random_tensor(slopes, 2, 0.1f, 0.5f))},
                    [&](const std::vector<Doubles>& all) {
                      Doubles y(x);
                      for (std::int64_t i = 0; i < y.size(); ++i) {
                        std::int64_t at = 0, rest = i, stride = 1;
                        for (int d = 3, s = slopes.rank() - 1; s >= 0; --d, --s) {
                          at += slopes[s] == 1 ? 0 : rest % x[d] * stride;
                          rest /= x[d];
                          stride *= slopes[s];
                        }
                        y[i] = all[0][i] < 0 ? all[0][i] * all[1][at] : all[0][i];
                      }
                      return y;
                    });
  }
}

TEST_CASE("gradients: bfloat16 products round both operands, if the CPU supports them") {
  Random r(8);
  int rounded = 0;
  for (int round = 0; round < rounds(60); ++round) {
    const std::int64_t groups = r.chance(70) ? 1 : r.between(2, 3), in = groups * r.between(1, 70),
                       out = groups * r.between(1, 70), size = r.chance(50) ? 1 : 3;
    Convolution op;
    op.window = Window(size, size, r.between(1, 2), size / 2);
    op.groups = groups;
    const Shape x{r.between(1, 3), r.between(1, 9), r.between(1, 9), in};
    const std::vector<GradientInput> inputs{random_tensor(x, 1), random_tensor({out, size, size, in / groups}, 2),
                                            random_tensor({out}, 3)};
    const Graph g = gradient_graph(std::make_shared<const Convolution>(op), inputs);
    const Tensor<float> weights = random_tensor(g.infer_shapes({{1}})[static_cast<std::size_t>(g.outputs[0])], 4);
    for (Isa isa : available_isas()) {
      const UseIsa use(isa);
      INFO(name(isa), ", round ", round);
      const Gradients exact = gradients(g, 3, weights, {}, 1), found = gradients(g, 3, weights, {}, 1, true);
      const auto compare = [&](const Tensor<float>& a, const Tensor<float>& b) {
        if (!octet::detail::kernels(isa).gemm_bf16) {
          CHECK(same_bits(a, b));
          return;
        }
        double largest = 1e-3;
        for (float v : b) largest = std::max(largest, static_cast<double>(std::abs(v)));
        CHECK(largest_difference(a, b) <= 0.02 * largest);
        rounded += !same_bits(a, b);
      };
      compare(found.output, exact.output);
      for (std::size_t i = 0; i < 3; ++i) {
        compare(found.by_input[i], exact.by_input[i]);
        for (int threads : {2, 3})
          CHECK(same_bits(gradients(g, 3, weights, {}, threads, true).by_input[i], found.by_input[i]));
      }
    }
  }
  if (octet::detail::kernels().gemm_bf16) CHECK(rounded > rounds(100));
}

TEST_CASE("gradients: typical convolutions") {
  SUBCASE("3x3 in place, more channels than a panel") {
    check_convolution({2, 4, 4, 40}, 37, Window(3, 3, 1, 1), 1, true, false, {0, 6}, false, 1);
  }
  SUBCASE("1x1 in place") { check_convolution({2, 3, 3, 70}, 33, Window(1, 1), 1, false, true, {}, false, 2); }
  SUBCASE("1x1 of stride 2") { check_convolution({2, 5, 4, 6}, 5, Window(1, 1, 2), 1, true, false, {}, false, 3); }
  SUBCASE("one row of taps per task") {
    check_convolution({1, 4, 4, 64}, 3, Window(3, 3, 1, 1), 1, false, false, {}, false, 4);
  }
  SUBCASE("channels of one tap per task") {
    check_convolution({1, 3, 3, 100}, 2, Window(3, 3, 1, 1), 1, false, false, {}, false, 5);
  }
  SUBCASE("padding pixels skipped, groups, strides") {
    Window w(3, 2, 1, 2);
    w.strides = {2, 1};
    w.dilations = {1, 2};
    check_convolution({2, 5, 4, 140}, 4, w, 2, false, false, {}, false, 11);
  }
  SUBCASE("taps only on the padding") {
    check_convolution({1, 1, 2, 64}, 3, Window(5, 5, 1, 2), 1, false, false, {}, false, 12);
  }
  SUBCASE("many pixels") { check_convolution({3, 12, 12, 2}, 3, Window(3, 3, 1, 1), 1, true, false, {}, false, 6); }
  SUBCASE("depthwise 3x3") {
    check_convolution({3, 5, 6, 70}, 70, Window(3, 3, 1, 1), 70, true, false, {0, 6}, false, 7);
  }
  SUBCASE("depthwise 3x3 of stride 2") {
    check_convolution({2, 7, 6, 19}, 19, Window(3, 3, 2, 1), 19, false, false, {}, false, 8);
  }
  SUBCASE("depthwise 5x5, dilated") {
    Window w(5, 5, 1, 4);
    w.dilations = {2, 2};
    check_convolution({2, 6, 5, 33}, 33, w, 33, false, false, {}, true, 9);
  }
  SUBCASE("depthwise, two filters per channel") {
    check_convolution({2, 4, 4, 6}, 12, Window(3, 3, 1, 1), 6, true, false, {}, false, 10);
  }
}

TEST_CASE("gradients: convolutions in other forms give the same gradients") {
  const Tensor<float> x = random_tensor({3, 7, 4}, 1), w = random_tensor({5, 3, 4}, 2), b = random_tensor({5}, 3);
  const auto reshaped = [](const Tensor<float>& t, const Shape& s) { return Tensor<float>(t).reshaped(s); };
  // One-dimensional images have a height of 1.
  Convolution line, row;
  line.window.kernel = {3};
  line.window.strides = {2};
  line.window.dilations = {1};
  line.window.pads_before = {1};
  line.window.pads_after = {2};
  row.window = Window(1, 3);
  row.window.strides = {1, 2};
  row.window.pads_before = {0, 1};
  row.window.pads_after = {0, 2};
  const Tensor<float> weights = random_tensor({3, 4, 5}, 4);
  const Gradients one = gradients(
      gradient_graph(std::make_shared<const Convolution>(line), {x, constant(w), constant(b)}), 3, weights, {}, 1);
  const Gradients two =
      gradients(gradient_graph(std::make_shared<const Convolution>(row),
                               {reshaped(x, {3, 1, 7, 4}), constant(reshaped(w, {5, 1, 3, 4})), constant(b)}),
                3, reshaped(weights, {3, 1, 4, 5}), {}, 1);
  CHECK(same_bits(one.output, reshaped(two.output, one.output.shape())));
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(same_bits(one.by_input[i], reshaped(two.by_input[i], one.by_input[i].shape())));
  // SAME padding is equivalent to explicit padding.
  Convolution same, given;
  same.window = given.window = Window(1, 3, 2, 0);
  same.window.padding = Window::Padding::same_upper;
  given.window.pads_before = {0, 1};
  given.window.pads_after = {0, 1};
  const std::vector<GradientInput> in{reshaped(x, {3, 1, 7, 4}), constant(reshaped(w, {5, 1, 3, 4}))};
  const Tensor<float> all = random_tensor({3, 1, 4, 5}, 5);
  const Gradients a = gradients(gradient_graph(std::make_shared<const Convolution>(same), in), 2, all, {}, 1),
                  c = gradients(gradient_graph(std::make_shared<const Convolution>(given), in), 2, all, {}, 1);
  for (std::size_t i = 0; i < 2; ++i) CHECK(same_bits(a.by_input[i], c.by_input[i]));
}

TEST_CASE("gradients: fully connected") {
  const auto definition = [](const ActivationRange& range) {
    return [=](const std::vector<Doubles>& in) {
      Shape s = in[0].shape;
      const std::int64_t k = s.back(), out = in[1].shape[0];
      s[s.rank() - 1] = out;
      Doubles y(s);
      for (std::int64_t i = 0; i < y.size(); ++i) {
        double sum = in[2].size() ? in[2][i % out] : 0;
        for (std::int64_t j = 0; j < k; ++j) sum += in[0][i / out * k + j] * in[1][i % out * k + j];
        y[i] = clamped(sum, range);
      }
      return y;
    };
  };
  FullyConnected plain, relu;
  relu.activation = {0, std::numeric_limits<double>::infinity()};
  const auto t = [](const Shape& s, unsigned seed) { return random_tensor(s, seed); };
  check_gradients(plain, {t({5, 37}, 1), constant(t({3, 37}, 2)), constant(t({3}, 3))}, definition({}));
  check_gradients(relu, {t({2, 3, 4}, 1), constant(t({70, 4}, 2)), GradientInput()}, definition(relu.activation));
  check_gradients(plain, {t({300, 5}, 1), t({6, 5}, 2), constant(t({6}, 3))}, definition({}));
}

namespace {

/// Inputs: x, gamma, beta, running mean, running variance.
Definition batch_normalization(double epsilon, const ActivationRange& range, bool batch_statistics) {
  return [=](const std::vector<Doubles>& in) {
    const std::int64_t channels = in[0].shape.back(), rows = in[0].size() / channels;
    Doubles y(in[0].shape);
    for (std::int64_t c = 0; c < channels; ++c) {
      double mean = in[3][c], variance = in[4][c];
      if (batch_statistics) {
        mean = variance = 0;
        for (std::int64_t r = 0; r < rows; ++r) mean += in[0][r * channels + c] / static_cast<double>(rows);
        for (std::int64_t r = 0; r < rows; ++r)
          variance += std::pow(in[0][r * channels + c] - mean, 2) / static_cast<double>(rows);
      }
      for (std::int64_t i = c; i < y.size(); i += channels)
        y[i] = clamped((in[0][i] - mean) / std::sqrt(variance + epsilon) * in[1][c] + in[2][c], range);
    }
    return y;
  };
}

}  // namespace

TEST_CASE("gradients: batch normalization") {
  BatchNormalization op;
  op.epsilon = 1e-3;
  const auto inputs = [](const Shape& x, bool learned) {
    const Shape c{x.back()};
    const auto parameter = [&](Tensor<float> t) {
      return learned ? constant(std::move(t)) : fixed_constant(std::move(t));
    };
    return std::vector<GradientInput>{random_tensor(x, 1, -1, 3), parameter(random_tensor(c, 2, 0.5f, 2)),
                                      parameter(random_tensor(c, 3)), fixed_constant(random_tensor(c, 4)),
                                      fixed_constant(random_tensor(c, 5, 0.5f, 2))};
  };
  TrainingPass running;
  running.batch_statistics = false;
  TrainingPass batch;
  batch.momentum = 0;  // runs are repeated
  for (const Shape& x : {Shape{2, 3, 3, 5}, Shape{7, 37}, Shape{3, 20, 20, 17}, Shape{1, 1, 2, 64}}) {
    INFO(x);
    check_gradients(op, inputs(x, true), batch_normalization(1e-3, {}, true), batch, 1e-4);
    check_gradients(op, inputs(x, true), batch_normalization(1e-3, {}, false), running, 1e-4);
  }
  op.activation = {0, 1.5};
  check_gradients(op, inputs({4, 5, 3, 19}, true), batch_normalization(1e-3, {0, 1.5}, true), batch, 1e-4);
  check_gradients(op, inputs({4, 5, 3, 19}, true), batch_normalization(1e-3, {0, 1.5}, false), running, 1e-4);
}

TEST_CASE("gradients: frozen batch normalization uses the running statistics") {
  BatchNormalization op;
  const Shape x{3, 4, 4, 6}, c{6};
  Graph g =
      gradient_graph(std::make_shared<const BatchNormalization>(op),
                     {random_tensor(x, 1), fixed_constant(random_tensor(c, 2)), fixed_constant(random_tensor(c, 3)),
                      fixed_constant(random_tensor(c, 4)), fixed_constant(random_tensor(c, 5, 0.5f, 2))});
  GradientOptions o;
  o.threads = 1;
  o.freeze = {"tested"};
  GradientExecutor e(g, o);
  e.plan({1});
  CHECK(e.parameters().list().size() == 1);  // x
  const Tensor<float> y(e.forward({}));
  CHECK(largest_difference(y, floats(run_plain(g, {AnyTensor(Tensor<float>({1}))})[0])) < 1e-5);
}

TEST_CASE("gradients: unary functions") {
  struct Case {
    UnaryKind kind;
    double a, b;
    float low, high;
  };
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<Case> cases{{UnaryKind::clip, 0, inf, -2, 2},
                                {UnaryKind::clip, -0.5, 1, -2, 2},
                                {UnaryKind::leaky_relu, 0.1, 0, -2, 2},
                                {UnaryKind::sigmoid, 0, 0, -4, 4},
                                {UnaryKind::hard_sigmoid, 0.2, 0.5, -4, 4},
                                {UnaryKind::hard_swish, 0, 0, -5, 5},
                                {UnaryKind::silu, 0, 0, -4, 4},
                                {UnaryKind::tanh, 0, 0, -3, 3},
                                {UnaryKind::elu, 1.5, 0, -3, 3},
                                {UnaryKind::gelu, 0, 0, -3, 3},
                                {UnaryKind::softplus, 0, 0, -4, 4},
                                {UnaryKind::exp, 0, 0, -2, 2},
                                {UnaryKind::log, 0, 0, 0.3f, 4},
                                {UnaryKind::sqrt, 0, 0, 0.3f, 4},
                                {UnaryKind::negate, 0, 0, -1, 1},
                                {UnaryKind::abs, 0, 0, -1, 1},
                                {UnaryKind::reciprocal, 0, 0, 0.4f, 3},
                                {UnaryKind::erf, 0, 0, -2, 2},
                                {UnaryKind::gelu_tanh, 0, 0, -3, 3},
                                {UnaryKind::rsqrt, 0, 0, 0.3f, 3},
                                {UnaryKind::sin, 0, 0, -4, 4},
                                {UnaryKind::cos, 0, 0, -4, 4},
                                {UnaryKind::tan, 0, 0, -1.2f, 1.2f},
                                {UnaryKind::asin, 0, 0, -0.9f, 0.9f},
                                {UnaryKind::acos, 0, 0, -0.9f, 0.9f},
                                {UnaryKind::atan, 0, 0, -3, 3},
                                {UnaryKind::sinh, 0, 0, -2, 2},
                                {UnaryKind::cosh, 0, 0, -2, 2},
                                {UnaryKind::asinh, 0, 0, -3, 3},
                                {UnaryKind::acosh, 0, 0, 1.2f, 4},
                                {UnaryKind::atanh, 0, 0, -0.9f, 0.9f}};
  for (const Case& c : cases) {
    INFO("kind ", static_cast<int>(c.kind));
    const octet::detail::UnaryFunction f{c.kind, c.a, c.b};
    check_gradients(Unary(c.kind, c.a, c.b), {random_tensor({3, 7}, 1, c.low, c.high)},
                    [&](const std::vector<Doubles>& in) {
                      Doubles y = in[0];
                      for (double& x : y.v) x = f(x);
                      return y;
                    });
  }
  for (const UnaryKind k : {UnaryKind::floor, UnaryKind::ceil, UnaryKind::round, UnaryKind::sign})
    CHECK_THROWS_WITH_AS(GradientExecutor(gradient_graph(std::make_shared<const Unary>(k), {random_tensor({2}, 1)})),
                         "layer 'tested' (Unary): has no gradient: its derivative is 0 almost everywhere", Error);
}

namespace {

Definition pooling(const Window& window, bool largest, bool include_padding) {
  return [=](const std::vector<Doubles>& in) {
    const Shape& x = in[0].shape;
    std::int64_t out[2];
    for (std::size_t d = 0; d < 2; ++d)
      out[d] = (x[static_cast<int>(d) + 1] + window.pads_before[d] + window.pads_after[d] -
                (window.kernel[d] - 1) * window.dilations[d] - 1) /
                   window.strides[d] +
               1;
    Doubles y({x[0], out[0], out[1], x[3]});
    for (std::int64_t i = 0; i < y.size(); ++i) {
      const std::int64_t c = i % x[3], ox = i / x[3] % out[1], oy = i / x[3] / out[1] % out[0],
                         n = i / x[3] / out[1] / out[0];
      double sum = 0, best = -std::numeric_limits<double>::infinity();
      int count = 0;
      for (std::int64_t ky = 0; ky < window.kernel[0]; ++ky)
        for (std::int64_t kx = 0; kx < window.kernel[1]; ++kx) {
          const std::int64_t iy = oy * window.strides[0] + ky * window.dilations[0] - window.pads_before[0];
          const std::int64_t ix = ox * window.strides[1] + kx * window.dilations[1] - window.pads_before[1];
          if (iy < 0 || iy >= x[1] || ix < 0 || ix >= x[2]) continue;
          const double v = in[0][((n * x[1] + iy) * x[2] + ix) * x[3] + c];
          sum += v;
          best = std::max(best, v);
          ++count;
        }
      if (include_padding) count = static_cast<int>(window.kernel[0] * window.kernel[1]);
      y[i] = largest ? best : sum / count;
    }
    return y;
  };
}

}  // namespace

TEST_CASE("gradients: pooling") {
  Random r(11);
  for (int round = 0; round < 16; ++round) {
    INFO("round ", round);
    const Window w = random_window(r, 2, 3, 1);
    const Shape x{r.between(1, 5), r.between(5, 8), r.between(5, 8), r.between(1, 40)};
    MaxPool largest;
    largest.window = w;
    AveragePool mean;
    mean.window = w;
    mean.include_padding = r.chance(50);
    check_gradients(largest, {random_tensor(x, static_cast<unsigned>(round))}, pooling(w, true, false));
    check_gradients(mean, {random_tensor(x, static_cast<unsigned>(round))}, pooling(w, false, mean.include_padding));
  }
  // The first of equal elements gets the gradient.
  MaxPool pool;
  pool.window = Window(2, 2, 2);
  const Gradients g = gradients(gradient_graph(std::make_shared<const MaxPool>(pool), {Tensor<float>({1, 2, 2, 1})}), 1,
                                Tensor<float>({1, 1, 1, 1}, {3}), {}, 1);
  CHECK(std::vector<float>(g.by_input[0].begin(), g.by_input[0].end()) == std::vector<float>{3, 0, 0, 0});
  pool.indices = true;
  CHECK_THROWS_WITH_AS(
      GradientExecutor(gradient_graph(std::make_shared<const MaxPool>(pool), {Tensor<float>({1, 2, 2, 1})})),
      "layer 'tested' (MaxPool): has no gradient if it returns indices", Error);
}

TEST_CASE("gradients: means and sums") {
  for (const bool mean : {true, false})
    for (const std::vector<std::int64_t>& axes :
         std::vector<std::vector<std::int64_t>>{{1, 2}, {}, {0}, {3}, {-1, 1}, {0, 2}}) {
      const Shape s{2, 3, 4, 37};
      for (const bool keep : {true, false}) {
        std::vector<bool> gone(4, axes.empty());
        for (std::int64_t a : axes) gone[static_cast<std::size_t>(a < 0 ? a + 4 : a)] = true;
        check_gradients(Reduce(mean ? ReduceKind::mean : ReduceKind::sum, axes, keep), {random_tensor(s, 3)},
                        [&](const std::vector<Doubles>& in) {
                          Shape out;
                          std::int64_t strides[4], stride = 1, count = 1;
                          for (int d = 3; d >= 0; --d) {
                            const bool g = gone[static_cast<std::size_t>(d)];
                            strides[d] = g ? 0 : stride;
                            (g ? count : stride) *= s[d];
                          }
                          for (int d = 0; d < 4; ++d)
                            if (!gone[static_cast<std::size_t>(d)] || keep)
                              out.push_back(gone[static_cast<std::size_t>(d)] ? 1 : s[d]);
                          Doubles y(out);
                          for (std::int64_t i = 0; i < in[0].size(); ++i) {
                            std::int64_t rest = i, to = 0;
                            for (int d = 3; d >= 0; --d) {
                              to += rest % s[d] * strides[d];
                              rest /= s[d];
                            }
                            y[to] += in[0][i] / (mean ? static_cast<double>(count) : 1.0);
                          }
                          return y;
                        });
      }
    }
  CHECK_THROWS_WITH_AS(GradientExecutor(gradient_graph(
                           std::make_shared<const Reduce>(ReduceKind::max, std::vector<std::int64_t>{0}, true),
                           {random_tensor({2}, 1)})),
                       "layer 'tested' (Reduce): has no gradient: only mean and sum have one", Error);
}

namespace {

Definition arithmetic(BinaryKind kind, const ActivationRange& range) {
  return [=](const std::vector<Doubles>& in) {
    const Shape out = broadcast(in[0].shape, in[1].shape);
    Doubles y(out);
    for (std::int64_t i = 0; i < y.size(); ++i) {
      double x[2];
      for (std::size_t k = 0; k < 2; ++k) {
        const Shape& s = in[k].shape;
        std::int64_t rest = i, at = 0, stride = 1;
        for (int d = out.rank() - 1; d >= 0; --d) {
          const std::int64_t index = rest % out[d];
          rest /= out[d];
          const int own = d - (out.rank() - s.rank());
          if (own < 0) continue;
          if (s[own] != 1) at += index * stride;
          stride *= s[own];
        }
        x[k] = in[k][at];
      }
      y[i] = clamped(kind == BinaryKind::add   ? x[0] + x[1]
                     : kind == BinaryKind::sub ? x[0] - x[1]
                     : kind == BinaryKind::mul ? x[0] * x[1]
                                               : x[0] / x[1],
                     range);
    }
    return y;
  };
}

}  // namespace

TEST_CASE("gradients: arithmetic, with broadcasting") {
  const std::vector<std::pair<Shape, Shape>> shapes{{{2, 3, 5}, {2, 3, 5}},
                                                    {{2, 3, 4, 17}, {2, 1, 1, 17}},
                                                    {{2, 1, 1, 17}, {2, 3, 4, 17}},
                                                    {{4, 5}, {5}},
                                                    {{3, 4, 5}, {3, 4, 1}},
                                                    {{3, 1, 5}, {1, 4, 1}},
                                                    {{7}, {1}},
                                                    {{1, 6}, {6}}};
  for (const auto& pair : shapes)
    for (const BinaryKind k : {BinaryKind::add, BinaryKind::sub, BinaryKind::mul, BinaryKind::div})
      for (const bool clamps : {false, true}) {
        const Shape &a = pair.first, &b = pair.second;
        INFO(a, " and ", b, ", kind ", static_cast<int>(k));
        const ActivationRange range = clamps ? ActivationRange{-0.4, 0.9} : ActivationRange{};
        const auto second = random_tensor(b, 2, 0.5f, 2);
        check_gradients(Binary(k, range), {random_tensor(a, 1), second}, arithmetic(k, range));
        check_gradients(Binary(k, range), {random_tensor(a, 1), fixed_constant(second)}, arithmetic(k, range));
        check_gradients(Binary(k, range), {fixed_constant(random_tensor(a, 1)), second}, arithmetic(k, range));
      }
  CHECK_THROWS_WITH_AS(GradientExecutor(gradient_graph(std::make_shared<const Binary>(BinaryKind::pow),
                                                       {random_tensor({2}, 1), random_tensor({2}, 2)})),
                       "layer 'tested' (Binary): has no gradient: only add, sub, mul and div have one", Error);
}

TEST_CASE("gradients: operators that move elements") {
  const auto from_inference = [](const OperatorPtr& op) {  // exact in float
    return [op](const std::vector<Doubles>& in) {
      Graph g;
      std::vector<int> v;
      std::vector<AnyTensor> t;
      for (const Doubles& d : in) {
        Tensor<double> exact = Tensor<double>::uninitialized(d.shape);
        std::copy(d.v.begin(), d.v.end(), exact.begin());
        v.push_back(g.add_input("x" + std::to_string(v.size()), d.shape, DType::f64));
        t.emplace_back(std::move(exact));
      }
      g.outputs = {g.add("y", op, v)};
      const AnyTensor out = run_plain(g, t)[0];
      Doubles y(out.shape());
      std::copy(out.view<double>().begin(), out.view<double>().end(), y.v.begin());
      return y;
    };
  };
  const auto check = [&](auto op, const std::vector<GradientInput>& in) {
    const OperatorPtr p = std::make_shared<const decltype(op)>(op);
    check_gradients(p, in, from_inference(p));
  };
  check(Transpose({0, 3, 1, 2}), {random_tensor({2, 3, 4, 5}, 1)});
  check(Transpose({1, 2, 0}), {random_tensor({3, 4, 5}, 1)});
  check(Transpose({0, 1}), {random_tensor({3, 4}, 1)});
  check(Pad(PadMode::constant, {0, 1, 2, 0}, {0, 3, 0, 0}, 0.5), {random_tensor({2, 3, 4, 5}, 1)});
  check(Pad(PadMode::constant, {1, -1}, {-1, 2}), {random_tensor({3, 4}, 1)});
  check(Slice({1, -1}, {9, -9}, {1, 3}, {2, -2}), {random_tensor({2, 5, 3, 4}, 1)});
  check(Slice({0}, {2}, {0}), {random_tensor({3, 4}, 1)});
  check(Concat(-1), {random_tensor({2, 3, 5}, 1), random_tensor({2, 3, 1}, 2), random_tensor({2, 3, 17}, 3)});
  check(Concat(0), {random_tensor({2, 3}, 1), fixed_constant(random_tensor({1, 3}, 2)), random_tensor({4, 3}, 3)});
  check(Flatten(1), {random_tensor({2, 3, 4}, 1)});
  check(Reshape({4, -1}), {random_tensor({2, 6}, 1)});
  check(Squeeze(), {random_tensor({2, 1, 3}, 1)});
  check(Unsqueeze({1}), {random_tensor({2, 3}, 1)});
  check(Identity(), {random_tensor({2, 3}, 1)});
  const auto pad =
      std::make_shared<const Pad>(PadMode::reflect, std::vector<std::int64_t>{1}, std::vector<std::int64_t>{1});
  CHECK_THROWS_WITH_AS(GradientExecutor(gradient_graph(pad, {random_tensor({3}, 1)})),
                       "layer 'tested' (Pad): has no gradient except for constant padding", Error);
}

TEST_CASE("gradients: softmax") {
  for (const bool log : {false, true})
    for (const std::int64_t axis : {1, -1}) {
      Softmax op;
      op.axis = axis;
      op.beta = 1.5;
      op.log = log;
      check_gradients(op, {random_tensor({2, 3, 5}, 1, -2, 2)}, [&](const std::vector<Doubles>& in) {
        const std::int64_t n = axis == 1 ? 3 : 5, inner = axis == 1 ? 5 : 1;
        Doubles y = in[0];
        for (std::int64_t i = 0; i < y.size(); ++i) {
          const std::int64_t first = i / (n * inner) * n * inner + i % inner;
          double sum = 0;
          for (std::int64_t k = 0; k < n; ++k) sum += std::exp(1.5 * in[0][first + k * inner]);
          y[i] = log ? 1.5 * in[0][i] - std::log(sum) : std::exp(1.5 * in[0][i]) / sum;
        }
        return y;
      });
    }
}

TEST_CASE("gradients: dropout drops the same elements in both passes") {
  TrainingPass pass;
  pass.random = 5;
  const Tensor<float> x = random_tensor({100, 333}, 1, 1, 2);
  const Graph g = gradient_graph(std::make_shared<const Dropout>(0.25), {x});
  const Tensor<float> weights = random_tensor(x.shape(), 2, 1, 2);
  const Gradients r = gradients(g, 1, weights, pass, 1), same = gradients(g, 1, weights, pass, 3);
  CHECK(same_bits(r.output, same.output));
  std::int64_t dropped = 0, wrong = 0;
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const bool kept = r.output[i] != 0;
    dropped += !kept;
    wrong +=
        kept ? std::abs(r.output[i] - x[i] / 0.75f) > 1e-6f || std::abs(r.by_input[0][i] - weights[i] / 0.75f) > 1e-6f
             : r.by_input[0][i] != 0;
  }
  CHECK(wrong == 0);
  CHECK(std::abs(static_cast<double>(dropped) / static_cast<double>(x.size()) - 0.25) < 0.01);
  pass.random = 6;
  CHECK_FALSE(same_bits(r.output, gradients(g, 1, weights, pass, 1).output));
  // In inference, nothing is dropped.
  CHECK(same_bits(floats(run_plain(g, {AnyTensor(Tensor<float>({1}))})[0]), x));
  CHECK_THROWS_WITH_AS(gradient_graph(std::make_shared<const Dropout>(1.0), {x}),
                       "layer 'tested' (Dropout): expected a rate in [0, 1), found 1", ShapeError);
}
