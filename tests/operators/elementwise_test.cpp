#include <octet/core/element.hpp>
#include <octet/operators/all.hpp>
#include "support/layer.hpp"
#include "support/random.hpp"

using namespace testing;

namespace {

constexpr float inf = std::numeric_limits<float>::infinity();

double expected(UnaryKind kind, double x, double a, double b) {
  switch (kind) {
    case UnaryKind::clip: return std::min(std::max(x, a), b);
    case UnaryKind::leaky_relu: return x < 0 ? a * x : x;
    case UnaryKind::sigmoid: return 1 / (1 + std::exp(-x));
    case UnaryKind::hard_sigmoid: return std::min(std::max(a * x + b, 0.0), 1.0);
    case UnaryKind::hard_swish: return x * std::min(std::max(x + 3, 0.0), 6.0) / 6;
    case UnaryKind::silu: return x / (1 + std::exp(-x));
    case UnaryKind::tanh: return std::tanh(x);
    case UnaryKind::elu: return x < 0 ? a * std::expm1(x) : x;
    case UnaryKind::gelu: return x * (1 + std::erf(x / std::sqrt(2.0))) / 2;
    case UnaryKind::softplus: return std::log1p(std::exp(x));
    case UnaryKind::exp: return std::exp(x);
    case UnaryKind::log: return std::log(x);
    case UnaryKind::sqrt: return std::sqrt(x);
    case UnaryKind::negate: return -x;
    case UnaryKind::abs: return std::abs(x);
    case UnaryKind::floor: return std::floor(x);
    case UnaryKind::ceil: return std::ceil(x);
    case UnaryKind::round: return std::nearbyint(x);
    case UnaryKind::reciprocal: return 1 / x;
    case UnaryKind::erf: return std::erf(x);
    case UnaryKind::sign: return x > 0 ? 1 : x < 0 ? -1 : 0;
    case UnaryKind::gelu_tanh:
      return x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x))) / 2;
    case UnaryKind::rsqrt: return 1 / std::sqrt(x);
    case UnaryKind::sin: return std::sin(x);
    case UnaryKind::cos: return std::cos(x);
    case UnaryKind::tan: return std::tan(x);
    case UnaryKind::asin: return std::asin(x);
    case UnaryKind::acos: return std::acos(x);
    case UnaryKind::atan: return std::atan(x);
    case UnaryKind::sinh: return std::sinh(x);
    case UnaryKind::cosh: return std::cosh(x);
    case UnaryKind::asinh: return std::asinh(x);
    case UnaryKind::acosh: return std::acosh(x);
    case UnaryKind::atanh: return std::atanh(x);
  }
  return 0;
}

std::vector<UnaryKind> all_unary() {
  std::vector<UnaryKind> kinds;
  for (int k = 0; k <= static_cast<int>(UnaryKind::last); ++k) kinds.push_back(static_cast<UnaryKind>(k));
  return kinds;
}

bool needs_positive(UnaryKind k) { return k == UnaryKind::log || k == UnaryKind::sqrt || k == UnaryKind::rsqrt; }

template <class T>
T one_unary(UnaryKind kind, T x, double a = 0, double b = 0) {
  return run_layer(Unary(kind, a, b), {Tensor<T>({1}, {x})})[0].template view<T>()[0];
}

}  // namespace

TEST_CASE("unary: float functions") {
  Tensor<float> x = random_tensor({3, 41}, 1, -6, 6);
  x[0] = 0;
  x[1] = 2.5f;
  x[2] = -2.5f;
  x[3] = 88;
  x[4] = -88;
  for (UnaryKind kind : all_unary()) {
    CAPTURE(static_cast<int>(kind));
    const Tensor<float> y = run_float(Unary(kind, 0.25, 0.75), {x});
    for (std::int64_t i = 0; i < x.size(); ++i) {
      if (needs_positive(kind) && x[i] <= 0) continue;
      if (kind == UnaryKind::reciprocal && x[i] == 0) continue;
      const double e = expected(kind, static_cast<double>(x[i]), 0.25, 0.75);
      CAPTURE(x[i]);
      if (std::isnan(e)) {
        CHECK(std::isnan(y[i]));
        continue;
      }
      CHECK(std::abs(static_cast<double>(y[i]) - e) <= 3e-6 * std::max(1.0, std::abs(e)));
    }
  }
}

TEST_CASE("unary: double, and results do not depend on the element's position") {
  const Tensor<double> x({3}, {-1.75, 0.3, 2.5});
  for (UnaryKind kind : all_unary()) {
    const Tensor<double> y(run_layer(Unary(kind, 0.25, 0.75), {x})[0].view<double>());
    for (std::int64_t i = 0; i < x.size(); ++i)
      if (const double e = expected(kind, x[i], 0.25, 0.75); std::isnan(e))
        CHECK(std::isnan(y[i]));
      else if (!needs_positive(kind) || x[i] > 0)
        CHECK(y[i] == doctest::Approx(expected(kind, x[i], 0.25, 0.75)).epsilon(1e-12));
    const Tensor<float> same({17}, std::vector<float>(17, 0.7f));
    const Tensor<float> z = run_float(Unary(kind, 0.25, 0.75), {same});
    for (float v : z) CHECK((v == z[0] || (std::isnan(v) && std::isnan(z[0]))));
  }
}

TEST_CASE("unary: the same bits on every instruction set") {
  // All exponents, around the limits of exp, and random numbers; odd sizes have elements beyond the last vector.
  std::vector<float> values = {inf,    -inf,    89, -87.5f, 88.99f, 89.01f, -87.49f, -87.51f,
                               0.625f, -0.625f, 1,  -1,     4,      -4,     -0.0f};
  for (int e = -149; e < 128; ++e)
    for (float m : {1.0f, -1.3f}) values.push_back(std::ldexp(m, e));
  const Tensor<float> random = random_tensor({4000}, 1, -10, 10);
  values.insert(values.end(), random.begin(), random.end());
  for (std::int64_t size : {1, 3, 4, 7, 8, 15, 16, 17, 33, static_cast<int>(values.size())}) {
    const Tensor<float> x({size}, std::vector<float>(values.begin(), values.begin() + size));
    for (UnaryKind kind : all_unary()) {
      CAPTURE(static_cast<int>(kind));
      const auto run = [&](Isa isa) {
        const UseIsa use(isa);
        return run_float(Unary(kind, 0.25, 0.75), {x});
      };
      const Tensor<float> expected_values = run(Isa::scalar);
      for (Isa isa : available_isas()) {
        INFO(name(isa));
        const Tensor<float> y = run(isa);
        bool same = true;
        for (std::int64_t i = 0; i < size; ++i)
          same = same && (std::memcmp(&y[i], &expected_values[i], sizeof(float)) == 0 ||
                          (std::isnan(y[i]) && std::isnan(expected_values[i])));
        CHECK(same);
      }
    }
  }
}

TEST_CASE("unary: limits and NaN") {
  const Tensor<float> x({4}, {inf, -inf, std::nanf(""), -0.0f});
  const Tensor<float> relu = run_float(Unary(UnaryKind::clip, 0, std::numeric_limits<double>::infinity()), {x});
  CHECK(relu[0] == inf);
  CHECK(relu[1] == 0);
  CHECK(std::isnan(relu[2]));
  CHECK(relu[3] == 0);
  const Tensor<float> relu6 = run_float(Unary(UnaryKind::clip, 0, 6), {x});
  CHECK(relu6[0] == 6);
  CHECK(std::isnan(relu6[2]));
  CHECK(one_unary(UnaryKind::clip, 1.0f, 5, 2) == 2);  // ONNX: the upper limit wins
  CHECK(one_unary(UnaryKind::sigmoid, inf) == 1);
  CHECK(one_unary(UnaryKind::sigmoid, -inf) == 0);
  CHECK(one_unary(UnaryKind::tanh, -inf) == -1);
  CHECK(one_unary(UnaryKind::softplus, 1000.0f) == 1000);
  CHECK(one_unary(UnaryKind::exp, 1000.0f) == inf);
  CHECK(one_unary(UnaryKind::round, 0.5f) == 0);
  CHECK(one_unary(UnaryKind::round, -1.5f) == -2);
  for (UnaryKind kind : {UnaryKind::sign, UnaryKind::exp, UnaryKind::sigmoid, UnaryKind::silu, UnaryKind::tanh,
                         UnaryKind::gelu, UnaryKind::hard_swish, UnaryKind::erf})
    CHECK(std::isnan(one_unary(kind, std::nanf(""))));
  CHECK(run_float(Unary(UnaryKind::exp), {Tensor<float>({0, 3})}).shape() == Shape{0, 3});
}

TEST_CASE("unary: circular functions of large and small numbers are rounded correctly") {
  // The nearest floats, by the C library in double: its errors, and those of octet, are far below half a unit.
  std::vector<float> values;
  for (int e = -149; e < 128; ++e)
    for (float m : {1.0f, -1.3f, 1.7182818f, -1.9f}) values.push_back(std::ldexp(m, e));
  const Tensor<float> x({static_cast<std::int64_t>(values.size())}, values);
  for (int k = static_cast<int>(UnaryKind::sin); k <= static_cast<int>(UnaryKind::atanh); ++k) {
    CAPTURE(k);
    const Tensor<float> y = run_float(Unary(static_cast<UnaryKind>(k)), {x});
    for (std::int64_t i = 0; i < x.size(); ++i) {
      CAPTURE(x[i]);
      const auto e = static_cast<float>(expected(static_cast<UnaryKind>(k), static_cast<double>(x[i]), 0, 0));
      CHECK((y[i] == e || (std::isnan(y[i]) && std::isnan(e))));
    }
  }
  CHECK(one_unary(UnaryKind::sin, 1e22f) == doctest::Approx(-0.73408158));  // of 1e22 rounded to a float
  CHECK(one_unary(UnaryKind::cos, -0.0f) == 1);
  CHECK(std::signbit(one_unary(UnaryKind::sin, -0.0f)));
  CHECK(std::isnan(one_unary(UnaryKind::tan, inf)));
  CHECK(one_unary(UnaryKind::atanh, 1.0f) == inf);
  CHECK(one_unary(UnaryKind::acos, -1.0f) == doctest::Approx(3.14159265));
  CHECK(std::isnan(one_unary(UnaryKind::acosh, 0.5f)));
  CHECK(one_unary<std::int32_t>(UnaryKind::cosh, 3) == 10);
}

TEST_CASE("unary: plain integers are exact") {
  using Limits = std::numeric_limits<std::int64_t>;
  const double all = std::numeric_limits<double>::infinity();
  CHECK(one_unary<std::int64_t>(UnaryKind::clip, Limits::max() - 1, -all, all) == Limits::max() - 1);
  CHECK(one_unary<std::int64_t>(UnaryKind::clip, Limits::min() + 1, 0, all) == 0);
  CHECK(one_unary<std::uint64_t>(UnaryKind::clip, std::numeric_limits<std::uint64_t>::max(), -5, all) ==
        std::numeric_limits<std::uint64_t>::max());
  CHECK(one_unary<std::int8_t>(UnaryKind::clip, -100, -3, 3) == -3);
  CHECK(one_unary<std::int8_t>(UnaryKind::clip, 100, -1000, 1000) == 100);
  CHECK(one_unary<std::uint8_t>(UnaryKind::clip, 200, -1000, 100) == 100);
  CHECK(one_unary<std::int64_t>(UnaryKind::negate, Limits::max()) == -Limits::max());
  CHECK(one_unary<std::int64_t>(UnaryKind::negate, Limits::min()) == Limits::min());
  CHECK(one_unary<std::int8_t>(UnaryKind::abs, -128) == -128);
  CHECK(one_unary<std::int16_t>(UnaryKind::abs, -300) == 300);
  CHECK(one_unary<std::int32_t>(UnaryKind::sign, -300) == -1);
  CHECK(one_unary<std::uint32_t>(UnaryKind::sign, 300) == 1);
  CHECK(one_unary<std::int64_t>(UnaryKind::floor, Limits::max()) == Limits::max());
  CHECK(one_unary<std::int32_t>(UnaryKind::sqrt, 17) == 4);
  CHECK(one_unary<std::int8_t>(UnaryKind::exp, 100) == 127);
  CHECK_THROWS_AS(run_layer(Unary(), {Tensor<bool>({2})}), Error);
}

TEST_CASE("unary: bytes, computed by tables") {
  const QuantParams qx(0.05f, 120);
  const Tensor<std::uint8_t> x = counting<std::uint8_t>({256});
  for (UnaryKind kind : all_unary()) {
    CAPTURE(static_cast<int>(kind));
    const QuantParams qy = kind == UnaryKind::sigmoid ? QuantParams(1.0f / 256, 0) : QuantParams(0.04f, 100);
    const AnyTensor y = run_layer(Unary(kind, 0.25, 0.75), {Operand(x, qx)}, {qy})[0];
    for (int q = 0; q < 256; ++q) {
      const double r = static_cast<double>(static_cast<float>(real(q, qx)));  // the tables are computed in float
      if (needs_positive(kind) && r <= 0) continue;
      CAPTURE(q);
      const double e = expected(kind, r, 0.25, 0.75);
      if (std::isnan(e)) {
        CHECK(y.view<std::uint8_t>()[q] == 0);
        continue;
      }
      CHECK(std::abs(y.view<std::uint8_t>()[q] - quantized(e, qy)) <=
            (near_tie(e, static_cast<double>(qy.scale[0])) ? 1 : 0));
    }
  }
}

TEST_CASE("binary: plain numbers with broadcasting") {
  const Tensor<float> a = random_tensor({3, 1, 17}, 1, -2, 2), b = random_tensor({4, 1}, 2, 0.5f, 2);
  const auto check = [&](BinaryKind kind, auto f) {
    const AnyTensor y = run_layer(Binary(kind), {a, b})[0];
    REQUIRE(y.shape() == Shape{3, 4, 17});
    each_index(y.shape(), [&](const auto& i) {
      const auto e = f(a(i[0], 0, i[2]), b(i[1], 0));
      if constexpr (std::is_same_v<decltype(e), const bool>)
        CHECK((detail::load_element(DType::boolean, y.data(), flat(y.shape(), i)) != 0) == e);
      else
        CHECK(y.view<float>()[flat(y.shape(), i)] == e);
    });
  };
  check(BinaryKind::add, [](float x, float y) { return x + y; });
  check(BinaryKind::sub, [](float x, float y) { return x - y; });
  check(BinaryKind::mul, [](float x, float y) { return x * y; });
  check(BinaryKind::div, [](float x, float y) { return x / y; });
  check(BinaryKind::min, [](float x, float y) { return std::min(x, y); });
  check(BinaryKind::max, [](float x, float y) { return std::max(x, y); });
  check(BinaryKind::less, [](float x, float y) { return x < y; });
  check(BinaryKind::less_or_equal, [](float x, float y) { return x <= y; });
  check(BinaryKind::greater, [](float x, float y) { return x > y; });
  check(BinaryKind::greater_or_equal, [](float x, float y) { return x >= y; });
  check(BinaryKind::equal, [](float x, float y) { return x == y; });
}

TEST_CASE("binary: all kinds of broadcasting, long and short runs, with clamps") {
  const std::pair<Shape, Shape> shapes[] = {{{7}, {7}},         {{40001}, {}},    {{}, {40001}},
                                            {{40001}, {40001}}, {{300, 3}, {3}},  {{2, 300, 3}, {2, 1, 3}},
                                            {{5, 1}, {1, 6}},   {{}, {}},         {{2, 1, 3, 1}, {4, 1, 5}},
                                            {{0, 3}, {3}},      {{1, 0}, {5, 1}}, {{3, 20000}, {3, 1}}};
  for (const auto& pair : shapes) {
    const Shape &sa = pair.first, &sb = pair.second;
    CAPTURE(detail::concat(sa, sb));
    const Tensor<float> a = random_tensor(sa, 1), b = random_tensor(sb, 2);
    for (BinaryKind kind :
         {BinaryKind::add, BinaryKind::sub, BinaryKind::mul, BinaryKind::div, BinaryKind::min, BinaryKind::max}) {
      const Tensor<float> y = run_float(Binary(kind, {-0.5, 0.75}), {a, b});
      bool same = true;
      each_index(y.shape(), [&](const std::vector<std::int64_t>& i) {
        const auto at = [&](const Tensor<float>& t) {
          std::vector<std::int64_t> own(i.end() - t.shape().rank(), i.end());
          for (std::size_t d = 0; d < own.size(); ++d) own[d] = t.shape()[static_cast<int>(d)] == 1 ? 0 : own[d];
          return t[flat(t.shape(), own)];
        };
        const float v = kind == BinaryKind::add   ? at(a) + at(b)
                        : kind == BinaryKind::sub ? at(a) - at(b)
                        : kind == BinaryKind::mul ? at(a) * at(b)
                        : kind == BinaryKind::div ? at(a) / at(b)
                        : kind == BinaryKind::min ? std::min(at(a), at(b))
                                                  : std::max(at(a), at(b));
        same = same && y[flat(y.shape(), i)] == std::min(std::max(v, -0.5f), 0.75f);
      });
      CHECK(same);
    }
  }
}

TEST_CASE("binary: NaN is kept, and squares are exact") {
  const float nan = std::nanf("");
  for (std::int64_t size : {1, 8, 19}) {
    Tensor<float> a({size}, std::vector<float>(static_cast<std::size_t>(size), 1.5f)), b = a;
    a[size - 1] = nan;
    for (BinaryKind kind : {BinaryKind::min, BinaryKind::max, BinaryKind::div, BinaryKind::sub}) {
      const Tensor<float> y = run_float(Binary(kind, {-9, 9}), {a, b}), z = run_float(Binary(kind, {-9, 9}), {b, a});
      CHECK(std::isnan(y[size - 1]));
      CHECK(std::isnan(z[size - 1]));
    }
    const Tensor<float> x = random_tensor({size}, 1, -9, 9);
    const auto power = [&](float e) { return run_float(Binary(BinaryKind::pow), {x, Tensor<float>({1}, {e})}); };
    const Tensor<float> squares = power(2), cubes = power(3);
    for (std::int64_t i = 0; i < size; ++i) {
      CHECK(squares[i] == x[i] * x[i]);
      CHECK(cubes[i] == doctest::Approx(x[i] * x[i] * x[i]).epsilon(1e-6));
    }
  }
}

TEST_CASE("binary: integers wrap around, divide toward zero, and are clamped") {
  const auto one = [](BinaryKind kind, auto a, decltype(a) b, const ActivationRange& range = {}) {
    using T = decltype(a);
    return run_layer(Binary(kind, range), {Tensor<T>({1}, {a}), Tensor<T>({1}, {b})})[0].template view<T>()[0];
  };
  using I8 = std::int8_t;
  using I64 = std::int64_t;
  CHECK(one(BinaryKind::add, I8{127}, I8{1}) == -128);
  CHECK(one(BinaryKind::mul, std::uint16_t{65535}, std::uint16_t{65535}) == 1);
  CHECK(one(BinaryKind::sub, std::uint32_t{0}, std::uint32_t{1}) == 4294967295u);
  CHECK(one(BinaryKind::div, I8{-7}, I8{2}) == -3);
  CHECK(one(BinaryKind::div, I8{-128}, I8{-1}) == -128);
  CHECK(one(BinaryKind::div, I8{5}, I8{0}) == 0);
  CHECK(one(BinaryKind::add, std::numeric_limits<I64>::max(), I64{1}) == std::numeric_limits<I64>::min());
  CHECK(one(BinaryKind::mul, I64{1} << 62, I64{6}) == std::numeric_limits<I64>::min());
  CHECK(one(BinaryKind::pow, I64{3}, I64{4}) == 81);
  CHECK(one(BinaryKind::pow, 2.0, 0.5) == std::sqrt(2.0));
  CHECK(one(BinaryKind::add, I8{50}, I8{50}, {-5, 60}) == 60);
  CHECK(one(BinaryKind::add, -1.0, -1.0, {0, 60}) == 0);
  CHECK(one(BinaryKind::add, I64{1} << 62, I64{5}) == (I64{1} << 62) + 5);
}

TEST_CASE("binary: sums, differences and products of bytes, each with its own scale") {
  const QuantParams qa(0.11f, 7), qb(0.047f, 200), qy(0.13f, 90);
  Tensor<std::uint8_t> a({3, 5, 37}), b({3, 5, 37}), row(Shape{37});
  Random random(1);
  for (auto* t : {&a, &b, &row}) random.fill(t->data(), t->size(), 0, 255);
  for (BinaryKind kind : {BinaryKind::add, BinaryKind::sub, BinaryKind::mul})
    for (Rounding rounding : {Rounding::fp32, Rounding::tflite_double, Rounding::tflite_single})
      for (const Tensor<std::uint8_t>* other : {&b, &row})
        for (double low : {-1e9, 0.0}) {
          const AnyTensor y =
              run_layer(Binary(kind, {low, 9.0}), {Operand(a, qa), Operand(*other, qb)}, {qy}, rounding)[0];
          const double sa = static_cast<double>(qa.scale[0]), sb = static_cast<double>(qb.scale[0]);
          const double sy = static_cast<double>(qy.scale[0]), common = 2 * std::max(sa, sb);
          for (std::int64_t i = 0; i < a.size(); ++i) {
            const int p = a[i] - 7, q = (*other)[i % other->size()] - 200;
            const double e = kind == BinaryKind::add   ? p * sa + q * sb
                             : kind == BinaryKind::sub ? p * sa - q * sb
                                                       : p * sa * q * sb;
            std::int64_t expect = quantized(e, qy, -100000, 100000);
            if (rounding != Rounding::fp32) {
              const std::int64_t fa = fixed_point(std::int64_t{p} * 1048576, sa / common, rounding);
              const std::int64_t fb = fixed_point(std::int64_t{q} * 1048576, sb / common, rounding);
              const float product = qa.scale[0] * qb.scale[0] / qy.scale[0];
              expect = kind == BinaryKind::mul ? fixed_point(p * q, static_cast<double>(product), rounding)
                                               : fixed_point(kind == BinaryKind::add ? fa + fb : fa - fb,
                                                             common / (1048576 * sy), rounding);
              expect += qy.zero_point[0];
            }
            expect = std::clamp<std::int64_t>(expect, quantized(low, qy), quantized(9.0, qy));
            CHECK(std::abs(y.view<std::uint8_t>()[i] - expect) <=
                  (rounding == Rounding::fp32 && near_tie(e, sy) ? 1 : 0));
          }
        }
}

TEST_CASE("binary: errors") {
  CHECK_THROWS_AS(shape_of(Binary(BinaryKind::add), {{2}, {3}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Binary(BinaryKind::add), {{2}}), ShapeError);
  CHECK_THROWS_AS(run_layer(Binary(BinaryKind::add), {Tensor<float>({1}), Tensor<double>({1})}), Error);
  CHECK_THROWS_AS(run_layer(Binary(BinaryKind::add), {Tensor<bool>({1}), Tensor<bool>({1})}), Error);
  CHECK(shape_of(Binary(BinaryKind::add), {{Shape::unknown, 3}, {5, 1}}) == Shape{5, 3});
}

TEST_CASE("prelu: float, with slopes per channel or one for all") {
  const Tensor<float> x = random_tensor({2, 3, 5, 19}, 1);
  for (const Shape& s : {Shape{}, Shape{1}, Shape{19}, Shape{1, 1, 19}, Shape{3, 5, 19}, Shape{5, 1}}) {
    const Tensor<float> slope = random_tensor(s, 2);
    const Tensor<float> y = run_float(PRelu(), {x, fixed(slope)});
    each_index(x.shape(), [&](const std::vector<std::int64_t>& i) {
      std::vector<std::int64_t> own(i.end() - s.rank(), i.end());
      for (std::size_t d = 0; d < own.size(); ++d) own[d] = s[static_cast<int>(d)] == 1 ? 0 : own[d];
      const float v = x[flat(x.shape(), i)];
      CHECK(y[flat(x.shape(), i)] == (v < 0 ? v * slope[flat(s, own)] : v));
    });
  }
  CHECK(shape_of(PRelu(), {{Shape::unknown, 3}, {3}}) == Shape{Shape::unknown, 3});
  CHECK_THROWS_AS(shape_of(PRelu(), {{2, 3}, {2}}), ShapeError);
  CHECK_THROWS_AS(shape_of(PRelu(), {{3}, {1, 3}}), ShapeError);
}

TEST_CASE("prelu: bytes, with float and quantized slopes") {
  const QuantParams qx(0.1f, 130), qy(0.07f, 60), one(0.01f, -20);
  const QuantParams each({0.01f, 0.02f, 0.005f}, {0, 0, 0}, 0);
  Tensor<std::uint8_t> in({256, 3});
  each_index(in.shape(), [&](const auto& i) { in(i[0], i[1]) = static_cast<std::uint8_t>(i[0]); });
  const Tensor<std::int8_t> slopes({3}, {-50, 90, 127});
  Tensor<float> floats_({3}, {0.25f, -0.5f, 1.5f});
  // fixed: slopes that are integers of one scale, the case TFLite's roundings are defined for.
  const auto check = [&](const Operand& slope, Rounding rounding, bool fixed_slopes, auto real_slope) {
    const AnyTensor y = run_layer(PRelu(), {Operand(in, qx), slope}, {qy}, rounding)[0];
    each_index(in.shape(), [&](const auto& i) {
      const double r = real(in(i[0], i[1]), qx), e = r < 0 ? r * real_slope(i[1]) : r;
      std::int64_t expect = quantized(e, qy);
      const bool as_tflite = fixed_slopes && rounding != Rounding::fp32;
      if (as_tflite) {
        const int q = in(i[0], i[1]) - 130;
        const float negative = qx.scale[0] * one.scale[0] / qy.scale[0], positive = qx.scale[0] / qy.scale[0];
        expect = q < 0 ? fixed_point(q * (slopes[i[1]] + 20), static_cast<double>(negative), rounding)
                       : fixed_point(q, static_cast<double>(positive), rounding);
        expect = std::clamp<std::int64_t>(expect + 60, 0, 255);
      }
      const bool tie = near_tie(e, static_cast<double>(qy.scale[0])) && !as_tflite;
      CHECK(std::abs(y.view<std::uint8_t>()[flat(in.shape(), i)] - expect) <= (tie ? 1 : 0));
    });
  };
  for (Rounding rounding : {Rounding::fp32, Rounding::tflite_double, Rounding::tflite_single}) {
    check(fixed(floats_), rounding, false, [&](std::int64_t c) { return static_cast<double>(floats_[c]); });
    check(fixed(slopes, one), rounding, true, [&](std::int64_t c) { return real(slopes[c], one); });
    check(fixed(slopes, each), rounding, false,
          [&](std::int64_t c) { return static_cast<double>(each.scale[static_cast<std::size_t>(c)]) * slopes[c]; });
  }
}

TEST_CASE("convert: casts between plain types") {
  const Tensor<float> x({5}, {1.9f, -1.9f, 300, -300, 0});
  CHECK(same_bytes(run_layer(Convert(DType::u8), {x})[0], Tensor<std::uint8_t>({5}, {1, 0, 255, 0, 0})));
  CHECK(same_bytes(run_layer(Convert(DType::i8), {x})[0], Tensor<std::int8_t>({5}, {1, -1, 127, -128, 0})));
  CHECK(same_bytes(run_layer(Convert(DType::i64), {x})[0], Tensor<std::int64_t>({5}, {1, -1, 300, -300, 0})));
  CHECK_THROWS_AS(run_layer(Convert(DType::i64), {Tensor<float>({2}, {1, std::nanf("")})}), Error);
  const Tensor<std::int32_t> n({3}, {-1, 0, 7});
  CHECK(same_bytes(run_layer(Convert(DType::f32), {n})[0], Tensor<float>({3}, {-1, 0, 7})));
  CHECK(same_bytes(run_layer(Convert(DType::i16), {n})[0], Tensor<std::int16_t>({3}, {-1, 0, 7})));
}

TEST_CASE("convert: quantizes, dequantizes and requantizes") {
  const QuantParams p(0.1f, 100), q(0.03f, 20);
  const Tensor<float> x = random_tensor({5, 77}, 1, -12, 17);
  const AnyTensor bytes = run_layer(Convert(DType::u8), {x}, {p})[0];
  for (std::int64_t i = 0; i < x.size(); ++i)
    CHECK(bytes.view<std::uint8_t>()[i] == std::clamp(static_cast<int>(std::nearbyint(x[i] / 0.1f)) + 100, 0, 255));
  const Tensor<std::uint8_t> all = counting<std::uint8_t>({256});
  const Tensor<float> back = floats(run_layer(Convert(DType::f32), {Operand(all, p)})[0]);
  const AnyTensor again = run_layer(Convert(DType::u8), {Operand(all, p)}, {q})[0];
  for (int i = 0; i < 256; ++i) {
    CHECK(back[i] == static_cast<float>(i - 100) * 0.1f);
    CHECK(std::abs(again.view<std::uint8_t>()[i] - quantized(real(i, p), q)) <= (i % 5 == 0 ? 1 : 0));
  }
  // One scale per channel.
  const QuantParams each({0.5f, 2.0f}, {1, -3}, 1);
  const Tensor<float> two({2, 2}, {1, 5, -3, 300});
  CHECK(same_bytes(run_layer(Convert(DType::i8), {two}, {each})[0], Tensor<std::int8_t>({2, 2}, {3, -1, -5, 127})));
}

TEST_CASE("batch normalization: with the channels last") {
  const Tensor<float> x = random_tensor({2, 3, 19}, 1), gamma = random_tensor({19}, 2), beta = random_tensor({19}, 3),
                      mean = random_tensor({19}, 4), variance = random_tensor({19}, 5, 0.1f, 2);
  BatchNormalization op;
  op.epsilon = 0.01;
  const Tensor<float> y = run_float(op, {x, fixed(gamma), fixed(beta), fixed(mean), fixed(variance)});
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const std::int64_t c = i % 19;
    CHECK(y[i] ==
          doctest::Approx((x[i] - mean[c]) / std::sqrt(variance[c] + 0.01f) * gamma[c] + beta[c]).epsilon(1e-4));
  }
  const Operand none = fixed(Tensor<float>(Shape{0}));
  CHECK(run_float(op, {Tensor<float>({3, 0}), none, none, none, none}).shape() == Shape{3, 0});
  CHECK_THROWS_AS(shape_of(op, {{2, 3}, {3}, {3}, {3}, {2}}), ShapeError);
  CHECK_THROWS_AS(shape_of(op, {{2, 3}, {3}}), ShapeError);
}

TEST_CASE("local response normalization: over neighboring channels") {
  const Tensor<float> x = random_tensor({2, 5, 11}, 1, -3, 3);
  for (std::int64_t size : {1, 2, 3, 4, 5, 30}) {
    CAPTURE(size);
    LocalResponseNormalization op;
    op.size = size;
    op.alpha = 0.3;
    op.beta = 0.6;
    op.bias = 1.5;
    const Tensor<float> y = run_float(op, {x});
    each_index(x.shape(), [&](const auto& i) {
      double sum = 0;
      for (std::int64_t c = 0; c < 11; ++c)
        if (c >= i[2] - (size - 1) / 2 && c <= i[2] + size / 2)
          sum += std::pow(static_cast<double>(x(i[0], i[1], c)), 2);
      const double v = static_cast<double>(x(i[0], i[1], i[2]));
      CHECK(static_cast<double>(y(i[0], i[1], i[2])) ==
            doctest::Approx(v / std::pow(1.5 + 0.3 / static_cast<double>(size) * sum, 0.6)).epsilon(1e-5));
    });
  }
  LocalResponseNormalization op;
  CHECK(run_float(op, {Tensor<float>({3, 0})}).shape() == Shape{3, 0});
  CHECK(shape_of(op, {{Shape::unknown, 3}}) == Shape{Shape::unknown, 3});
  op.size = 0;
  CHECK_THROWS_AS(shape_of(op, {{2, 3}}), ShapeError);
  CHECK_THROWS_AS(run_layer(LocalResponseNormalization(), {Tensor<double>({1})}), Error);
}

TEST_CASE("softmax: along any axis, and its logarithm") {
  const Tensor<float> x = random_tensor({3, 4, 5}, 1, -5, 5);
  for (std::int64_t axis : {0, 1, 2, -1, -3})
    for (bool log : {false, true}) {
      Softmax op;
      op.axis = axis;
      op.beta = 0.7;
      op.log = log;
      const Tensor<float> y = run_float(op, {x});
      const auto a = static_cast<std::size_t>(axis < 0 ? axis + 3 : axis);
      each_index(x.shape(), [&](auto i) {
        const double own = static_cast<double>(x[flat(x.shape(), i)]) * 0.7,
                     found = static_cast<double>(y[flat(x.shape(), i)]);
        double sum = 0;
        for (i[a] = 0; i[a] < x.shape()[static_cast<int>(a)]; ++i[a])
          sum += std::exp(0.7 * static_cast<double>(x[flat(x.shape(), i)]));
        CHECK(found == doctest::Approx(log ? own - std::log(sum) : std::exp(own) / sum).epsilon(1e-5));
      });
    }
  Softmax op;
  const Tensor<float> large({3}, {10000, 10001, -10000});
  const Tensor<float> y = run_float(op, {large});
  CHECK(y[0] == doctest::Approx(0.26894142f));
  CHECK(y[2] == 0);
  CHECK(run_float(op, {Tensor<float>({3, 0})}).shape() == Shape{3, 0});
  CHECK(run_float(op, {Tensor<float>({0, 3})}).shape() == Shape{0, 3});
  op.axis = 2;
  CHECK_THROWS_AS(shape_of(op, {{2, 3}}), ShapeError);
}

TEST_CASE("softmax: long rows and columns, NaN and infinities") {
  for (std::int64_t n : {1, 3, 4, 17, 255, 256, 257, 600})
    for (const Shape& shape : {Shape{2, n}, Shape{n, 2}, Shape{2, n, 300}})
      for (bool log : {false, true}) {
        if (shape.rank() == 3 && n > 17) continue;
        Softmax op;
        op.axis = shape.rank() == 3 || shape[1] == n ? 1 : 0;
        op.log = log;
        const Tensor<float> x = random_tensor(shape, 7, -9, 9), y = run_float(op, {x});
        const std::int64_t inner = shape.rank() == 3 ? 300 : shape[0] == n ? 2 : 1;
        double worst = 0;
        for (std::int64_t i = 0; i < x.size(); ++i) {
          const std::int64_t first = i / (n * inner) * n * inner + i % inner;
          double sum = 0;
          for (std::int64_t k = 0; k < n; ++k) sum += std::exp(static_cast<double>(x[first + k * inner]));
          const double own = static_cast<double>(x[i]), e = log ? own - std::log(sum) : std::exp(own) / sum;
          worst = std::max(worst, std::abs(static_cast<double>(y[i]) - e) / std::max(log ? 1.0 : 1e-30, std::abs(e)));
        }
        CAPTURE(shape);
        CHECK(worst < 2e-6);
      }
  for (const Shape& shape : {Shape{1, 5}, Shape{5, 1}}) {
    Softmax op;
    op.axis = shape[0] == 1 ? 1 : 0;
    const Tensor<float> y = run_float(op, {Tensor<float>(shape, {1, -inf, 1, -inf, -inf})});
    CHECK(y[0] == 0.5f);
    CHECK(y[1] == 0);
    CHECK(std::isnan(run_float(op, {Tensor<float>(shape, {1, std::nanf(""), 1, 2, 3})})[0]));
  }
}

TEST_CASE("softmax: bytes, several rows at once, by a table of the results from 128 elements on") {
  const QuantParams qx(0.05f, 33);
  for (const auto& [count, n] : {std::pair(2, 200), std::pair(1, 3), std::pair(7, 21), std::pair(67, 5)})
    for (const QuantParams& qy : {QuantParams(1.0f / 256, 0), QuantParams(1.0f / 256, 7), QuantParams(1e-4f, 300)})
      for (double beta : {1.0, 0.0, -0.3}) {
        Tensor<std::uint8_t> x({count, n}), columns({n, count});
        Random(3).fill(x.data(), x.size(), 0, 255);
        for (std::int64_t k = 0; k < n; ++k)
          for (std::int64_t r = 0; r < count; ++r) columns(k, r) = x(r, k);
        Softmax op;
        op.beta = beta;
        op.axis = 1;
        const AnyTensor rows = run_layer(op, {Operand(x, qx)}, {qy})[0];
        op.axis = 0;  // these are computed one at a time
        const AnyTensor single = run_layer(op, {Operand(columns, qx)}, {qy})[0];
        bool same = true;
        for (std::int64_t k = 0; k < n; ++k)
          for (std::int64_t r = 0; r < count; ++r)
            same = same && rows.view<std::uint8_t>()[r * n + k] == single.view<std::uint8_t>()[k * count + r];
        CHECK(same);
      }
}

TEST_CASE("softmax: bytes") {
  const QuantParams qx(0.1f, 33), qy(1.0f / 256, 0);
  Tensor<std::uint8_t> x({4, 10});
  Random(3).fill(x.data(), x.size(), 0, 255);
  for (std::int64_t axis : {0, 1}) {
    Softmax op;
    op.axis = axis;
    const AnyTensor y = run_layer(op, {Operand(x, qx)}, {qy})[0];
    each_index(x.shape(), [&](const auto& i) {
      double sum = 0;
      for (std::int64_t k = 0; k < x.shape()[static_cast<int>(axis)]; ++k)
        sum += std::exp(real(axis ? x(i[0], k) : x(k, i[1]), qx));
      const int e = quantized(std::exp(real(x(i[0], i[1]), qx)) / sum, qy);
      CHECK(std::abs(y.view<std::uint8_t>()[flat(x.shape(), i)] - e) <= 1);
    });
  }
}

TEST_CASE("elementwise: shapes that cannot be broadcast are refused by the layer's name") {
  Graph g;
  const int b = g.add_input("b", {Shape::unknown});
  g.outputs = {g.add("sum", Binary(BinaryKind::add), {g.add_input("a", {2, 3}), b})};
  CHECK_THROWS_WITH_AS(g.infer_shapes({{2}, {2, 3}}), doctest::Contains("layer 'sum' (Binary): shapes [2, 3] and [2]"),
                       ShapeError);
}
