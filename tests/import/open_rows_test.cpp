#include <octet/operators/all.hpp>
#include <octet/runtime/executor.hpp>

#include "support/exported.hpp"
#include "support/layer.hpp"
#include "support/messages.hpp"
#include "support/onnx_builder.hpp"

// Softmax, LogSoftmax and Hardmax along and over dimensions whose sizes the file leaves open, and their number of
// elements.

using namespace testing;

namespace {

/// The operator between two convolutions that change nothing, so that images may be stored with channels last.
OnnxBuilder between_convolutions(const char* type, int opset, int axis) {
  OnnxBuilder b(opset);
  b.input("x", {-1, 2, -1, -1}).initializer("w", Tensor<float>({2, 2, 1, 1}, {1, 0, 0, 1}));
  b.node("Conv", {"x", "w"}, {"c"}).node(type, {"c"}, {"r"}, {{"axis", axis}});
  return b.node("Conv", {"r", "w"}, {"y"}).output("y");
}

/// What it gives for an image stored as [N, C, H, W], in double.
std::vector<double> reference(const char* type, const Tensor<float>& x, int opset, int axis) {
  const Shape s = x.shape();
  const std::int64_t inner = opset < 13 ? 1 : s.product(axis + 1, 4);
  const std::int64_t length = s.product(axis, 4) / inner;
  std::vector<double> y(static_cast<std::size_t>(x.size()));
  for (std::int64_t row = 0; row < x.size() / length; ++row) {
    const std::int64_t start = row / inner * length * inner + row % inner;
    double sum = 0;
    std::int64_t largest = 0;
    for (std::int64_t i = 0; i < length; ++i) {
      sum += std::exp(static_cast<double>(x[start + i * inner]));
      if (x[start + i * inner] > x[start + largest * inner]) largest = i;
    }
    for (std::int64_t i = 0; i < length; ++i) {
      const double share = std::exp(static_cast<double>(x[start + i * inner])) / sum;
      y[static_cast<std::size_t>(start + i * inner)] = type[0] == 'S'   ? share
                                                       : type[0] == 'L' ? std::log(share)
                                                                        : (i == largest ? 1 : 0);
    }
  }
  return y;
}

/// [N, H, W, C] from [N, C, H, W], or back.
Tensor<float> moved(const Tensor<float>& x, const std::vector<int>& order) {
  const Shape& s = x.shape();
  Tensor<float> y({s[order[0]], s[order[1]], s[order[2]], s[order[3]]});
  each_index(y.shape(), [&](const std::vector<std::int64_t>& i) {
    std::vector<std::int64_t> from(4);
    for (std::size_t d = 0; d < 4; ++d) from[static_cast<std::size_t>(order[d])] = i[d];
    y[flat(y.shape(), i)] = x[flat(s, from)];
  });
  return y;
}

}  // namespace

TEST_CASE("open sizes: softmax and hardmax along an axis, and over all dimensions from it on") {
  for (const char* type : {"Softmax", "LogSoftmax", "Hardmax"})
    for (const int opset : {9, 13})
      for (const int axis : {1, 2, 3})
        for (const bool keep_layout : {true, false}) {
          CAPTURE(type);
          CAPTURE(opset);
          CAPTURE(axis);
          const Model m = import_onnx(between_convolutions(type, opset, axis), keep_layout);
          Executor run(m), written(keep_layout ? m : through(m, Format::onnx));
          for (const Shape& s : {Shape{1, 2, 3, 5}, Shape{2, 2, 4, 3}, Shape{2, 2, 4, 3}}) {
            const Tensor<float> x = random_tensor(s, 3);
            const std::vector<double> right = reference(type, x, opset, axis);
            const Tensor<float> in = keep_layout ? x : moved(x, {0, 2, 3, 1});
            const Tensor<float> out = run(in), y = keep_layout ? out : moved(out, {0, 3, 1, 2});
            REQUIRE(y.shape() == s);
            for (std::int64_t i = 0; i < y.size(); ++i)
              CHECK(y[i] == doctest::Approx(right[static_cast<std::size_t>(i)]).epsilon(1e-5));
            CHECK(difference({out}, written.run({in})).worst == 0);
          }
        }
}

TEST_CASE("open sizes: the number of elements is computed in each run") {
  OnnxBuilder b;
  b.input("x", {-1, 2, -1, -1}).initializer("w", Tensor<float>({2, 2, 1, 1}, {1, 0, 0, 1}));
  b.node("Conv", {"x", "w"}, {"c"}).node("Size", {"c"}, {"n"}).node("Cast", {"n"}, {"count"}, {{"to", 1}});
  b.node("Div", {"c", "count"}, {"y"}).output("y").output("n");
  const Model m = import_onnx(b);
  Executor run(m);
  for (const Shape& s : {Shape{1, 2, 3, 5}, Shape{2, 2, 4, 3}}) {
    const Tensor<float> x = random_tensor(s, 3);
    const std::vector<AnyTensor> y = run.run({x});
    CHECK(y[1].shape() == Shape{});
    CHECK(octet::detail::to_integers(y[1]) == std::vector<std::int64_t>{s.elements()});
    for (std::int64_t i = 0; i < x.size(); ++i)
      CHECK(y[0].view<float>()[i] == doctest::Approx(x[i] / static_cast<float>(s.elements())));
  }
}
