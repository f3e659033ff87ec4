#include <octet/operators/all.hpp>

#include "support/layer.hpp"
#include "support/messages.hpp"
#include "support/onnx_builder.hpp"

// Fourier transforms of frames, windows, and the grids of affine transforms, against their definitions.
namespace {

using namespace testing;

constexpr double turn = 6.283185307179586;

AnyTensor result_of(const OnnxBuilder& b, const std::vector<AnyTensor>& in) { return run_plain(import_onnx(b), in)[0]; }

OnnxBuilder transform(bool column, bool windowed, bool onesided, const Tensor<float>& window) {
  OnnxBuilder b(17);
  b.input("x", column ? std::vector<std::int64_t>{-1, -1, 1} : std::vector<std::int64_t>{-1, -1});
  b.initializer("step", Tensor<std::int64_t>(Shape{}, {3})).initializer("window", window);
  b.initializer("length", Tensor<std::int64_t>(Shape{}, {window.size()}));
  std::vector<std::string> in{"x", "step", windowed ? "window" : ""};
  if (!windowed) in.push_back("length");
  return b.node("STFT", in, {"y"}, {{"onesided", onesided ? 1 : 0}}).output("y");
}

}  // namespace

TEST_CASE("signal operators: STFT") {
  const Tensor<float> window = random_tensor({8}, 1), signal = random_tensor({2, 21}, 2);
  for (const bool column : {false, true})
    for (const bool windowed : {false, true})
      for (const bool onesided : {false, true}) {
        const AnyTensor x = AnyTensor(signal).reshaped(column ? Shape{2, 21, 1} : Shape{2, 21});
        const AnyTensor result = result_of(transform(column, windowed, onesided, window), {x});
        const std::int64_t bins = onesided ? 5 : 8;
        REQUIRE(result.shape() == Shape{2, 5, bins, 2});
        const Tensor<float> y = floats(result);
        each_index(result.shape(), [&](const std::vector<std::int64_t>& i) {
          double sum = 0;
          for (std::int64_t k = 0; k < 8; ++k) {
            const double angle = turn * static_cast<double>(k * i[2]) / 8;
            const double factor = windowed ? static_cast<double>(window[k]) : 1;
            sum += static_cast<double>(signal(i[0], 3 * i[1] + k)) * factor *
                   (i[3] == 0 ? std::cos(angle) : -std::sin(angle));
          }
          CHECK(std::abs(static_cast<double>(y[flat(result.shape(), i)]) - sum) < 1e-5);
        });
      }
}

TEST_CASE("signal operators: STFT of what is not supported") {
  const auto error = [](const std::vector<std::int64_t>& shape, const std::vector<std::string>& in) {
    OnnxBuilder b(17);
    b.input("x", shape).initializer("step", Tensor<std::int64_t>(Shape{}, {3}));
    b.initializer("none", Tensor<std::int64_t>(Shape{}, {0})).initializer("w", random_tensor({8}, 1));
    b.initializer("four", Tensor<std::int64_t>(Shape{}, {4}));
    b.initializer("many", Tensor<std::int64_t>(Shape{}, {std::int64_t{1} << 19}));
    return message([&] { import_onnx(b.node("STFT", in, {"y"}).output("y")); });
  };
  CHECK(contains(error({2, 20, 2}, {"x", "step", "w"}), "expected real signals"));
  CHECK(contains(error({2, 20}, {"x", "step"}), "has neither a window nor the length of a frame"));
  CHECK(contains(error({2, 20}, {"x", "none", "w"}), "expected one step of at least 1"));
  CHECK(contains(error({2, 20}, {"x", "step", "w", "four"}), "expected a window of 4 numbers, found 8"));
  CHECK(contains(error({2, 20}, {"x", "step", "", "none"}), "expected one length of frames"));
  CHECK(contains(error({2, 20}, {"x", "step", "", "many"}), "needs more memory"));
}

TEST_CASE("signal operators: windows") {
  const auto check = [](const char* type, bool periodic, double (*right)(double)) {
    OnnxBuilder b(17);
    b.input("x", {6}).initializer("n", Tensor<std::int64_t>(Shape{}, {6}));
    b.node(type, {"n"}, {"w"}, {{"periodic", periodic ? 1 : 0}}).node("Add", {"x", "w"}, {"y"});
    const Tensor<float> y = floats(result_of(b.output("y"), {AnyTensor(Tensor<float>({6}))}));
    for (std::int64_t i = 0; i < 6; ++i)
      CHECK(static_cast<double>(y[i]) ==
            doctest::Approx(right(turn * static_cast<double>(i) / (periodic ? 6 : 5))).epsilon(1e-6));
  };
  for (const bool periodic : {false, true}) {
    check("HannWindow", periodic, [](double t) { return 0.5 - 0.5 * std::cos(t); });
    check("HammingWindow", periodic, [](double t) { return 25.0 / 46 - 21.0 / 46 * std::cos(t); });
    check("BlackmanWindow", periodic, [](double t) { return 0.42 - 0.5 * std::cos(t) + 0.08 * std::cos(2 * t); });
  }
}

TEST_CASE("signal operators: the grid of affine transforms") {
  const Tensor<float> theta = random_tensor({2, 2, 3}, 1);
  for (const bool corners : {false, true}) {
    OnnxBuilder b(20);
    b.input("theta", {-1, 2, 3}).integers("size", {2, 5, 3, 4});
    b.node("AffineGrid", {"theta", "size"}, {"y"}, {{"align_corners", corners ? 1 : 0}});
    const AnyTensor result = result_of(b.output("y"), {AnyTensor(theta)});
    REQUIRE(result.shape() == Shape{2, 3, 4, 2});
    const Tensor<float> y = floats(result);
    const auto place = [&](std::int64_t i, std::int64_t of) {
      const auto k = static_cast<double>(i), n = static_cast<double>(of);
      return corners ? 2 * k / (n - 1) - 1 : (2 * k + 1) / n - 1;
    };
    each_index(result.shape(), [&](const std::vector<std::int64_t>& i) {
      const double right = static_cast<double>(theta(i[0], i[3], 0)) * place(i[2], 4) +
                           static_cast<double>(theta(i[0], i[3], 1)) * place(i[1], 3) +
                           static_cast<double>(theta(i[0], i[3], 2));
      CHECK(std::abs(static_cast<double>(y[flat(result.shape(), i)]) - right) < 1e-5);
    });
  }
  OnnxBuilder volumes(20);
  volumes.input("theta", {2, 3, 4}).integers("size", {2, 5, 3, 4, 4}).node("AffineGrid", {"theta", "size"}, {"y"});
  CHECK(contains(message([&] { import_onnx(volumes.output("y")); }), "expected matrices [N, 2, 3] for 2-D images"));
}
