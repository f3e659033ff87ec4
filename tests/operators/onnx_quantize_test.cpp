#include <octet/core/element.hpp>
#include <octet/operators/all.hpp>
#include "support/layer.hpp"
#include "support/random.hpp"

using namespace testing;

namespace {

constexpr std::int64_t unknown = Shape::unknown;

AnyTensor tensor_of(DType t, const Shape& s, const std::vector<double>& values) {
  return AnyTensor::make(t, s, [&](std::byte* p) {
    for (std::size_t i = 0; i < values.size(); ++i)
      detail::store_element(t, p, static_cast<std::int64_t>(i), values[i]);
  });
}
std::vector<double> values_of(const AnyTensor& t) {
  std::vector<double> v;
  for (std::int64_t i = 0; i < t.size(); ++i) v.push_back(detail::load_element(t.dtype(), t.data(), i));
  return v;
}

/// All numbers of a small floating-point type.
std::vector<double> all_numbers(DType t) {
  std::vector<double> all;
  const int n = 1 << bits(t);
  const AnyTensor codes = AnyTensor::make(t, {n}, [&](std::byte* p) {
    for (int i = 0; i < n; ++i) {
      if (bits(t) == 8)
        detail::store_as(p, i, static_cast<std::uint8_t>(i));
      else
        detail::store_bits(p, i, bits(t), static_cast<std::uint32_t>(i));
    }
  });
  for (double v : values_of(codes))
    if (std::isfinite(v)) all.push_back(v);
  return all;
}

constexpr DType integer_types[] = {DType::i8, DType::u8, DType::i16, DType::u16, DType::i4,
                                   DType::u4, DType::i2, DType::u2,  DType::i32};
constexpr DType float_types[] = {DType::f8e4m3fn, DType::f8e5m2, DType::f4e2m1};

QuantizeLinear quantize_to(DType t, std::int64_t axis = 1, std::int64_t block = 0) {
  QuantizeLinear op;
  op.to = t;
  op.axis = axis;
  op.block_size = block;
  return op;
}

}  // namespace

TEST_CASE("quantize linear: every integer type, ties to even, saturating") {
  for (DType t : integer_types) {
    CAPTURE(name(t));
    const IntegerRange r = integer_range(t);
    const std::int64_t zero = is_signed(t) ? -1 : 1;
    const std::vector<double> x{0, 0.5, 1, 1.5, -0.5, -1, 0.75, 1e9, -1e9, 0.25};
    const AnyTensor in = tensor_of(DType::f32, {1, 10}, x), scale = tensor_of(DType::f32, {}, {0.5});
    const std::vector<double> found =
        values_of(run_layer(quantize_to(t), {in, scale, tensor_of(t, {}, {static_cast<double>(zero)})})[0]);
    const std::vector<double> plain = values_of(run_layer(quantize_to(t), {in, scale})[0]);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double q = std::nearbyint(x[i] / 0.5), low = static_cast<double>(r.low), high = static_cast<double>(r.high);
      CHECK(found[i] == std::clamp(q + static_cast<double>(zero), low, high));
      CHECK(plain[i] == std::clamp(q, low, high));
    }
    const AnyTensor nan = tensor_of(DType::f32, {1, 1}, {std::nan("")});
    CHECK_THROWS_WITH_AS(run_layer(quantize_to(t), {nan, scale}), doctest::Contains("NaN"), Error);
  }
}

TEST_CASE("quantize linear: small floats round to nearest, and saturate only if requested") {
  for (DType t : float_types) {
    CAPTURE(name(t));
    const std::vector<double> numbers = all_numbers(t);
    const double largest = *std::max_element(numbers.begin(), numbers.end());
    Tensor<float> x({301});
    Random random(1);
    for (float& v : x) v = std::ldexp(random.real(-2, 2), static_cast<int>(random.between(-12, 18)));
    const AnyTensor scale = tensor_of(DType::f32, {}, {2});
    QuantizeLinear op = quantize_to(t);
    const std::vector<double> found = values_of(run_layer(op, {x, scale})[0]);
    op.saturate = false;
    const std::vector<double> unsaturated = values_of(run_layer(op, {x, scale})[0]);
    for (std::int64_t i = 0; i < x.size(); ++i) {
      const double q = static_cast<double>(x[i]) / 2;
      double nearest = largest;
      for (double n : numbers)
        if (std::abs(n - q) < std::abs(nearest - q)) nearest = n;
      const auto at = static_cast<std::size_t>(i);
      CAPTURE(q);
      CHECK(std::abs(found[at] - q) == std::abs(nearest - q));
      if (std::abs(q) <= largest || t == DType::f4e2m1) CHECK(unsaturated[at] == found[at]);
      if (std::abs(q) > 1.2 * largest && t == DType::f8e5m2) CHECK(std::isinf(unsaturated[at]));
      if (std::abs(q) > 1.2 * largest && t == DType::f8e4m3fn) CHECK(std::isnan(unsaturated[at]));
    }
  }
}

TEST_CASE("quantize linear: one scale per index or per block") {
  const Tensor<float> x = random_tensor({3, 4, 5}, 1, -10, 10);
  const auto check = [&](const QuantizeLinear& op, const Shape& s, auto which) {
    const Tensor<float> scale = random_tensor(s, 2, 0.05f, 0.2f);
    const Tensor<std::int8_t> zero = random_integers<std::int8_t>(s, 3, -50, 50);
    const AnyTensor y = run_layer(op, {x, scale, zero})[0];
    DequantizeLinear back;
    back.axis = op.axis;
    back.block_size = op.block_size;
    const Tensor<float> z = floats(run_layer(back, {y, scale, zero})[0]);
    each_index(x.shape(), [&](const auto& i) {
      const std::int64_t at = flat(x.shape(), i), k = flat(s, which(i));
      const int q = std::clamp(static_cast<int>(std::nearbyint(x[at] / scale[k])) + zero[k], -128, 127);
      CHECK(y.view<std::int8_t>()[at] == q);
      CHECK(z[at] == static_cast<float>(q - zero[k]) * scale[k]);
    });
  };
  using I = std::vector<std::int64_t>;
  check(quantize_to(DType::i8, 1), {4}, [](const I& i) { return I{i[1]}; });
  check(quantize_to(DType::i8, -1), {5}, [](const I& i) { return I{i[2]}; });
  check(quantize_to(DType::i8, 0), {1}, [](const I&) { return I{0}; });
  check(quantize_to(DType::i8, 1, 2), {3, 2, 5}, [](const I& i) { return I{i[0], i[1] / 2, i[2]}; });
  check(quantize_to(DType::i8, 1, 3), {3, 2, 5}, [](const I& i) { return I{i[0], i[1] / 3, i[2]}; });
  check(quantize_to(DType::i8, -3, 3), {1, 4, 5}, [](const I& i) { return I{0, i[1], i[2]}; });
  check(quantize_to(DType::i8, 2, 1), {3, 4, 5}, [](const I& i) { return i; });
}

TEST_CASE("dequantize linear: every type to every floating-point type") {
  for (DType t : integer_types) {
    if (t == DType::i32) continue;
    const std::int64_t n = std::min<std::int64_t>(std::int64_t{1} << bits(t), 5000);
    std::vector<double> q;
    for (std::int64_t i = 0; i < n; ++i) q.push_back(static_cast<double>(integer_range(t).low + i));
    const double zero = static_cast<double>(integer_range(t).low + 1);
    for (DType to : {DType::f32, DType::f16, DType::bf16}) {
      DequantizeLinear op;
      op.to = to;
      const std::vector<double> y =
          values_of(run_layer(op, {tensor_of(t, {n}, q), tensor_of(to, {}, {0.25}), tensor_of(t, {}, {zero})})[0]);
      for (std::size_t i = 0; i < q.size(); ++i) {
        const AnyTensor rounded = tensor_of(to, {1}, {(q[i] - zero) * 0.25});
        CHECK(y[i] == values_of(rounded)[0]);
      }
    }
  }
  for (DType t : float_types) {
    const std::vector<double> all = all_numbers(t);
    const auto n = static_cast<std::int64_t>(all.size());
    const std::vector<double> y =
        values_of(run_layer(DequantizeLinear(), {tensor_of(t, {n}, all), tensor_of(DType::f32, {}, {0.5})})[0]);
    for (std::size_t i = 0; i < all.size(); ++i) CHECK(y[i] == all[i] / 2);
  }
  const AnyTensor bias = run_layer(DequantizeLinear(), {Tensor<std::int32_t>({2}, {-2147483647 - 1, 16777217}),
                                                        tensor_of(DType::f32, {}, {0.5})})[0];
  CHECK(floats(bias)[0] == -1073741824.0f);
  CHECK(floats(bias)[1] == 8388608.5f);
}

TEST_CASE("dynamic quantize linear: the range contains 0") {
  const auto check = [](const std::vector<float>& values, float scale, int zero) {
    const auto n = static_cast<std::int64_t>(values.size());
    const std::vector<AnyTensor> y = run_layer(DynamicQuantizeLinear(), {Tensor<float>({n}, values)});
    REQUIRE(y.size() == 3);
    CHECK(y[1].shape() == Shape{});
    CHECK(y[1].view<float>()[0] == scale);
    CHECK(y[2].view<std::uint8_t>()[0] == zero);
    for (std::int64_t i = 0; i < n; ++i)
      CHECK(y[0].view<std::uint8_t>()[i] ==
            std::clamp(static_cast<int>(std::nearbyint(values[static_cast<std::size_t>(i)] / scale)) + zero, 0, 255));
  };
  check({0, 2, -3, -2.5f, 1.34f, 0.5f}, 5.0f / 255, 153);
  check({-1, -2.1f, -1.3f, -2.5f, -3.34f, -4}, 4.0f / 255, 255);
  check({1, 2.1f, 1.3f, 2.5f, 3.34f, 4, 1.5f}, 4.0f / 255, 0);
  check({0, 0, 0}, 1, 0);
  check({}, 1, 0);
  const Tensor<float> x = random_tensor({20011}, 1, -3, 5);
  const auto [low, high] = std::minmax_element(x.begin(), x.end());
  const float scale = (*high - *low) / 255;
  check(std::vector<float>(x.begin(), x.end()), scale, static_cast<int>(std::nearbyint(-*low / scale)));
}

TEST_CASE("quantize linear: shapes, unknown sizes, empty tensors and errors") {
  using D = DType;
  CHECK(shape_of(quantize_to(D::u8), {{unknown, 3}, {3}, {3}}, {D::f32, D::f32, D::u8}) == Shape{unknown, 3});
  CHECK(shape_of(quantize_to(D::u8, 1, 2), {{unknown, 5}, {2, 3}}) == Shape{unknown, 5});
  CHECK(shape_of(quantize_to(D::u8, 1), {{2, unknown}, {3}}) == Shape{2, unknown});
  CHECK(shapes_of(DynamicQuantizeLinear(), {{unknown, 3}}) == std::vector<Shape>{{unknown, 3}, {}, {}});
  CHECK(run_layer(quantize_to(D::i4, 0), {Tensor<float>({0, 3}), Tensor<float>(Shape{0})})[0].shape() == Shape{0, 3});
  CHECK(run_layer(quantize_to(D::i4, 1), {Tensor<float>({0, 3}), Tensor<float>(Shape{3})})[0].shape() == Shape{0, 3});
  CHECK_THROWS_AS(shape_of(quantize_to(D::u8), {{2, 3}, {2}}), ShapeError);
  CHECK_THROWS_AS(shape_of(quantize_to(D::u8, 2), {{2, 3}, {3}}), ShapeError);
  CHECK_THROWS_AS(shape_of(quantize_to(D::u8), {{2, 3}, {3}, {2}}, {D::f32, D::f32, D::u8}), ShapeError);
  CHECK_THROWS_AS(shape_of(quantize_to(D::u8), {{2, 3}, {2, 3}}), ShapeError);
  CHECK_THROWS_AS(shape_of(quantize_to(D::u8, 1, 2), {{2, 3}, {2, 3}}), ShapeError);
  CHECK_THROWS_AS(shape_of(quantize_to(D::u8, 1, 2), {{2, 3}, {2}}), ShapeError);
  CHECK_THROWS_AS(shape_of(quantize_to(D::u8, 1, -1), {{2, 3}, {2}}), ShapeError);
  const Tensor<float> x({1}), scale({1}, {1});
  CHECK_THROWS_AS(run_layer(quantize_to(D::f32), {x, scale}), Error);
  CHECK_THROWS_AS(run_layer(quantize_to(D::boolean), {x, scale}), Error);
  CHECK_THROWS_AS(run_layer(quantize_to(D::u8), {x, Tensor<std::int32_t>({1})}), Error);
  DequantizeLinear back;
  back.to = D::i8;
  CHECK_THROWS_AS(run_layer(back, {x, scale}), Error);
  CHECK_THROWS_AS(run_layer(DynamicQuantizeLinear(), {Tensor<double>({1})}), Error);
}
