#include <octet/operators/all.hpp>

#include "support/layer.hpp"
#include "support/messages.hpp"
#include "support/onnx_builder.hpp"

using namespace testing;

namespace {

GridSample sampling(ResizeMode mode, GridPadding padding, bool align = false) {
  GridSample op;
  op.mode = mode;
  op.padding = padding;
  op.align_corners = align;
  return op;
}

const Tensor<float> pixels({1, 2, 3, 1}, {0, 1, 4, 9, 16, 25});
const Tensor<float> places({1, 2, 3, 2}, {-1, -1, 0.25f, 0.1f, 1.4f, -0.7f, -2.3f, 1.2f, -0.9f, 3.1f, 0.5f, -5});

}  // namespace

TEST_CASE("grid sample: ONNX Runtime's numbers") {
  struct Case {
    ResizeMode mode;
    GridPadding padding;
    bool align;
    std::vector<float> right;
  };
  using M = ResizeMode;
  using P = GridPadding;
  const std::vector<Case> cases{
      {M::nearest, P::zeros, false, {0, 16, 0, 0, 0, 0}},
      {M::nearest, P::zeros, true, {0, 16, 4, 0, 0, 0}},
      {M::nearest, P::border, false, {0, 16, 4, 9, 9, 4}},
      {M::nearest, P::reflection, true, {0, 16, 4, 16, 0, 4}},
      {M::linear, P::zeros, false, {0, 12.475f, 0, 0, 0, 0}},
      {M::linear, P::zeros, true, {0, 10.825f, 4.29f, 0, 0, 0}},
      {M::linear, P::border, false, {0, 12.475f, 4, 9, 9, 3.25f}},
      {M::linear, P::border, true, {0, 10.825f, 7.15f, 9, 9.7f, 2.5f}},
      {M::linear, P::reflection, false, {0, 12.475f, 3.7f, 20.05f, 0, 3.25f}},
      {M::linear, P::reflection, true, {0, 10.825f, 5.59f, 17.02f, 0.58f, 2.5f}},
      {M::cubic, P::zeros, false, {-0.416016f, 16.7244f, -0.0777601f, 0, 0, 0}},
      {M::cubic, P::zeros, true, {0, 13.9549f, 4.95449f, -0.971163f, -0.340466f, 0}},
      {M::cubic, P::border, false, {-0.884766f, 13.0975f, 1.984f, 9.42525f, 8.22366f, 3.35547f}},
      {M::cubic, P::border, true, {0, 11.236f, 7.08818f, 9.54675f, 9.51325f, 2.59375f}},
      {M::cubic, P::reflection, false, {-1.66406f, 13.0975f, 1.29494f, 23.5874f, -1.60635f, -0.366699f}},
      {M::cubic, P::reflection, true, {0, 11.7781f, 4.43193f, 19.2147f, 0.066882f, 2.875f}}};
  for (const Case& c : cases) {
    CAPTURE(static_cast<int>(c.mode));
    CAPTURE(static_cast<int>(c.padding));
    CAPTURE(c.align);
    const Tensor<float> y = run_float(sampling(c.mode, c.padding, c.align), {pixels, places});
    for (std::int64_t i = 0; i < y.size(); ++i) CHECK(std::abs(y[i] - c.right[static_cast<std::size_t>(i)]) < 1e-4f);
  }
}

TEST_CASE("grid sample: places that are infinite or no numbers, images of one pixel, channels and images apart") {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  const Tensor<float> odd({1, 1, 5, 2}, {nan, 0, inf, 0, -inf, inf, 3e38f, -3e38f, 0, nan});
  for (const ResizeMode mode : {ResizeMode::nearest, ResizeMode::linear, ResizeMode::cubic})
    for (const GridPadding padding : {GridPadding::zeros, GridPadding::border, GridPadding::reflection})
      for (const bool align : {false, true}) {
        const Tensor<float> y = run_float(sampling(mode, padding, align), {pixels, odd});
        for (float v : y) CHECK((v >= -10 && v <= 40));
        if (padding == GridPadding::zeros) CHECK(y[0] == 0);
        const Tensor<float> one = run_float(sampling(mode, padding, align), {Tensor<float>({1, 1, 1, 1}, {3}), odd});
        for (float v : one) CHECK((padding == GridPadding::zeros ? v >= 0 && v <= 3 : v == doctest::Approx(3)));
      }
  const Tensor<float> x = random_tensor({2, 4, 5, 3}, 1), grid = random_tensor({2, 3, 2, 2}, 2, -1.2f, 1.2f);
  const Tensor<float> all = run_float(sampling(ResizeMode::cubic, GridPadding::reflection), {x, grid});
  REQUIRE(all.shape() == Shape{2, 3, 2, 3});
  for (std::int64_t n = 0; n < 2; ++n)
    for (std::int64_t c = 0; c < 3; ++c) {
      Tensor<float> image({1, 4, 5, 1}), own({1, 3, 2, 2});
      for (std::int64_t i = 0; i < 20; ++i) image[i] = x[(n * 20 + i) * 3 + c];
      for (std::int64_t i = 0; i < 12; ++i) own[i] = grid[n * 12 + i];
      const Tensor<float> y = run_float(sampling(ResizeMode::cubic, GridPadding::reflection), {image, own});
      for (std::int64_t i = 0; i < 6; ++i) CHECK(all[(n * 6 + i) * 3 + c] == y[i]);
    }
}

TEST_CASE("grid sample: from ONNX, after a convolution, in both orders of dimensions; errors") {
  const auto model = [](const char* mode, const char* padding, bool keep, const Shape& grid = {1, 2, 3, 2}) {
    OnnxBuilder b(16);
    b.input("x", {1, 1, 2, 3}).input("g", {grid.begin(), grid.end()});
    b.initializer("w", Tensor<float>({2, 1, 1, 1}, {1, 2})).node("Conv", {"x", "w"}, {"c"});
    b.node("GridSample", {"c", "g"}, {"y"}, {{"mode", mode}, {"padding_mode", padding}, {"align_corners", 1}});
    return import_onnx(b.integers("flat", {-1}).node("Reshape", {"y", "flat"}, {"f"}).output("f"), keep);
  };
  for (const bool keep : {true, false}) {
    const Tensor<float> x({1, 2, 3, 1}, {0, 1, 4, 9, 16, 25});
    const AnyTensor in = keep ? AnyTensor(x).reshaped({1, 1, 2, 3}) : AnyTensor(x);
    const Tensor<float> y = floats(run_plain(model("bilinear", "border", keep), {in, AnyTensor(places)})[0]);
    const std::vector<float> right{0, 10.825f, 7.15f, 9, 9.7f, 2.5f};
    for (std::int64_t i = 0; i < 12; ++i)
      CHECK(y[i] == doctest::Approx(right[static_cast<std::size_t>(i % 6)] * (i < 6 ? 1 : 2)));
  }
  const auto error = [&](const char* mode, const char* padding, const Shape& grid = {1, 2, 3, 2}) {
    return message([&] { model(mode, padding, true, grid); });
  };
  CHECK(error("bicubic", "zeros") == "");
  CHECK(contains(error("lanczos", "zeros"), "mode 'lanczos' is not supported"));
  CHECK(contains(error("nearest", "wrap"), "padding_mode 'wrap' is not supported"));
  CHECK(contains(error("nearest", "zeros", {1, 2, 3, 3}), "expected a grid [N, rows, columns, 2], found [1, 2, 3, 3]"));
  CHECK(contains(error("nearest", "zeros", {2, 2, 3, 2}), "expected a grid for each of 1 images"));
  CHECK(contains(message([] {
                   run_layer(GridSample(), {Tensor<float>({1, 0, 3, 1}), places});
                 }),
                 "expected images with at least one pixel"));
}
