#include <octet/operators/all.hpp>
#include <octet/operators/resize/axis.hpp>
#include "support/isas.hpp"
#include "support/layer.hpp"
#include "support/random.hpp"

using namespace testing;

namespace {

/// ONNX's definition of Resize for one element. The neighbors are the n positions next to x.
class Reference {
 public:
  Reference(const Resize& op, const Tensor<float>& in, const Shape& out) : op_(op), in_(in), out_(out) {}

  double at(const std::vector<std::int64_t>& index) const { return along(0, index, {}); }

 private:
  double scale(std::size_t d) const {
    const auto n = static_cast<double>(in_.shape()[static_cast<int>(d)]);
    if (op_.sizes.empty()) return op_.scales[d];
    if (op_.keep_aspect_ratio_policy == AspectRatioPolicy::stretch || op_.sizes[d] == 0)
      return op_.sizes[d] == 0 ? 1 : static_cast<double>(op_.sizes[d]) / n;
    double s = 0;
    for (std::size_t e = 0; e < op_.sizes.size(); ++e) {
      if (op_.sizes[e] == 0) continue;
      const double own = static_cast<double>(op_.sizes[e]) / static_cast<double>(in_.shape()[static_cast<int>(e)]);
      const bool larger = op_.keep_aspect_ratio_policy == AspectRatioPolicy::not_smaller;
      s = s == 0 ? own : larger ? std::max(s, own) : std::min(s, own);
    }
    return s;
  }

  double coordinate(std::size_t d, double x) const {
    const auto n = static_cast<double>(in_.shape()[static_cast<int>(d)]),
               m = static_cast<double>(out_[static_cast<int>(d)]);
    const double s = scale(d), width = s * n;
    switch (op_.coordinate_transformation_mode) {
      case CoordinateMode::half_pixel: return (x + 0.5) / s - 0.5;
      case CoordinateMode::pytorch_half_pixel: return m > 1 ? (x + 0.5) / s - 0.5 : 0;
      case CoordinateMode::half_pixel_symmetric: return n / 2 * (1 - m / width) + (x + 0.5) / s - 0.5;
      case CoordinateMode::align_corners: return width == 1 ? 0 : x * (n - 1) / (width - 1);
      case CoordinateMode::asymmetric: return x / s;
      case CoordinateMode::tf_crop_and_resize: break;
    }
    const double begin = op_.roi[d], end = op_.roi[d + op_.roi.size() / 2];
    return begin * (n - 1) + (width == 1 ? (end - begin) * (n - 1) / 2 : x * (end - begin) * (n - 1) / (width - 1));
  }

  std::vector<double> coefficients(double ratio, double s) const {
    const bool linear = op_.mode == ResizeMode::linear;
    if (op_.mode == ResizeMode::nearest) {
      bool up = ratio == 1;
      if (ratio != 1 && op_.nearest_mode == NearestMode::round_prefer_floor) up = ratio > 0.5;
      if (ratio != 1 && op_.nearest_mode == NearestMode::round_prefer_ceil) up = ratio >= 0.5;
      if (op_.nearest_mode == NearestMode::ceil) up = true;
      return {up ? 0.0 : 1.0, up ? 1.0 : 0.0};
    }
    const double shrink = op_.antialias ? std::min(s, 1.0) : 1, a = op_.cubic_coeff_a;
    const int start = static_cast<int>(std::floor((linear ? -1 : -2) / shrink)) + 1;
    std::vector<double> c;
    double sum = 0;
    for (int i = start; i < 2 - start; ++i) {
      const double x = std::abs((i - ratio) * shrink);
      const double inner = (a + 2) * x * x * x - (a + 3) * x * x + 1,
                   outer = a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a;
      c.push_back(linear ? std::max(0.0, 1 - x) : x <= 1 ? inner : x < 2 ? outer : 0);
      sum += c.back();
    }
    if (op_.antialias)
      for (double& v : c) v /= sum;
    return c;
  }

  double along(std::size_t d, const std::vector<std::int64_t>& index, std::vector<std::int64_t> source) const {
    if (d == index.size()) return static_cast<double>(in_[flat(in_.shape(), source)]);
    const std::int64_t size = in_.shape()[static_cast<int>(d)];
    const double x = coordinate(d, static_cast<double>(index[d]));
    if (op_.coordinate_transformation_mode == CoordinateMode::tf_crop_and_resize &&
        (x < 0 || x > static_cast<double>(size - 1)))
      return op_.extrapolation_value;
    const double ratio = x == std::floor(x) ? 1 : x - std::floor(x);
    std::vector<double> c = coefficients(ratio, scale(d));
    const auto n = static_cast<std::int64_t>(c.size());
    std::vector<std::int64_t> places;
    for (std::int64_t p = -n - 2; p < size + n + 2; ++p) places.push_back(p);
    std::stable_sort(places.begin(), places.end(), [&](std::int64_t a, std::int64_t b) {
      return std::abs(x - static_cast<double>(a)) < std::abs(x - static_cast<double>(b));
    });
    places.resize(c.size());
    std::sort(places.begin(), places.end());
    double sum = 0;
    for (std::size_t i = 0; i < c.size(); ++i) {
      if (op_.exclude_outside && (places[i] < 0 || places[i] >= size)) c[i] = 0;
      sum += c[i];
    }
    double value = 0;
    for (std::size_t i = 0; i < c.size(); ++i) {
      if (c[i] == 0) continue;
      source.push_back(std::clamp<std::int64_t>(places[i], 0, size - 1));
      value += c[i] / (op_.exclude_outside ? sum : 1) * along(d + 1, index, source);
      source.pop_back();
    }
    return value;
  }

  const Resize& op_;
  const Tensor<float>& in_;
  Shape out_;
};

void check_float(const Resize& op, const Tensor<float>& in) {
  const Tensor<float> y = run_float(op, {in});
  const Reference reference(op, in, y.shape());
  each_index(y.shape(), [&](const auto& i) {
    CHECK(static_cast<double>(y[flat(y.shape(), i)]) == doctest::Approx(reference.at(i)).epsilon(1e-5));
  });
}

Resize resize(ResizeMode mode, CoordinateMode coordinates, std::vector<std::int64_t> sizes) {
  Resize op;
  op.mode = mode;
  op.coordinate_transformation_mode = coordinates;
  op.sizes = std::move(sizes);
  return op;
}
Resize scaled(ResizeMode mode, CoordinateMode coordinates, std::vector<double> scales) {
  Resize op = resize(mode, coordinates, {});
  op.scales = std::move(scales);
  return op;
}

constexpr CoordinateMode all_coordinates[] = {CoordinateMode::half_pixel, CoordinateMode::half_pixel_symmetric,
                                              CoordinateMode::pytorch_half_pixel, CoordinateMode::align_corners,
                                              CoordinateMode::asymmetric};
constexpr ResizeMode all_modes[] = {ResizeMode::nearest, ResizeMode::linear, ResizeMode::cubic};

}  // namespace

TEST_CASE("resize: every mode and coordinate as ONNX defines them") {
  const Tensor<float> x = random_tensor({2, 5, 4, 3}, 1);
  for (ResizeMode mode : all_modes)
    for (CoordinateMode coordinates : all_coordinates) {
      CAPTURE(static_cast<int>(mode));
      CAPTURE(static_cast<int>(coordinates));
      check_float(resize(mode, coordinates, {0, 9, 3, 0}), x);
      check_float(resize(mode, coordinates, {2, 1, 7, 3}), x);
      check_float(scaled(mode, coordinates, {1, 0.8125, 2.25, 1}), x);
    }
}

TEST_CASE("resize: nearest modes, also at ties") {
  const Tensor<float> x = counting<float>({1, 6, 7, 2});
  for (NearestMode nearest :
       {NearestMode::round_prefer_floor, NearestMode::round_prefer_ceil, NearestMode::floor, NearestMode::ceil})
    for (CoordinateMode coordinates : all_coordinates) {
      CAPTURE(static_cast<int>(nearest));
      CAPTURE(static_cast<int>(coordinates));
      Resize op = scaled(ResizeMode::nearest, coordinates, {1, 0.5, 2, 1});
      op.nearest_mode = nearest;
      check_float(op, x);
      op.scales = {1, 1.5, 0.75, 1};
      check_float(op, x);
    }
}

TEST_CASE("resize: antialias, exclude_outside, cubic coefficient") {
  const Tensor<float> x = random_tensor({1, 9, 4, 2}, 2);
  for (ResizeMode mode : {ResizeMode::linear, ResizeMode::cubic})
    for (bool antialias : {false, true})
      for (bool exclude : {false, true}) {
        Resize op = resize(mode, CoordinateMode::half_pixel, {0, 4, 6, 0});
        op.antialias = antialias;
        op.exclude_outside = exclude;
        op.cubic_coeff_a = -0.5;
        check_float(op, x);
        op.sizes = {0, 1, 1, 0};
        check_float(op, x);
        op.sizes = {};
        op.scales = {1, 0.6, 0.8, 1};
        check_float(op, x);
      }
}

TEST_CASE("resize: crops a region") {
  const Tensor<float> x = random_tensor({1, 4, 5, 2}, 3);
  for (ResizeMode mode : all_modes) {
    Resize op = resize(mode, CoordinateMode::tf_crop_and_resize, {1, 3, 6, 2});
    op.roi = {0, 0.4, 0.6, 0, 1, 0.6, 0.8, 1};
    check_float(op, x);
    op.roi = {0, 0.4, 0.6, 0, 1, 1.2, 1.7, 1};
    op.extrapolation_value = 10;
    check_float(op, x);
    op.sizes = {1, 1, 1, 2};
    check_float(op, x);
    op.roi = {0, 1, 0, 0, 1, 0, 1, 1};  // upside down
    op.sizes = {0, 4, 5, 0};
    check_float(op, x);
  }
}

TEST_CASE("resize: keeps the aspect ratio if requested") {
  const Tensor<float> x = random_tensor({1, 2, 4, 1}, 4);
  for (AspectRatioPolicy policy : {AspectRatioPolicy::not_larger, AspectRatioPolicy::not_smaller})
    for (ResizeMode mode : all_modes) {
      Resize op = resize(mode, CoordinateMode::half_pixel, {0, 7, 8, 0});
      op.keep_aspect_ratio_policy = policy;
      CHECK(shape_of(op, {x.shape()}) ==
            (policy == AspectRatioPolicy::not_larger ? Shape{1, 4, 8, 1} : Shape{1, 7, 14, 1}));
      check_float(op, x);
      op.sizes = {0, 1, 3, 0};
      CHECK(shape_of(op, {x.shape()}) ==
            (policy == AspectRatioPolicy::not_larger ? Shape{1, 1, 2, 1} : Shape{1, 2, 3, 1}));
      check_float(op, x);
    }
}

TEST_CASE("resize: one and three dimensions, and inner dimensions") {
  check_float(resize(ResizeMode::linear, CoordinateMode::half_pixel, {5}), random_tensor({3}, 5));
  check_float(resize(ResizeMode::cubic, CoordinateMode::half_pixel, {2, 3, 6, 5, 2}),
              random_tensor({2, 2, 4, 7, 2}, 6));
  check_float(resize(ResizeMode::nearest, CoordinateMode::asymmetric, {3, 4, 3, 8}), random_tensor({3, 2, 5, 7}, 7));
  check_float(resize(ResizeMode::linear, CoordinateMode::align_corners, {2, 2, 5, 130}),
              random_tensor({2, 2, 3, 65}, 8));
  check_float(resize(ResizeMode::linear, CoordinateMode::align_corners, {2, 6, 5, 0}),
              random_tensor({2, 3, 4, 129}, 9));
}

TEST_CASE("resize: images with channels first are resized as those with channels last") {
  for (const std::int64_t width : {1, 15, 16, 17, 300})
    for (const double scale : {0.6, 1.5, 2.0}) {
      CAPTURE(width);
      const Tensor<float> x = random_tensor({2, 3, 5, width}, 3, -2, 2);
      Tensor<float> last({2, 5, width, 3});
      each_index(x.shape(), [&](const auto& i) {
        last[flat(last.shape(), {i[0], i[2], i[3], i[1]})] = x[flat(x.shape(), i)];
      });
      Resize op;
      op.mode = ResizeMode::linear;
      op.scales = {1, 1, scale, scale};
      const Tensor<float> y = run_float(op, {x});
      op.scales = {1, scale, scale, 1};
      const Tensor<float> right = run_float(op, {last});
      REQUIRE(y.size() == right.size());
      each_index(y.shape(), [&](const auto& i) {
        CHECK(y[flat(y.shape(), i)] == doctest::Approx(right[flat(right.shape(), {i[0], i[2], i[3], i[1]})]));
      });
    }
}

TEST_CASE("resize: known values") {
  const Tensor<float> x({1, 2, 2, 1}, {1, 2, 3, 4});
  const auto expect = [&](const Resize& op, const std::vector<float>& values) {
    const Tensor<float> y = run_float(op, {x});
    REQUIRE(y.size() == static_cast<std::int64_t>(values.size()));
    for (std::int64_t i = 0; i < y.size(); ++i) CHECK(y[i] == doctest::Approx(values[static_cast<std::size_t>(i)]));
  };
  expect(scaled(ResizeMode::linear, CoordinateMode::half_pixel, {1, 2, 2, 1}),
         {1, 1.25f, 1.75f, 2, 1.5f, 1.75f, 2.25f, 2.5f, 2.5f, 2.75f, 3.25f, 3.5f, 3, 3.25f, 3.75f, 4});
  expect(resize(ResizeMode::linear, CoordinateMode::align_corners, {0, 3, 3, 0}), {1, 1.5f, 2, 2, 2.5f, 3, 3, 3.5f, 4});
  expect(scaled(ResizeMode::nearest, CoordinateMode::half_pixel, {1, 1, 2, 1}), {1, 1, 2, 2, 3, 3, 4, 4});
}

TEST_CASE("resize: TFLite's bilinear and nearest") {
  const Tensor<float> x = random_tensor({2, 4, 5, 3}, 10);
  struct Kind {
    bool align_corners, half_pixel;
    CoordinateMode coordinates;
    NearestMode nearest;
  };
  for (const Kind& k : {Kind{false, false, CoordinateMode::asymmetric, NearestMode::floor},
                        Kind{true, false, CoordinateMode::align_corners, NearestMode::round_prefer_ceil},
                        Kind{false, true, CoordinateMode::half_pixel, NearestMode::round_prefer_ceil}})
    for (const auto& [oh, ow] : {std::pair<std::int64_t, std::int64_t>{8, 10}, {3, 7}, {9, 2}, {1, 1}}) {
      const auto scale = [&](std::int64_t in, std::int64_t out) {
        return k.align_corners && out > 1 ? static_cast<float>(in - 1) / static_cast<float>(out - 1)
                                          : static_cast<float>(in) / static_cast<float>(out);
      };
      const float sy = scale(4, oh), sx = scale(5, ow);
      Resize op = resize(ResizeMode::linear, k.coordinates, {0, oh, ow, 0});
      op.nearest_mode = k.nearest;
      const Tensor<float> linear = run_float(op, {x});
      op.mode = ResizeMode::nearest;
      const Tensor<float> nearest = run_float(op, {x});
      each_index(linear.shape(), [&](const auto& i) {
        const auto place = [&](std::int64_t p, float s) {
          return k.half_pixel ? (static_cast<float>(p) + 0.5f) * s - 0.5f : static_cast<float>(p) * s;
        };
        const float fy = place(i[1], sy), fx = place(i[2], sx);
        const auto low = [](float f) { return std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(f))); };
        const auto high = [](float f, std::int64_t n) {
          return std::min(n - 1, static_cast<std::int64_t>(std::ceil(f)));
        };
        const std::int64_t y0 = low(fy), y1 = high(fy, 4), x0 = low(fx), x1 = high(fx, 5);
        const float ty = fy - static_cast<float>(y0), tx = fx - static_cast<float>(x0);
        const float v = x(i[0], y0, x0, i[3]) * (1 - ty) * (1 - tx) + x(i[0], y1, x0, i[3]) * ty * (1 - tx) +
                        x(i[0], y0, x1, i[3]) * (1 - ty) * tx + x(i[0], y1, x1, i[3]) * ty * tx;
        CHECK(linear(i[0], i[1], i[2], i[3]) == doctest::Approx(v).epsilon(1e-4));
        const auto pick = [&](std::int64_t p, float s, std::int64_t n) {
          const float f = (static_cast<float>(p) + (k.half_pixel ? 0.5f : 0.0f)) * s;
          return std::min(n - 1, static_cast<std::int64_t>(k.align_corners ? std::round(f) : std::floor(f)));
        };
        CHECK(nearest(i[0], i[1], i[2], i[3]) == x(i[0], pick(i[1], sy, 4), pick(i[2], sx, 5), i[3]));
      });
    }
}

TEST_CASE("resize: bytes are interpolated as integers and rounded to nearest") {
  const QuantParams q(0.25f, 100);
  Tensor<std::uint8_t> x({1, 6, 5, 17});
  Random(1).fill(x.data(), x.size(), 0, 255);
  Tensor<float> as_float(x.shape());
  for (std::int64_t i = 0; i < x.size(); ++i) as_float[i] = x[i];
  for (ResizeMode mode : all_modes)
    for (bool quantized : {false, true}) {
      Resize op = resize(mode, CoordinateMode::half_pixel, {1, 13, 4, 17});
      const std::vector<QuantParams> results = quantized ? std::vector<QuantParams>{q} : std::vector<QuantParams>{};
      const AnyTensor y = run_layer(op, {Operand(x, quantized ? q : QuantParams())}, results)[0];
      const Reference reference(op, as_float, y.shape());
      each_index(y.shape(), [&](const auto& i) {
        const double expected = std::min(std::max(reference.at(i), 0.0), 255.0);
        CHECK(std::abs(y.view<std::uint8_t>()[flat(y.shape(), i)] - expected) <= 0.5 + 0.03);
      });
    }
  // Ties go to the even side.
  const Tensor<std::uint8_t> two({2, 1}, {10, 13});
  const AnyTensor mean = run_layer(scaled(ResizeMode::linear, CoordinateMode::half_pixel, {0.5, 1}), {two})[0];
  CHECK(mean.view<std::uint8_t>()[0] == 12);
  const Tensor<std::uint8_t> other({2, 1}, {10, 15});
  CHECK(
      run_layer(scaled(ResizeMode::linear, CoordinateMode::half_pixel, {0.5, 1}), {other})[0].view<std::uint8_t>()[0] ==
      12);
}

TEST_CASE("resize: bilinear bytes are exact sums rounded to even, every instruction set") {
  constexpr double unit = 1.0 / 32768;
  for (Isa isa : available_isas()) {
    const UseIsa use(isa);
    for (const std::int64_t channels : {1, 2, 3, 7, 11, 12, 15, 16, 17, 33})
      for (const auto& size : {std::pair<std::int64_t, std::int64_t>{12, 10}, {13, 4}, {6, 20}, {4, 11}, {31, 17}}) {
        const std::int64_t oh = size.first, ow = size.second;
        Tensor<std::uint8_t> x({2, 6, 5, channels});
        Random(5).fill(x.data(), x.size(), 0, 255);
        const Resize op = resize(ResizeMode::linear, CoordinateMode::half_pixel, {2, oh, ow, channels});
        const AnyTensor y = run_layer(op, {x})[0];
        const auto taps = [&](std::int64_t in, std::int64_t out) {
          octet::detail::ResizeAxis a;
          a.in = in;
          a.out = out;
          return octet::detail::ResizeFilter{}.taps(a, CoordinateMode::half_pixel, unit);
        };
        const auto down = taps(6, oh), along = taps(5, ow);
        const auto part = [](const std::vector<float>& weights, std::int64_t place, std::int64_t k) {
          return static_cast<std::int64_t>(weights[static_cast<std::size_t>(2 * place + k)] / static_cast<float>(unit));
        };
        int wrong = 0;
        each_index(y.shape(), [&](const auto& i) {
          std::int64_t sum = 0;  // in units of 2^-30
          for (std::int64_t a : {0, 1})
            for (std::int64_t b : {0, 1})
              sum += part(down.weight, i[1], a) * part(along.weight, i[2], b) *
                     x(i[0], down.index[static_cast<std::size_t>(2 * i[1] + a)],
                       along.index[static_cast<std::size_t>(2 * i[2] + b)], i[3]);
          const double expected = std::nearbyint(std::ldexp(static_cast<double>(sum), -30));
          wrong += y.view<std::uint8_t>()[flat(y.shape(), i)] != expected;
        });
        INFO(name(isa), ", ", channels, " channels, ", oh, " x ", ow);
        CHECK(wrong == 0);
      }
  }
}

TEST_CASE("resize: the extrapolation value is quantized") {
  const QuantParams q(0.25f, 100);
  const Tensor<std::uint8_t> x({2, 2}, {1, 2, 3, 4});
  for (ResizeMode mode : all_modes) {
    Resize op = resize(mode, CoordinateMode::tf_crop_and_resize, {3, 2});
    op.roi = {0, 0, 2, 1};
    op.extrapolation_value = 2;
    const AnyTensor y = run_layer(op, {Operand(x, q)}, {q})[0];
    CHECK(same_bytes(y, Tensor<std::uint8_t>({3, 2}, {1, 2, 3, 4, 108, 108})));
  }
}

TEST_CASE("resize: nearest supports any type; views if nothing changes") {
  const Tensor<std::int64_t> x({1, 2}, {5, 6});
  CHECK(same_bytes(run_layer(scaled(ResizeMode::nearest, CoordinateMode::half_pixel, {1, 2}), {x})[0],
                   Tensor<std::int64_t>({1, 4}, {5, 5, 6, 6})));
  CHECK_THROWS_AS(run_layer(scaled(ResizeMode::linear, CoordinateMode::half_pixel, {1, 2}), {x}), Error);
  const Tensor<float> f = random_tensor({2, 3, 4}, 11);
  for (ResizeMode mode : all_modes)
    for (CoordinateMode coordinates : all_coordinates)
      CHECK(same_bytes(run_layer(resize(mode, coordinates, {2, 0, 4}), {f})[0], f));
}

TEST_CASE("resize: shapes, unknown sizes and errors") {
  constexpr std::int64_t unknown = Shape::unknown;
  const auto half = CoordinateMode::half_pixel;
  CHECK(shape_of(resize(ResizeMode::linear, half, {0, 8, 9, 0}), {{unknown, unknown, 4, 3}}) ==
        Shape{unknown, 8, 9, 3});
  CHECK(shape_of(scaled(ResizeMode::linear, half, {1, 2, 2.5, 1}), {{unknown, unknown, 5, 3}}) ==
        Shape{unknown, unknown, 12, 3});
  CHECK(shape_of(scaled(ResizeMode::linear, half, {static_cast<double>(0.7f)}), {{10}}) == Shape{7});
  Resize policy = resize(ResizeMode::linear, half, {0, 8, 9, 0});
  policy.keep_aspect_ratio_policy = AspectRatioPolicy::not_larger;
  CHECK(shape_of(policy, {{1, unknown, 4, 3}}) == Shape{1, unknown, unknown, 3});
  CHECK(shape_of(resize(ResizeMode::linear, half, {0, 4}), {{0, 2}}) == Shape{0, 4});
  CHECK(same_bytes(run_layer(resize(ResizeMode::linear, half, {0, 4}), {Tensor<float>({0, 2})})[0],
                   Tensor<float>({0, 4})));
  CHECK(run_layer(scaled(ResizeMode::cubic, half, {0.1, 2}), {Tensor<float>({3, 2})})[0].shape() == Shape{0, 4});
  CHECK_THROWS_AS(shape_of(resize(ResizeMode::linear, half, {4, 4}), {{0, 2}}), ShapeError);
  CHECK_THROWS_AS(shape_of(resize(ResizeMode::linear, half, {4}), {{3, 2}}), ShapeError);
  CHECK_THROWS_AS(shape_of(resize(ResizeMode::linear, half, {4, -1}), {{3, 2}}), ShapeError);
  CHECK_THROWS_AS(shape_of(Resize(), {{3, 2}}), ShapeError);
  for (double bad : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()})
    CHECK_THROWS_AS(shape_of(scaled(ResizeMode::linear, half, {1, bad}), {{3, 2}}), ShapeError);
  Resize both = scaled(ResizeMode::linear, half, {1, 1});
  both.sizes = {3, 2};
  CHECK_THROWS_AS(shape_of(both, {{3, 2}}), ShapeError);
  Resize crop = resize(ResizeMode::linear, CoordinateMode::tf_crop_and_resize, {3, 2});
  crop.roi = {0, 1};
  CHECK_THROWS_AS(shape_of(crop, {{3, 2}}), ShapeError);
}
