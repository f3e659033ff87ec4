#include <cmath>
#include <octet/octet.hpp>
#include <octet/operators/all.hpp>

#include "support/isas.hpp"
#include "support/onnx_builder.hpp"
#include "testing.hpp"

// Normalizations that are written as several operators become one step of executors.
using namespace octet;
using namespace testing;

namespace {

struct Form {
  bool pow_square = false;
  int root = 0;        // sqrt and division; pow 0.5; reciprocal; rsqrt; pow -0.5; 1 / sqrt
  bool twice = false;  // the difference is computed twice
  bool scaled = true, shifted = true;
  bool epsilon_first = false;
  bool read_elsewhere = false;  // the variance is an output, too
  bool scale_of_rows = false;
  std::vector<std::int64_t> axes{-1}, square_axes{-1};
};

Model normalization(const Form& f, const Shape& shape) {
  Graph g;
  const int x = g.add_input("x", shape);
  const auto number = [&](float v) {
    return g.add_constant("n" + std::to_string(g.values.size()), Tensor<float>({1}, std::vector<float>{v}));
  };
  const auto binary = [&](const char* name, BinaryKind k, int a, int b) { return g.add(name, Binary(k), {a, b}); };
  const auto unary = [&](const char* name, UnaryKind k, int a) { return g.add(name, Unary(k), {a}); };
  const int mean = g.add("mean", Reduce(ReduceKind::mean, f.axes, true), {x}),
            d = binary("d", BinaryKind::sub, x, mean), other = f.twice ? binary("d2", BinaryKind::sub, x, mean) : d,
            square = f.pow_square ? binary("square", BinaryKind::pow, d, number(2))
                                  : binary("square", BinaryKind::mul, d, d),
            variance = g.add("variance", Reduce(ReduceKind::mean, f.square_axes, true), {square}), e = number(1e-3f),
            sum = f.epsilon_first ? binary("sum", BinaryKind::add, e, variance)
                                  : binary("sum", BinaryKind::add, variance, e);
  int y = 0;
  switch (f.root) {
    case 0: y = binary("unit", BinaryKind::div, other, unary("root", UnaryKind::sqrt, sum)); break;
    case 1: y = binary("unit", BinaryKind::div, other, binary("root", BinaryKind::pow, sum, number(0.5f))); break;
    case 2: {
      const int r = unary("reciprocal", UnaryKind::reciprocal, unary("root", UnaryKind::sqrt, sum));
      y = binary("unit", BinaryKind::mul, other, r);
      break;
    }
    case 3: y = binary("unit", BinaryKind::mul, unary("root", UnaryKind::rsqrt, sum), other); break;
    case 4: y = binary("unit", BinaryKind::mul, other, binary("root", BinaryKind::pow, sum, number(-0.5f))); break;
    default: {
      const int r = binary("inverse", BinaryKind::div, number(1), unary("root", UnaryKind::sqrt, sum));
      y = binary("unit", BinaryKind::mul, other, r);
    }
  }
  const Shape own = f.scale_of_rows ? Shape{shape[1], 1} : Shape{shape.back()};
  if (f.scaled) y = binary("scaled", BinaryKind::mul, y, g.add_constant("scale", random_tensor(own, 5, 0.5f, 1.5f)));
  if (f.shifted) y = binary("shifted", BinaryKind::add, g.add_constant("shift", random_tensor({shape.back()}, 6)), y);
  g.outputs = {y};
  if (f.read_elsewhere) g.outputs.push_back(variance);
  return g;
}

/// The result, which has to equal that of the model as it was written. `layers`: of the executor.
void check(const Form& f, std::size_t layers, const Shape& shape = {2, 5, 12}) {
  const Model m = normalization(f, shape);
  const Tensor<float> x = random_tensor(shape, 9, -3, 2);
  Executor e(m);
  CHECK(e.graph().nodes.size() == layers);
  CHECK(count<MomentNormalization>(e.graph()) == (layers < 6 ? 1 : 0));
  CHECK(largest_difference(floats(run_plain(m, {x})[0]), floats(e.run({x})[0])) < 1e-5);
}

}  // namespace

TEST_CASE("normalization: every way to write it becomes one layer") {
  for (const bool pow_square : {false, true})
    for (const bool twice : {false, true})
      for (int root = 0; root < 6; ++root) {
        CAPTURE(root);
        Form f;
        f.pow_square = pow_square;
        f.twice = twice;
        f.root = root;
        f.epsilon_first = root % 2 != 0;
        check(f, 1);
      }
  for (const bool scaled : {false, true})
    for (const bool shifted : {false, true}) {
      Form f;
      f.scaled = scaled;
      f.shifted = shifted;
      check(f, 1);
      f.axes = f.square_axes = {1};
      check(f, 1);
      f.axes = f.square_axes = {1, 2};
      check(f, 1);
      f.axes = {2, 1};
      f.square_axes = {-2, -1};
      check(f, 1);
    }
}

TEST_CASE("normalization: what has other readers or another meaning stays") {
  Form f;
  f.read_elsewhere = true;
  check(f, 9);
  f = {};
  f.square_axes = {1};
  check(f, 9);
  f = {};
  f.scale_of_rows = true;  // each mean has a scale of its own: it is a layer of its own
  check(f, 3);
}

TEST_CASE("normalization: int8 rounds only its result") {
  struct Case {
    Shape shape;
    std::vector<std::int64_t> axes;
  };
  std::vector<Case> cases{{{1, 2000, 24}, {1}}, {{2, 300, 4, 6}, {1, 3}}, {{2, 7, 9, 5}, {1, 2}},
                          {{3, 9000}, {1}},     {{70, 32}, {1}},          {{1, 600, 64}, {1}}};
  for (const std::int64_t axis : {1, 2})
    for (const std::int64_t c : {3, 4, 8, 16, 40}) cases.push_back({{2, 30, c}, {axis}});
  for (const Case& c : cases) {
    const Shape& shape = c.shape;
    INFO(shape, ", ", c.axes.size(), " axes from ", c.axes[0]);
    Form f;
    f.axes = f.square_axes = c.axes;
    const Model m = normalization(f, shape);
    const Tensor<float> x = random_tensor(shape, 9, -3, 2);
    Int8Options options;
    options.integer_input = options.integer_output = true;
    const Model q = quantize<int8>(m, calibrate(m, {x}), options);
    const QuantParams in = q.value(q.inputs[0]).quant, out = q.value(q.outputs[0]).quant;
    REQUIRE(in.scale.size() == 1);
    REQUIRE(out.scale.size() == 1);
    Tensor<float> constant(shape);
    for (float& v : constant) v = 1.3f;
    for (const Tensor<float>& input : {x, constant}) {
      const AnyTensor codes = quantize<int8>(input, given_params(in)).data;
      // The float model of what the codes stand for.
      Tensor<float> real(shape);
      for (std::int64_t i = 0; i < real.size(); ++i)
        real[i] = static_cast<float>(codes.view<std::int8_t>()[i] - in.zero_point[0]) * in.scale[0];
      const Tensor<float> right = floats(run_plain(m, {real})[0]);
      for (const Isa isa : available_isas())
        for (const int threads : {1, 3}) {
          const UseIsa use(isa);
          ExecutorOptions o;
          o.threads = threads;
          Executor e(q, o);
          CHECK(e.graph().nodes.size() <= 3);  // conversions to and from int8
          REQUIRE(count<MomentNormalization>(e.graph()) == 1);
          const AnyTensor y = e.run({codes})[0];
          for (std::int64_t i = 0; i < right.size(); ++i) {
            const double exact = static_cast<double>(right[i]) / static_cast<double>(out.scale[0]) + out.zero_point[0];
            REQUIRE(std::abs(std::min(std::max(exact, -128.0), 127.0) - y.view<std::int8_t>()[i]) < 0.501);
          }
        }
    }
  }
}

TEST_CASE("normalization: as exporters write that of an image's channels, with casts between") {
  const Tensor<float> x = random_tensor({1, 3, 6, 5}, 1), w = random_tensor({7, 3, 3, 3}, 2),
                      scale = random_tensor({7, 1, 1}, 3), shift = random_tensor({7, 1, 1}, 4);
  OnnxBuilder b(13);
  b.input("x", {1, 3, 6, 5}).initializer("w", w).initializer("scale", scale).initializer("shift", shift);
  b.initializer("two", Tensor<float>(Shape{}, std::vector<float>{2}))
      .initializer("e", Tensor<float>(Shape{}, std::vector<float>{1e-5f}));
  const std::vector<std::int64_t> axes{1};
  b.node("Conv", {"x", "w"}, {"c"}).node("Cast", {"c"}, {"v"}, {{"to", 1}});
  b.node("ReduceMean", {"v"}, {"mean"}, {{"axes", axes}}).node("Sub", {"v", "mean"}, {"d"});
  b.node("Cast", {"d"}, {"f"}, {{"to", 1}}).node("Pow", {"f", "two"}, {"square"});
  b.node("ReduceMean", {"square"}, {"variance"}, {{"axes", axes}}).node("Add", {"variance", "e"}, {"sum"});
  b.node("Sqrt", {"sum"}, {"root"}).node("Div", {"d", "root"}, {"unit"}).node("Mul", {"unit", "scale"}, {"scaled"});
  b.node("Add", {"scaled", "shift"}, {"y"}).output("y");
  const Model m = import_onnx(b, false);
  Executor e(m);
  CHECK(e.graph().nodes.size() == 2);
  CHECK(count<MomentNormalization>(e.graph()) == 1);
}
