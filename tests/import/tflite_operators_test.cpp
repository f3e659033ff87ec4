#include <doctest/doctest.h>

#include <functional>

#include <octet/operators/all.hpp>
#include "support/tflite_builder.hpp"

// Elementwise operators, and operators on positions and axes. Layers with weights are in tflite_layers_test.cpp.

using namespace octet;
using namespace testing::tflite;
using testing::floats;
using testing::random_integers;
using testing::random_tensor;

namespace {

using Dims = std::vector<std::int32_t>;
using Options = std::vector<Option>;

/// The shape of an input as TFLite declares it: with batch size 1.
Shape declared(Shape s) {
  if (s.rank() > 1) s[0] = 1;
  return s;
}

/// A file with one operator, whose operands are added in order.
struct One {
  ModelBuilder b;
  Dims in, operands;
  std::vector<AnyTensor> values;

  One& input(const AnyTensor& t, const QuantParams& q = {}) {
    in.push_back(b.tensor("x" + std::to_string(in.size()), declared(t.shape()), t.dtype(), q));
    operands.push_back(in.back());
    values.push_back(t);
    return *this;
  }
  One& constant(const AnyTensor& t, const QuantParams& q = {}) {
    operands.push_back(b.constant("c" + std::to_string(operands.size()), t, q));
    return *this;
  }
  One& integers(const Dims& v) { return constant(Tensor<std::int32_t>({static_cast<std::int64_t>(v.size())}, v)); }
  One& scalar(std::int32_t v) { return constant(Tensor<std::int32_t>(Shape{}, Dims{v})); }

  Model model(const std::string& op, const Options& options = {}, DType out = DType::f32, const QuantParams& q = {},
              int count = 1) {
    Dims results;
    for (int i = 0; i < count; ++i) results.push_back(b.tensor("y" + std::to_string(i), {}, out, q));
    b.op(op, operands, results, options);
    return parse(b.finish(in, results));
  }
  std::vector<AnyTensor> run(const std::string& op, const Options& options = {}, DType out = DType::f32,
                             const QuantParams& q = {}, int count = 1) {
    return outputs(model(op, options, out, q, count), values);
  }
};
One one(const AnyTensor& t, const QuantParams& q = {}) {
  One o;
  o.input(t, q);
  return o;
}

/// 0, 1, 2, ...
Tensor<float> counting(const Shape& s) {
  Tensor<float> t(s);
  for (std::int64_t i = 0; i < t.size(); ++i) t[i] = static_cast<float>(i);
  return t;
}

AnyTensor integers_of(const std::vector<double>& reals, const Shape& s, DType type, const QuantParams& q) {
  const IntegerRange range = integer_range(type);
  return AnyTensor::make(type, s, [&](std::byte* p) {
    for (std::size_t i = 0; i < reals.size(); ++i) {
      const double v = std::nearbyint(reals[i] / static_cast<double>(q.scale[0])) + q.zero_point[0];
      detail::store_element(type, p, static_cast<std::int64_t>(i),
                            std::min(std::max(v, static_cast<double>(range.low)), static_cast<double>(range.high)));
    }
  });
}

std::vector<float> numbers(const AnyTensor& t) {
  const Tensor<float> f = floats(t);
  return {f.begin(), f.end()};
}

using Function = std::function<double(double, double)>;
struct Elementwise {
  const char* name;
  Options options;
  int inputs;
  double low, high;  // range of the inputs
  Function f;
};

/// Compares float, int8 and uint8 with f of real numbers. The second input is broadcast over pixels.
void check(const Elementwise& e) {
  CAPTURE(e.name);
  const Shape shape{2, 3, 2, 17}, row{1, 1, 1, 17};
  const int steps = 255;
  const double width = (e.high - e.low) / steps;
  std::vector<double> a, b, y;
  const Tensor<int32> qa = random_integers<int32>(shape, 1, 0, steps), qb = random_integers<int32>(row, 2, 0, steps);
  for (int q : qa) a.push_back(e.low + width * q);
  for (int q : qb) b.push_back(e.low + width * q);
  const auto scale = static_cast<float>(width);
  for (const DType type : {DType::f32, DType::i8, DType::u8}) {
    CAPTURE(name(type));
    const bool real = type == DType::f32;
    const auto zero = static_cast<std::int32_t>(std::nearbyint(-e.low / width)) - (type == DType::i8 ? 128 : 0);
    const QuantParams xq = real ? QuantParams() : QuantParams(scale, zero);
    const auto tensor = [&](const Shape& s, const std::vector<double>& v) {
      if (!real) return integers_of(v, s, type, xq);
      return AnyTensor::make(type, s, [&](std::byte* p) {
        for (std::size_t i = 0; i < v.size(); ++i) detail::store_element(type, p, static_cast<std::int64_t>(i), v[i]);
      });
    };
    const AnyTensor x0 = tensor(shape, a), x1 = tensor(row, b);
    const auto value = [&](const AnyTensor& t, std::int64_t i) {
      const double v = detail::load_element(type, t.data(), i);
      return real ? v : static_cast<double>(scale) * (v - zero);
    };
    y.clear();
    for (std::int64_t i = 0; i < x0.size(); ++i) y.push_back(e.f(value(x0, i), value(x1, i % 17)));
    const auto [least, most] = std::minmax_element(y.begin(), y.end());
    const double low = std::min(*least, 0.0), out_width = std::max((std::max(*most, 0.0) - low) / steps, 1e-3);
    const QuantParams yq =
        real ? QuantParams()
             : QuantParams(static_cast<float>(out_width),
                           static_cast<std::int32_t>(std::nearbyint(-low / out_width)) - (type == DType::i8 ? 128 : 0));
    One o = one(x0, xq);
    if (e.inputs > 1) o.constant(x1, xq);
    const AnyTensor got = o.run(e.name, e.options, type, yq)[0];
    REQUIRE(got.shape() == shape);
    REQUIRE(got.dtype() == type);
    const AnyTensor expected = real ? got : integers_of(y, shape, type, yq);
    for (std::int64_t i = 0; i < got.size(); ++i) {
      const double g = detail::load_element(type, got.data(), i);
      if (real)
        CHECK(g == doctest::Approx(y[static_cast<std::size_t>(i)]).scale(1).epsilon(2e-6));
      else
        CHECK(std::abs(g - detail::load_element(type, expected.data(), i)) <= 1);
    }
  }
}

using Index = std::vector<std::int64_t>;

/// Checks an operator that moves elements in float, int8 and uint8. `from` returns the index of the input element for
/// an output position; an empty index means zero.
void check_moves(const std::string& op, const Options& options, const Shape& in, const Shape& out,
                 const std::function<void(One&)>& add_operands, const std::function<Index(const Index&)>& from) {
  CAPTURE(op);
  for (const DType type : {DType::f32, DType::i8, DType::u8}) {
    const QuantParams q = type == DType::f32 ? QuantParams() : QuantParams(0.5f, 3);
    const AnyTensor x = AnyTensor::make(type, in, [&](std::byte* p) {
      for (std::int64_t i = 0; i < in.elements(); ++i) detail::store_element(type, p, i, static_cast<double>(i % 120));
    });
    One o = one(x, q);
    add_operands(o);
    const AnyTensor y = o.run(op, options, type, q)[0];
    REQUIRE(y.shape() == out);
    for (std::int64_t i = 0; i < y.size(); ++i) {
      Index at(static_cast<std::size_t>(out.rank()));
      for (std::int64_t d = out.rank() - 1, rest = i; d >= 0; rest /= out[static_cast<int>(d--)])
        at[static_cast<std::size_t>(d)] = rest % out[static_cast<int>(d)];
      double expected = q ? 3 : 0;
      if (const Index source = from(at); !source.empty()) {
        std::int64_t k = 0;
        for (int d = 0; d < in.rank(); ++d) k = k * in[d] + source[static_cast<std::size_t>(d)];
        expected = detail::load_element(type, x.data(), k);
      }
      CHECK(detail::load_element(type, y.data(), i) == expected);
    }
  }
}
/// An operand that is a vector of integers.
std::function<void(One&)> vectors(const std::vector<Dims>& v) {
  return [v](One& o) {
    for (const Dims& d : v) o.integers(d);
  };
}
/// The same elements in the same order.
void check_view(const std::string& op, const Options& options, const Shape& in, const Shape& out,
                const std::vector<Dims>& operands) {
  check_moves(op, options, in, out, vectors(operands), [&](const Index& at) {
    std::int64_t i = 0;
    for (int d = 0; d < out.rank(); ++d) i = i * out[d] + at[static_cast<std::size_t>(d)];
    Index source(static_cast<std::size_t>(in.rank()));
    for (int d = in.rank() - 1; d >= 0; i /= in[d--]) source[static_cast<std::size_t>(d)] = i % in[d];
    return source;
  });
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double clip(double x, double low, double high) { return std::min(std::max(x, low), high); }

}  // namespace

TEST_CASE("tflite: unary functions in float, int8 and uint8") {
  const auto unary = [](const char* name, double low, double high, double (*f)(double), const Options& options = {}) {
    check({name, options, 1, low, high, [f](double x, double) { return f(x); }});
  };
  unary("RELU", -3, 5, [](double x) { return std::max(x, 0.0); });
  unary("RELU6", -3, 9, [](double x) { return clip(x, 0, 6); });
  unary("RELU_N1_TO_1", -3, 3, [](double x) { return clip(x, -1, 1); });
  unary("RELU_0_TO_1", -3, 3, [](double x) { return clip(x, 0, 1); });
  unary("LEAKY_RELU", -3, 5, [](double x) { return x < 0 ? 0.2 * x : x; }, {real(0, 0.2f)});
  unary("ELU", -3, 5, [](double x) { return x < 0 ? std::exp(x) - 1 : x; });
  unary("LOGISTIC", -6, 6, sigmoid);
  unary("TANH", -3, 3, [](double x) { return std::tanh(x); });
  unary("HARD_SWISH", -5, 5, [](double x) { return x * clip(x + 3, 0, 6) / 6; });
  unary("GELU", -4, 4, [](double x) { return x * (1 + std::erf(x / std::sqrt(2.0))) / 2; }, {byte(0, 0)});
  unary("GELU", -4, 4,
        [](double x) { return x / 2 * (1 + std::tanh(std::sqrt(2 / 3.141592653589793) * (x + 0.044715 * x * x * x))); },
        {byte(0, 1)});
  unary("EXP", -3, 2, [](double x) { return std::exp(x); });
  unary("NEG", -3, 5, [](double x) { return -x; });
  unary("ABS", -3, 5, [](double x) { return std::abs(x); });
  unary("SQUARE", -3, 3, [](double x) { return x * x; });
  unary("FLOOR", -3, 5, [](double x) { return std::floor(x); });
  unary("CEIL", -3, 5, [](double x) { return std::ceil(x); });
  unary("ROUND", -3, 5, [](double x) { return std::nearbyint(x); });
  unary("SIGN", -3, 5, [](double x) { return x < 0 ? -1.0 : x > 0 ? 1.0 : 0.0; });
  unary("SQRT", 0, 5, [](double x) { return std::sqrt(x); });
}

TEST_CASE("tflite: arithmetic of two tensors, in float, int8 and uint8") {
  const auto binary = [](const char* name, double low, double high, const Function& f, const Options& options = {}) {
    check({name, options, 2, low, high, f});
  };
  binary("ADD", -3, 5, [](double a, double b) { return a + b; }, {byte(0, no_activation)});
  binary("ADD", -3, 5, [](double a, double b) { return clip(a + b, 0, 6); }, {byte(0, relu6)});
  binary("SUB", -3, 5, [](double a, double b) { return a - b; });
  binary("SUB", -3, 5, [](double a, double b) { return std::max(a - b, 0.0); }, {byte(0, relu)});
  binary("MUL", -3, 3, [](double a, double b) { return a * b; });
  binary("MUL", -3, 3, [](double a, double b) { return clip(a * b, -1, 1); }, {byte(0, relu_n1_to_1)});
  binary("MINIMUM", -3, 3, [](double a, double b) { return std::min(a, b); });
  binary("MAXIMUM", -3, 3, [](double a, double b) { return std::max(a, b); });
}

TEST_CASE("tflite: float functions that are not defined everywhere") {
  const Tensor<float> x = random_tensor({2, 33}, 1, 0.1f, 3), y = random_tensor({2, 33}, 2, 0.1f, 3);
  const auto check_float = [&](const char* name, int inputs, const Function& f) {
    CAPTURE(name);
    One o = one(x);
    if (inputs > 1) o.input(y);
    const Tensor<float> r = floats(o.run(name)[0]);
    for (std::int64_t i = 0; i < r.size(); ++i)
      CHECK(static_cast<double>(r[i]) ==
            doctest::Approx(f(static_cast<double>(x[i]), static_cast<double>(y[i]))).epsilon(1e-5));
  };
  check_float("LOG", 1, [](double a, double) { return std::log(a); });
  check_float("RSQRT", 1, [](double a, double) { return 1 / std::sqrt(a); });
  check_float("DIV", 2, [](double a, double b) { return a / b; });
  check_float("POW", 2, [](double a, double b) { return std::pow(a, b); });
  check_float("SQUARED_DIFFERENCE", 2, [](double a, double b) { return (a - b) * (a - b); });
}

TEST_CASE("tflite: slopes of PRELU are per channel, float or int8") {
  const Tensor<float> x = random_tensor({2, 3, 3, 5}, 1), slope = random_tensor({1, 1, 5}, 2);
  const Tensor<float> y = floats(one(x).constant(slope).run("PRELU")[0]);
  for (std::int64_t i = 0; i < y.size(); ++i) CHECK(y[i] == doctest::Approx(x[i] < 0 ? x[i] * slope[i % 5] : x[i]));

  const Tensor<int8> q = random_integers<int8>({2, 3, 3, 5}, 3, -128, 127),
                     s = random_integers<int8>({1, 1, 5}, 4, -128, 127);
  const QuantParams xq(0.05f, 7), sq(0.01f, -3), yq(0.06f, -5);
  const AnyTensor r = one(q, xq).constant(s, sq).run("PRELU", {}, DType::i8, yq)[0];
  for (std::int64_t i = 0; i < r.size(); ++i) {
    const double real = 0.05 * (q[i] - 7), sloped = real < 0 ? real * 0.01 * (s[i % 5] + 3) : real;
    CHECK(std::abs(clip(std::nearbyint(sloped / 0.06) - 5, -128, 127) - r.view<int8>()[i]) <= 1);
  }
}

TEST_CASE("tflite: softmax, its logarithm, and normalization over neighboring channels") {
  const Tensor<float> x = random_tensor({3, 11}, 1, -4, 4);
  const Tensor<float> y = floats(one(x).run("SOFTMAX", {real(0, 0.5f)})[0]), l = floats(one(x).run("LOG_SOFTMAX")[0]);
  Tensor<int8> q({3, 11});
  for (std::int64_t i = 0; i < q.size(); ++i) q[i] = static_cast<int8>(std::nearbyint(x[i] / 0.04f) + 5);
  const QuantParams probabilities(1.0f / 256, -128);
  const AnyTensor z = one(q, QuantParams(0.04f, 5)).run("SOFTMAX", {real(0, 1)}, DType::i8, probabilities)[0];
  for (std::int64_t n = 0; n < 3; ++n) {
    double half = 0, full = 0, quantized = 0;
    for (std::int64_t c = 0; c < 11; ++c) {
      half += std::exp(0.5 * static_cast<double>(x(n, c)));
      full += std::exp(static_cast<double>(x(n, c)));
      quantized += std::exp(0.04 * (q(n, c) - 5));
    }
    for (std::int64_t c = 0; c < 11; ++c) {
      const auto v = static_cast<double>(x(n, c));
      CHECK(static_cast<double>(y(n, c)) == doctest::Approx(std::exp(0.5 * v) / half).epsilon(1e-5));
      CHECK(static_cast<double>(l(n, c)) == doctest::Approx(v - std::log(full)).epsilon(1e-5));
      CHECK(std::abs(z.view<int8>()(n, c) + 128 - 256 * std::exp(0.04 * (q(n, c) - 5)) / quantized) <= 1);
    }
  }

  const Tensor<float> image = random_tensor({2, 2, 2, 7}, 2);
  const Tensor<float> r = floats(
      one(image).run("LOCAL_RESPONSE_NORMALIZATION", {integer(0, 2), real(1, 1.5f), real(2, 0.3f), real(3, 0.75f)})[0]);
  for (std::int64_t i = 0; i < r.size(); ++i) {
    double squares = 0;
    for (std::int64_t c = std::max<std::int64_t>(0, i % 7 - 2); c <= std::min<std::int64_t>(6, i % 7 + 2); ++c)
      squares += std::pow(static_cast<double>(image[i - i % 7 + c]), 2);
    CHECK(static_cast<double>(r[i]) ==
          doctest::Approx(static_cast<double>(image[i]) / std::pow(1.5 + 0.3 * squares, 0.75)));
  }
}

TEST_CASE("tflite: reductions, over pixels and over other axes") {
  const Tensor<int32> q = random_integers<int32>({2, 4, 3, 5}, 1, -100, 100);
  for (const DType type : {DType::f32, DType::i8})
    for (const bool keep : {false, true})
      for (const bool pixels : {true, false}) {
        const QuantParams params = type == DType::f32 ? QuantParams() : QuantParams(0.5f, 0);
        const AnyTensor x = AnyTensor::make(type, q.shape(), [&](std::byte* p) {
          for (std::int64_t i = 0; i < q.size(); ++i) detail::store_element(type, p, i, q[i]);
        });
        const auto reduced = [&](const char* op) {
          One o = one(x, params);
          pixels ? o.integers({1, 2}) : o.integers({-1});
          return o.run(op, {byte(0, keep)}, type, params)[0];
        };
        const AnyTensor mean = reduced("MEAN"), most = reduced("REDUCE_MAX"), least = reduced("REDUCE_MIN");
        REQUIRE(mean.shape() == (pixels ? keep ? Shape{2, 1, 1, 5} : Shape{2, 5}
                                 : keep ? Shape{2, 4, 3, 1}
                                        : Shape{2, 4, 3}));
        for (std::int64_t i = 0; i < mean.size(); ++i) {
          double sum = 0, high = -200, low = 200;
          const std::int64_t count = pixels ? 12 : 5;
          for (std::int64_t k = 0; k < count; ++k) {
            const double v = pixels ? q[(i / 5 * 12 + k) * 5 + i % 5] : q[i * 5 + k];
            sum += v;
            high = std::max(high, v);
            low = std::min(low, v);
          }
          const double got = detail::load_element(type, mean.data(), i);
          CHECK(std::abs(got - sum / static_cast<double>(count)) <= (type == DType::f32 ? 1e-4 : 0.5));
          CHECK(detail::load_element(type, most.data(), i) == high);
          CHECK(detail::load_element(type, least.data(), i) == low);
        }
      }
  const Tensor<float> x = random_tensor({2, 3}, 2);
  CHECK(floats(one(x).integers({1}).run("SUM")[0])[1] == doctest::Approx(x(1, 0) + x(1, 1) + x(1, 2)));
  CHECK(floats(one(x).integers({1}).run("REDUCE_PROD")[0])[1] == doctest::Approx(x(1, 0) * x(1, 1) * x(1, 2)));
}

TEST_CASE("tflite: views and permutations, in float, int8 and uint8") {
  const Shape x{2, 4, 6, 3};
  check_view("RESHAPE", {}, x, {2, 12, 6}, {{1, 12, 6}});
  check_view("RESHAPE", {}, x, {2, 72}, {{-1, 72}});
  check_view("RESHAPE", {list(0, {1, 8, 9})}, x, {2, 8, 9}, {});  // as in older files
  check_view("SQUEEZE", {list(0, {1})}, {2, 1, 6, 1}, {2, 6, 1}, {});
  check_view("SQUEEZE", {}, {1, 6, 1}, {6}, {});
  check_view("EXPAND_DIMS", {}, {2, 6}, {2, 6, 1}, {{-1}});
  check_moves("TRANSPOSE", {}, x, {2, 6, 3, 4}, vectors({{0, 2, 3, 1}}), [](const Index& i) {
    return Index{i[0], i[3], i[1], i[2]};
  });
  check_moves("DEPTH_TO_SPACE", {integer(0, 2)}, {2, 2, 3, 8}, {2, 4, 6, 2}, vectors({}), [](const Index& i) {
    return Index{i[0], i[1] / 2, i[2] / 2, (i[1] % 2 * 2 + i[2] % 2) * 2 + i[3]};
  });
  check_moves("SPACE_TO_DEPTH", {integer(0, 2)}, {2, 4, 6, 2}, {2, 2, 3, 8}, vectors({}), [](const Index& i) {
    return Index{i[0], i[1] * 2 + i[3] / 4, i[2] * 2 + i[3] / 2 % 2, i[3] % 2};
  });
}

TEST_CASE("tflite: padding, in float, int8 and uint8") {
  const Tensor<std::int32_t> amounts({3, 2}, {0, 0, 2, 1, 1, 3});
  const auto padded = [&](const Shape& s) { return Shape{s[0], s[1] + 3, s[2] + 4}; };
  const Shape x{2, 5, 4};
  const auto inside = [&](const Index& i) { return i[1] >= 2 && i[1] < 7 && i[2] >= 1 && i[2] < 5; };
  check_moves(
      "PAD", {}, x, padded(x), [&](One& o) { o.constant(amounts); },
      [&](const Index& i) {
        return inside(i) ? Index{i[0], i[1] - 2, i[2] - 1} : Index{};
      });
  const auto mirrored = [](std::int64_t i, std::int64_t n, std::int64_t shared) {
    return i < 0 ? -i - 1 + shared : i >= n ? 2 * n - i - 1 - shared : i;
  };
  for (const int mode : {0, 1})  // without and with the border pixel
    check_moves(
        "MIRROR_PAD", {byte(0, mode)}, x, padded(x), [&](One& o) { o.constant(amounts); },
        [&](const Index& i) {
          return Index{i[0], mirrored(i[1] - 2, 5, 1 - mode), mirrored(i[2] - 1, 4, 1 - mode)};
        });
  const Tensor<float> y = floats(
      one(counting(x)).constant(amounts).constant(Tensor<float>(Shape{}, std::vector<float>{7})).run("PADV2")[0]);
  CHECK(y(1, 0, 0) == 7);
  CHECK(y(1, 2, 1) == 20);
}

TEST_CASE("tflite: slices, in float, int8 and uint8") {
  const Shape x{2, 5, 4};
  check_moves("SLICE", {}, x, {2, 3, 2}, vectors({{0, 1, 2}, {1, 3, -1}}), [](const Index& i) {
    return Index{i[0], i[1] + 1, i[2] + 2};
  });
  // begin, end, stride; masks: begin, end, ellipsis, new axis, shrink
  check_moves("STRIDED_SLICE", {}, x, {2, 2, 4}, vectors({{0, 1, 0}, {1, 5, 4}, {1, 2, 1}}), [](const Index& i) {
    return Index{i[0], i[1] * 2 + 1, i[2]};
  });
  check_moves("STRIDED_SLICE", {integer(0, 4), integer(1, 4)}, x, {2, 3, 4},
              vectors({{0, 3, 9}, {1, 0, -9}, {1, -1, -1}}), [](const Index& i) {
                return Index{i[0], 3 - i[1], 3 - i[2]};
              });
  check_moves("STRIDED_SLICE", {integer(4, 2)}, x, {2, 4}, vectors({{0, -1, 0}, {1, 0, 4}, {1, 1, 1}}),
              [](const Index& i) {
                return Index{i[0], 4, i[1]};
              });
  check_moves("STRIDED_SLICE", {integer(2, 1), integer(3, 2)}, x, {2, 5, 1, 2},
              vectors({{0, 0, 1}, {0, 0, 3}, {1, 1, 1}}), [](const Index& i) {
                return Index{i[0], i[1], i[3] + 1};
              });
  check_moves("STRIDED_SLICE", {byte(5, 1)}, x, {2, 2, 4}, vectors({{0, 1, 0}, {1, 2, 4}, {1, 1, 1}}),
              [](const Index& i) {
                return Index{i[0], i[1] + 1, i[2]};
              });
  check_moves("GATHER", {integer(0, 1)}, x, {2, 3, 4}, vectors({{4, 0, 4}}), [](const Index& i) {
    return Index{i[0], i[1] == 1 ? 0 : 4, i[2]};
  });
}

TEST_CASE("tflite: concatenation and splitting") {
  const Tensor<float> a = random_tensor({2, 3, 4}, 1), b = random_tensor({2, 3, 2}, 2), c = random_tensor({2, 3, 4}, 3);
  const Tensor<float> joined = floats(one(a).input(b).run("CONCATENATION", {integer(0, -1), byte(1, relu)})[0]);
  REQUIRE(joined.shape() == Shape{2, 3, 6});
  for (std::int64_t i = 0; i < joined.size(); ++i)
    CHECK(joined[i] == std::max(0.0f, i % 6 < 4 ? a[i / 6 * 4 + i % 6] : b[i / 6 * 2 + i % 6 - 4]));

  const Tensor<float> packed = floats(one(a).input(c).run("PACK", {integer(0, 2), integer(1, 1)})[0]);
  REQUIRE(packed.shape() == Shape{2, 2, 3, 4});
  for (std::int64_t i = 0; i < packed.size(); ++i) CHECK(packed[i] == (i / 12 % 2 == 0 ? a : c)[i / 24 * 12 + i % 12]);

  const auto parts = one(a).run("UNPACK", {integer(0, 3), integer(1, 1)}, DType::f32, {}, 3);
  REQUIRE(parts[2].shape() == Shape{2, 4});
  CHECK(parts[2].view<float>()(1, 3) == a(1, 2, 3));

  One split;
  split.scalar(2).input(a);
  const auto halves = split.run("SPLIT", {integer(0, 2)}, DType::f32, {}, 2);
  REQUIRE(halves[1].shape() == Shape{2, 3, 2});
  CHECK(halves[1].view<float>()(1, 2, 0) == a(1, 2, 2));
  const auto sized = one(a).integers({1, -1}).scalar(2).run("SPLIT_V", {integer(0, 2)}, DType::f32, {}, 2);
  REQUIRE(sized[1].shape() == Shape{2, 3, 3});
  CHECK(sized[1].view<float>()(1, 2, 0) == a(1, 2, 1));

  // Quantized parts have different scales.
  const Tensor<uint8> p = random_integers<uint8>({2, 5}, 4, 0, 255), q = random_integers<uint8>({2, 4}, 5, 0, 255);
  const QuantParams pq(0.1f, 100), qq(0.05f, 30), yq(0.1f, 100);
  const AnyTensor y = one(p, pq).input(q, qq).run("CONCATENATION", {integer(0, 1)}, DType::u8, yq)[0];
  for (std::int64_t n = 0; n < 2; ++n)
    for (std::int64_t i = 0; i < 9; ++i) {
      const double real = i < 5 ? 0.1 * (p(n, i) - 100) : 0.05 * (q(n, i - 5) - 30);
      CHECK(std::abs(clip(real / 0.1 + 100, 0, 255) - y.view<uint8>()(n, i)) <= 0.5001);
    }
}

TEST_CASE("tflite: nearest and bilinear resize with all coordinate conventions") {
  const Tensor<float> x = random_tensor({2, 4, 6, 3}, 1);
  for (const bool corners : {false, true})
    for (const bool centers : {false, true}) {
      if (corners && centers) continue;
      CAPTURE(corners);
      CAPTURE(centers);
      const auto position = [&](std::int64_t o, double in, double out) {
        const auto at = static_cast<double>(o);
        return corners ? at * (in - 1) / (out - 1) : centers ? (at + 0.5) * in / out - 0.5 : at * in / out;
      };
      const Tensor<float> linear =
          floats(one(x).integers({7, 4}).run("RESIZE_BILINEAR", {byte(2, corners), byte(3, centers)})[0]);
      REQUIRE(linear.shape() == Shape{2, 7, 4, 3});
      const Tensor<float> nearest =
          floats(one(x).integers({8, 3}).run("RESIZE_NEAREST_NEIGHBOR", {byte(0, corners), byte(1, centers)})[0]);
      REQUIRE(nearest.shape() == Shape{2, 8, 3, 3});
      for (std::int64_t i = 0; i < linear.size(); ++i) {
        const double h = clip(position(i / 12 % 7, 4, 7), 0, 3), w = clip(position(i / 3 % 4, 6, 4), 0, 5);
        const auto top = static_cast<std::int64_t>(h), left = static_cast<std::int64_t>(w);
        double sum = 0;
        for (std::int64_t a = 0; a < 2; ++a)
          for (std::int64_t b = 0; b < 2; ++b) {
            const double weight = std::max(0.0, 1 - std::abs(h - static_cast<double>(top + a))) *
                                  std::max(0.0, 1 - std::abs(w - static_cast<double>(left + b)));
            sum += weight * static_cast<double>(x(i / 84, std::min<std::int64_t>(top + a, 3),
                                                  std::min<std::int64_t>(left + b, 5), i % 3));
          }
        CHECK(static_cast<double>(linear[i]) == doctest::Approx(sum).scale(1).epsilon(1e-5));
      }
      for (std::int64_t i = 0; i < nearest.size(); ++i) {
        // As in TFLite: the floor, also with half-pixel centers, which are shifted by half; or rounded half up.
        const double shift = centers ? 0.5 : 0;
        const auto place = [&](std::int64_t o, double in, double out) {
          const double p = position(o, in, out) + shift;
          return static_cast<std::int64_t>(clip(corners ? std::round(p) : std::floor(p), 0, in - 1));
        };
        CHECK(nearest[i] == x(i / 72, place(i / 9 % 8, 4, 8), place(i / 3 % 3, 6, 3), i % 3));
      }
    }
}

TEST_CASE("tflite: comparisons, logic and selection") {
  const Shape s{1, 5};
  const Tensor<float> a(s, {1, 2, 3, 2, 5}), b(s, {2, 2, 1, 2, 9});
  const auto bools = [](const AnyTensor& t) {
    std::string text;
    for (std::int64_t i = 0; i < t.size(); ++i) text += t.data()[i] == std::byte{0} ? '0' : '1';
    return text;
  };
  const std::vector<std::pair<const char*, const char*>> comparisons{{"EQUAL", "01010"},   {"NOT_EQUAL", "10101"},
                                                                     {"LESS", "10001"},    {"LESS_EQUAL", "11011"},
                                                                     {"GREATER", "00100"}, {"GREATER_EQUAL", "01110"}};
  // Codes of one real number differ where scales do.
  const QuantParams one_step(1.0f, 0), half_step(0.5f, -3);
  for (const auto& [name, codes] : comparisons) {
    const char *const op = name, *const expected = codes;
    CAPTURE(op);
    CHECK(bools(one(a).input(b).run(op, {}, DType::boolean)[0]) == expected);
    const auto q = [&](const Tensor<float>& x, const QuantParams& p) {
      return integers_of(std::vector<double>(x.begin(), x.end()), s, DType::i8, p);
    };
    CHECK(bools(one(q(a, one_step), one_step).input(q(b, half_step), half_step).run(op, {}, DType::boolean)[0]) ==
          expected);
  }
  const AnyTensor p = AnyTensor::make(DType::boolean, s, [](std::byte* to) {
    for (int i = 0; i < 5; ++i) to[i] = std::byte{static_cast<unsigned char>(i % 2)};
  });
  const AnyTensor r = AnyTensor::make(DType::boolean, s, [](std::byte* to) {
    for (int i = 0; i < 5; ++i) to[i] = std::byte{static_cast<unsigned char>(i > 2)};
  });
  CHECK(bools(one(p).input(r).run("LOGICAL_AND", {}, DType::boolean)[0]) == "00010");
  CHECK(bools(one(p).input(r).run("LOGICAL_OR", {}, DType::boolean)[0]) == "01011");
  CHECK(bools(one(p).run("LOGICAL_NOT", {}, DType::boolean)[0]) == "10101");
  for (const char* op : {"SELECT", "SELECT_V2"})
    CHECK(numbers(one(p).input(a).input(b).run(op)[0]) == std::vector<float>{2, 2, 1, 2, 9});
  const Tensor<float> rows({3, 2}, {1, 2, 3, 4, 5, 6}), others({3, 2}, {10, 20, 30, 40, 50, 60});
  const AnyTensor by_row =
      AnyTensor::make(DType::boolean, {3}, [](std::byte* to) { to[0] = to[2] = std::byte{1}, to[1] = {}; });
  CHECK(octet::detail::to_integers(one(by_row).run("WHERE", {}, DType::i64)[0]) == std::vector<std::int64_t>{0, 2});
  CHECK(numbers(one(by_row).constant(rows).constant(others).run("SELECT")[0]) ==
        std::vector<float>{1, 2, 30, 40, 5, 6});
}

TEST_CASE("tflite: space to batch and back") {
  const Tensor<float> x = counting({2, 4, 6, 3});
  const auto blocks = [&](const AnyTensor& t, const char* op, const Dims& size, const Dims& around) {
    return one(t)
        .integers(size)
        .constant(Tensor<std::int32_t>({static_cast<std::int64_t>(size.size()), 2}, around))
        .run(op)[0];
  };
  const AnyTensor batches = blocks(x, "SPACE_TO_BATCH_ND", {2, 3}, {1, 1, 0, 3});
  CHECK(batches.shape() == Shape{12, 3, 3, 3});
  // Batch (y * 3 + x) * 2 + n has the pixels (y, x), (y, x + 3), ... of image n, padded.
  const Tensor<float> v = floats(batches);
  const auto at = [&](std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c) {
    return v[((n * 3 + h) * 3 + w) * 3 + c];
  };
  for (std::int64_t y = 0; y < 2; ++y)
    for (std::int64_t k = 0; k < 3; ++k)
      for (std::int64_t n = 0; n < 2; ++n)
        for (std::int64_t h = 0; h < 3; ++h)
          for (std::int64_t w = 0; w < 3; ++w) {
            const std::int64_t row = h * 2 + y - 1, column = w * 3 + k;
            const bool inside = row >= 0 && row < 4 && column < 6;
            CHECK(at((y * 3 + k) * 2 + n, h, w, 1) ==
                  (inside ? static_cast<float>(((n * 4 + row) * 6 + column) * 3 + 1) : 0.0f));
          }
  const Tensor<std::int64_t> huge({1, 2}, {std::numeric_limits<std::int64_t>::max(), 1});
  for (const char* op : {"SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"})
    CHECK_THROWS_AS(one(x).integers({1}).constant(huge).run(op), FormatError);
  const AnyTensor back = blocks(batches, "BATCH_TO_SPACE_ND", {2, 3}, {1, 1, 0, 3});
  CHECK(back.shape() == x.shape());
  CHECK(numbers(back) == std::vector<float>(x.begin(), x.end()));
}

TEST_CASE("tflite: quantizing, dequantizing and casting") {
  const Tensor<float> x = random_tensor({2, 33}, 1, -3, 5);
  const QuantParams q(0.03f, -28), shifted(0.03f, 100);
  const AnyTensor y = one(x).run("QUANTIZE", {}, DType::i8, q)[0];
  for (std::int64_t i = 0; i < x.size(); ++i)
    CHECK(y.view<int8>()[i] == clip(std::nearbyint(x[i] / 0.03f) - 28, -128, 127));
  const Tensor<float> back = floats(one(y, q).run("DEQUANTIZE")[0]);
  const AnyTensor other = one(y, q).run("QUANTIZE", {}, DType::u8, shifted)[0];
  for (std::int64_t i = 0; i < x.size(); ++i) {
    CHECK(back[i] == 0.03f * static_cast<float>(y.view<int8>()[i] + 28));
    CHECK(other.view<uint8>()[i] == y.view<int8>()[i] + 128);
  }
  const AnyTensor truncated = one(x).run("CAST", {byte(0, 0), byte(1, 2)}, DType::i32)[0];
  for (std::int64_t i = 0; i < x.size(); ++i)
    CHECK(truncated.view<std::int32_t>()[i] == static_cast<std::int32_t>(x[i]));
}
