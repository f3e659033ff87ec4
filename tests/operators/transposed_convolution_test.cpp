#include <octet/kernels/half.hpp>
#include <octet/operators/all.hpp>
#include "support/layer.hpp"
#include "support/random.hpp"

using namespace testing;

namespace {

constexpr std::int64_t unknown = Shape::unknown;

struct Case {
  Shape in, weights;
  TransposedConvolution op;
};

Case make(const Shape& in, std::int64_t out, std::vector<std::int64_t> kernel, std::vector<std::int64_t> strides,
          std::vector<std::int64_t> before, std::vector<std::int64_t> after, std::vector<std::int64_t> dilations = {},
          std::int64_t groups = 1, std::vector<std::int64_t> output_padding = {}) {
  Case c;
  c.in = in;
  c.weights = {out};
  for (std::int64_t k : kernel) c.weights.push_back(k);
  c.weights.push_back(in.back() / groups);
  c.op.groups = groups;
  c.op.output_padding = std::move(output_padding);
  Window& w = c.op.window;
  w.dilations = dilations.empty() ? std::vector<std::int64_t>(kernel.size(), 1) : std::move(dilations);
  w.kernel = std::move(kernel);
  w.strides = std::move(strides);
  w.pads_before = std::move(before);
  w.pads_after = std::move(after);
  return c;
}

std::vector<Case> cases() {
  return {make({2, 6, 7, 5}, 1, {9, 9}, {3, 3}, {4, 4}, {4, 4}, {}, 1, {2, 2}),
          make({1, 9, 5, 12}, 3, {5, 4}, {2, 3}, {2, 0}, {1, 1}),
          make({1, 3, 4, 2}, 3, {3, 3}, {1, 1}, {0, 0}, {0, 0}),
          make({2, 3, 4, 5}, 17, {3, 3}, {2, 2}, {1, 1}, {1, 1}),
          make({1, 5, 5, 16}, 33, {2, 2}, {2, 2}, {0, 0}, {0, 0}),
          make({1, 4, 3, 3}, 4, {4, 4}, {2, 2}, {1, 1}, {1, 1}),
          make({1, 4, 3, 3}, 4, {3, 2}, {2, 3}, {1, 0}, {0, 1}, {}, 1, {1, 2}),
          make({1, 3, 3, 4}, 6, {3, 3}, {2, 2}, {2, 2}, {2, 2}, {2, 2}, 2),
          make({1, 3, 4, 2}, 2, {3, 2}, {3, 4}, {0, 0}, {0, 0}, {2, 2}),  // stride and dilation have a common divisor
          make({1, 3, 3, 2}, 3, {1, 1}, {2, 3}, {0, 0}, {0, 0}),          // outputs without any tap
          make({2, 3, 3, 2}, 3, {2, 1}, {3, 1}, {1, 0}, {0, 0}, {}, 1, {2, 0}),
          make({1, 3, 3, 2}, 3, {3, 3}, {2, 2}, {2, 2}, {2, 2}),  // crops more than the first taps
          make({1, 4, 4, 3}, 2, {1, 1}, {1, 1}, {1, 1}, {1, 1}),
          make({1, 4, 4, 3}, 2, {1, 1}, {1, 1}, {1, 2}, {1, 0}, {}, 1, {2, 2}),
          make({1, 4, 4, 5}, 5, {4, 4}, {2, 2}, {1, 1}, {1, 1}, {}, 5),  // depthwise
          make({1, 4, 4, 33}, 33, {3, 3}, {2, 2}, {0, 1}, {1, 0}, {}, 33, {1, 1}),
          make({2, 9, 3}, 4, {5}, {3}, {2}, {1}, {}, 1, {1}),  // one dimension
          make({0, 3, 4, 5}, 7, {3, 3}, {2, 2}, {1, 1}, {1, 1})};
}

/// Reference sums: every input is added to the outputs that its taps reach. The element functions return products.
template <class F>
std::vector<double> scatter(const Case& c, const Shape& out, const std::vector<std::int64_t>& before, F product) {
  std::vector<double> sums(static_cast<std::size_t>(out.elements()), 0.0);
  const Window& w = c.op.window;
  const std::int64_t group_in = c.weights.back(), group_out = c.weights[0] / c.op.groups;
  each_index(c.in, [&](const auto& i) {
    each_index(Shape(w.kernel.begin(), w.kernel.end()), [&](const auto& k) {
      std::vector<std::int64_t> o{i[0]};
      bool inside = true;
      for (std::size_t d = 0; d < k.size(); ++d) {
        o.push_back(i[d + 1] * w.strides[d] + k[d] * w.dilations[d] - before[d]);
        inside = inside && o.back() >= 0 && o.back() < out[static_cast<int>(d) + 1];
      }
      o.push_back(0);
      const std::int64_t group = i.back() / group_in;
      for (std::int64_t r = 0; inside && r < group_out; ++r) {
        o.back() = group * group_out + r;
        std::vector<std::int64_t> at{o.back()};
        at.insert(at.end(), k.begin(), k.end());
        at.push_back(i.back() % group_in);
        sums[static_cast<std::size_t>(flat(out, o))] += product(flat(c.in, i), flat(c.weights, at));
      }
    });
  });
  return sums;
}

Shape expected_shape(const Case& c) {
  Shape s{c.in[0]};
  const Window& w = c.op.window;
  for (std::size_t d = 0; d < w.kernel.size(); ++d)
    s.push_back(w.strides[d] * (c.in[static_cast<int>(d) + 1] - 1) + (w.kernel[d] - 1) * w.dilations[d] + 1 -
                w.pads_before[d] - w.pads_after[d] + (c.op.output_padding.empty() ? 0 : c.op.output_padding[d]));
  s.push_back(c.weights[0]);
  return s;
}

void check_float(const Case& c, const std::vector<std::int64_t>& before) {
  const Tensor<float> x = random_tensor(c.in, 1), w = random_tensor(c.weights, 2), b = random_tensor({c.weights[0]}, 3);
  const Tensor<float> y = run_float(c.op, {x, fixed(w), fixed(b)});
  const std::vector<double> sums = scatter(c, y.shape(), before, [&](std::int64_t i, std::int64_t k) {
    return static_cast<double>(x[i]) * static_cast<double>(w[k]);
  });
  for (std::int64_t i = 0; i < y.size(); ++i) {
    const double e = sums[static_cast<std::size_t>(i)] + static_cast<double>(b[i % c.weights[0]]);
    CHECK(std::abs(static_cast<double>(y[i]) - std::clamp(e, c.op.activation.low, c.op.activation.high)) < 1e-5);
  }
}

}  // namespace

TEST_CASE("transposed convolution: float") {
  for (Case c : cases()) {
    CAPTURE(detail::concat(c.in, c.weights));
    CHECK(shape_of(c.op, {c.in, c.weights}) == expected_shape(c));
    check_float(c, c.op.window.pads_before);
    c.op.activation = {-0.25, 0.5};
    check_float(c, c.op.window.pads_before);
    // Without a bias, and with half-precision weights.
    const Tensor<float> x = random_tensor(c.in, 1);
    Tensor<fp16> w(c.weights);
    Random random(2);
    for (fp16& v : w) v = fp16(random.real(-1, 1));
    const Tensor<float> y = run_float(c.op, {x, fixed(w)});
    CHECK(same_bytes(y, run_layer(c.op, {x, fixed(detail::to_float(AnyTensor(w).ref())), Operand()})[0]));
  }
}

TEST_CASE("transposed convolution: floats, few output channels by products of taps") {
  for (const Case& c :
       {make({2, 6, 7, 5}, 1, {9, 9}, {3, 3}, {4, 4}, {4, 4}, {}, 1, {2, 2}),
        make({1, 9, 5, 12}, 3, {5, 4}, {2, 3}, {2, 0}, {1, 1}), make({1, 4, 12, 3}, 8, {3, 7}, {1, 5}, {1, 2}, {0, 3}),
        make({1, 5, 5, 4}, 2, {5, 5}, {1, 1}, {2, 2}, {2, 2}),
        make({1, 30, 3, 4}, 1, {2, 3}, {4, 2}, {1, 0}, {0, 2})}) {
    CAPTURE(detail::concat(c.in, c.weights));
    check_float(c, c.op.window.pads_before);
    // The same bits with any number of threads; an infinite pixel reaches exactly the outputs of its taps.
    Tensor<float> x = random_tensor(c.in, 1);
    const Tensor<float> w = random_tensor(c.weights, 2, 0.5f, 1.0f), b = random_tensor({c.weights[0]}, 3);
    const std::int64_t pixel = c.in.elements() / c.in.back() / 2;
    x[pixel * c.in.back()] = std::numeric_limits<float>::infinity();
    const Tensor<float> y = run_float(c.op, {x, fixed(w), fixed(b)});
    for (const int threads : {2, 3, 7}) {
      Graph g;
      const int in = g.add_input("x", c.in);
      g.outputs = {g.add("layer", c.op, {in, g.add_constant("w", w), g.add_constant("b", b)})};
      ExecutorOptions options;
      options.threads = threads;
      Executor executor(Model(g), options);
      CHECK(executor.layer_forms().size() == 1);
      CHECK(same_bytes(executor(x), y));
      CHECK(std::string(executor.layer_forms()[0].form) == "products of taps");
    }
    const std::vector<double> reached =
        scatter(c, y.shape(), c.op.window.pads_before,
                [&](std::int64_t i, std::int64_t) { return i == pixel * c.in.back() ? 1.0 : 0.0; });
    for (std::int64_t i = 0; i < y.size(); ++i) CHECK(std::isinf(y[i]) == (reached[static_cast<std::size_t>(i)] > 0));
  }
}

TEST_CASE("transposed convolution: bytes, weights per channel or with a zero point") {
  const QuantParams qx(0.05f, 120), qy(0.04f, 100);
  for (Case c : cases())
    for (bool legacy : {false, true})
      for (Rounding rounding : {Rounding::fp32, Rounding::tflite_double}) {
        CAPTURE(detail::concat(c.in, c.weights));
        c.op.activation = {-3, 4};
        const std::int64_t out = c.weights[0];
        Tensor<std::uint8_t> x(c.in), legacy_weights(c.weights);
        Tensor<std::int8_t> weights(c.weights);
        Tensor<std::int32_t> b(Shape{out});
        Random random(1);
        random.fill(x.data(), x.size(), 0, 255);
        random.fill(legacy_weights.data(), legacy_weights.size(), 0, 255);
        random.fill(weights.data(), weights.size(), -127, 127);
        random.fill(b.data(), b.size(), -2000, 2000);
        QuantParams qw(0.01f, 90);
        if (!legacy) {
          qw = QuantParams({}, {}, 0);
          for (std::int64_t o = 0; o < out; ++o) {
            qw.scale.push_back(0.005f + 0.001f * static_cast<float>(o));
            qw.zero_point.push_back(0);
          }
        }
        const Operand w = legacy ? fixed(legacy_weights, qw) : fixed(weights, qw);
        const AnyTensor y = run_layer(c.op, {Operand(x, qx), w, fixed(b)}, {qy}, rounding)[0];
        const std::vector<double> sums =
            scatter(c, y.shape(), c.op.window.pads_before, [&](std::int64_t i, std::int64_t k) {
              return static_cast<double>((x[i] - 120) * (legacy ? legacy_weights[k] - 90 : weights[k]));
            });
        for (std::int64_t i = 0; i < y.size(); ++i) {
          const auto channel = static_cast<std::size_t>(legacy ? 0 : i % out);
          const double sum = sums[static_cast<std::size_t>(i)] + b[i % out], sy = static_cast<double>(qy.scale[0]);
          const double product = static_cast<double>(qx.scale[0]) * static_cast<double>(qw.scale[channel]);
          std::int64_t expect = quantized(sum * product, qy);
          if (rounding != Rounding::fp32)
            expect = fixed_point(static_cast<std::int64_t>(sum), product / sy, rounding) + qy.zero_point[0];
          expect = std::clamp<std::int64_t>(expect, quantized(-3, qy), quantized(4, qy));
          const bool tie = rounding == Rounding::fp32 && near_tie(sum * product, sy);
          CHECK(std::abs(y.view<std::uint8_t>()[i] - expect) <= (tie ? 1 : 0));
        }
      }
}

TEST_CASE("transposed convolution: dynamic range") {
  for (const Case& c : cases()) {
    CAPTURE(detail::concat(c.in, c.weights));
    const std::int64_t out = c.weights[0];
    const Tensor<float> x = random_tensor(c.in, 1), b = random_tensor({out}, 3);
    Tensor<std::int8_t> w(c.weights);
    Random(2).fill(w.data(), w.size(), -127, 127);
    const QuantParams qw(0.01f, 0);
    const Tensor<float> y = floats(run_layer(c.op, {x, fixed(w, qw), fixed(b)})[0]);
    const auto largest =
        static_cast<double>(c.weights.product(1, c.weights.rank())) * 1.27 * 2 / 255 / 2;  // half a step of x
    const std::vector<double> sums =
        scatter(c, y.shape(), c.op.window.pads_before, [&](std::int64_t i, std::int64_t k) {
          return static_cast<double>(x[i]) * w[k] * static_cast<double>(qw.scale[0]);
        });
    for (std::int64_t i = 0; i < y.size(); ++i)
      CHECK(std::abs(static_cast<double>(y[i] - b[i % out]) - sums[static_cast<std::size_t>(i)]) < largest + 1e-4);
  }
}

TEST_CASE("transposed convolution: SAME padding and given sizes") {
  using P = Window::Padding;
  const auto check = [](Case c, P padding, std::vector<std::int64_t> size, const Shape& out,
                        const std::vector<std::int64_t>& before) {
    c.op.window.padding = padding;
    c.op.output_size = std::move(size);
    CHECK(shape_of(c.op, {c.in, c.weights}) == out);
    check_float(c, before);
  };
  const Case odd = make({1, 3, 4, 2}, 3, {3, 3}, {2, 2}, {}, {}), even = make({1, 3, 4, 2}, 3, {4, 5}, {2, 2}, {}, {});
  check(odd, P::same_upper, {}, {1, 6, 8, 3}, {0, 0});
  check(odd, P::same_lower, {}, {1, 6, 8, 3}, {1, 1});
  check(even, P::same_upper, {}, {1, 6, 8, 3}, {1, 1});
  check(even, P::same_lower, {}, {1, 6, 8, 3}, {1, 2});
  check(odd, P::valid, {}, {1, 7, 9, 3}, {0, 0});
  check(odd, P::same_upper, {5, 7}, {1, 5, 7, 3}, {1, 1});
  check(odd, P::same_upper, {6, 7}, {1, 6, 7, 3}, {0, 1});
  check(odd, P::given, {6, 7}, {1, 6, 7, 3}, {1, 1});
  check(odd, P::valid, {6, 7}, {1, 6, 7, 3}, {0, 0});
  check(odd, P::given, {9, 10}, {1, 9, 10, 3}, {0, 0});  // larger than the taps reach
  check(odd, P::given, {1, 2}, {1, 1, 2, 3}, {3, 4});
  check(make({1, 3, 4, 2}, 3, {2, 2}, {3, 3}, {}, {}), P::same_upper, {}, {1, 9, 12, 3}, {0, 0});
}

TEST_CASE("transposed convolution: shapes, unknown sizes, large strides and errors") {
  const Case c = make({1, 3, 4, 2}, 3, {3, 3}, {2, 2}, {1, 1}, {1, 1});
  const auto shape = [&](const TransposedConvolution& op, const Shape& x) { return shape_of(op, {x, c.weights, {3}}); };
  CHECK(shape(c.op, {unknown, unknown, 4, 2}) == Shape{unknown, unknown, 7, 3});
  TransposedConvolution op = c.op;
  op.output_size = {9, 9};
  CHECK(shape(op, {unknown, unknown, 4, 2}) == Shape{unknown, 9, 9, 3});
  CHECK_THROWS_AS(shape(c.op, {1, 3, 4, 3}), ShapeError);
  CHECK_THROWS_AS(shape(c.op, {1, 3, 2}), ShapeError);
  CHECK_THROWS_AS(shape(c.op, {1, 0, 4, 2}), ShapeError);
  CHECK_THROWS_AS(shape_of(c.op, {c.in, c.weights, {4}}), ShapeError);
  CHECK_THROWS_AS(shape_of(c.op, {c.in, {3, 3, 2, 2}}), ShapeError);
  CHECK_THROWS_AS(shape_of(c.op, {c.in, c.weights, {3}, {1, 5, 7, 3}}), ShapeError);
  op = c.op;
  op.groups = 2;
  CHECK_THROWS_AS(shape(op, c.in), ShapeError);
  op = c.op;
  op.window.strides = {2, 0};
  CHECK_THROWS_AS(shape(op, c.in), ShapeError);
  op = c.op;
  op.window.pads_before = {10, 0};
  CHECK_THROWS_AS(shape(op, c.in), ShapeError);
  op = c.op;
  op.output_padding = {1};
  CHECK_THROWS_AS(shape(op, c.in), ShapeError);
  // A stride much larger than the kernel: most outputs are only the bias.
  Case wide = make({1, 2, 1, 1}, 1, {1, 1}, {1000, 1000}, {0, 0}, {0, 0});
  const Tensor<float> y = run_float(wide.op, {Tensor<float>({1, 2, 1, 1}, {3, 4}),
                                              fixed(Tensor<float>({1, 1, 1, 1}, {2})), fixed(Tensor<float>({1}, {5}))});
  CHECK(y.shape() == Shape{1, 1001, 1, 1});
  for (std::int64_t i = 0; i < y.size(); ++i) CHECK(y[i] == (i == 0 ? 11 : i == 1000 ? 13 : 5));
}
