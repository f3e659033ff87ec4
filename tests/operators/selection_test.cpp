#include <octet/operators/all.hpp>

#include "support/layer.hpp"
#include "support/messages.hpp"
#include "support/onnx_builder.hpp"

// Operators whose results have a size that depends on the data.

using namespace testing;

namespace {

using Rows = std::vector<std::vector<std::int64_t>>;

Rows rows(const AnyTensor& t) {
  REQUIRE(t.shape().rank() == 2);
  const auto v = t.view<std::int64_t>();
  Rows r(static_cast<std::size_t>(t.shape()[0]));
  for (std::int64_t i = 0; i < v.size(); ++i) r[static_cast<std::size_t>(i / t.shape()[1])].push_back(v[i]);
  return r;
}

Tensor<float> boxes_of(const std::vector<std::vector<float>>& list) {
  std::vector<float> all;
  for (const auto& b : list) all.insert(all.end(), b.begin(), b.end());
  return {{1, static_cast<std::int64_t>(list.size()), 4}, all};
}

NonMaxSuppression suppression(std::int64_t most, double iou, double score) {
  NonMaxSuppression op;
  op.max_per_class = most;
  op.iou_threshold = iou;
  op.score_threshold = score;
  return op;
}

Rows selected(const NonMaxSuppression& op, const Tensor<float>& boxes, const Tensor<float>& scores) {
  return rows(run_layer(op, {boxes, scores})[0]);
}

/// Boxes with six corners as in ONNX's node tests.
const Tensor<float> six = boxes_of(
    {{0, 0, 1, 1}, {0, 0.1f, 1, 1.1f}, {0, -0.1f, 1, 0.9f}, {0, 10, 1, 11}, {0, 10.1f, 1, 11.1f}, {0, 100, 1, 101}});
const Tensor<float> six_scores({1, 1, 6}, {0.9f, 0.75f, 0.6f, 0.95f, 0.5f, 0.3f});

/// By definition: as long as there are candidates, takes the best one and removes those that overlap it.
Rows reference(const NonMaxSuppression& op, const Tensor<float>& boxes, const Tensor<float>& scores) {
  const std::int64_t images = scores.shape()[0], classes = scores.shape()[1], n = scores.shape()[2];
  const auto corners = [&](std::int64_t image, std::int64_t box, double* c) {
    const float* b = boxes.data() + (image * n + box) * 4;
    for (int d : {0, 1}) {
      c[d] = op.center_point_box ? b[d] - b[d + 2] / 2 : std::min(b[d], b[d + 2]);
      c[d + 2] = op.center_point_box ? b[d] + b[d + 2] / 2 : std::max(b[d], b[d + 2]);
    }
  };
  Rows found;
  for (std::int64_t i = 0; i < images; ++i)
    for (std::int64_t k = 0; k < classes; ++k) {
      std::vector<bool> gone(static_cast<std::size_t>(n));
      for (std::int64_t taken = 0; taken < op.max_per_class; ++taken) {
        std::int64_t best = -1;
        const float* s = scores.data() + (i * classes + k) * n;
        for (std::int64_t b = 0; b < n; ++b)
          if (!gone[static_cast<std::size_t>(b)] && static_cast<double>(s[b]) > op.score_threshold &&
              (best < 0 || s[b] > s[best]))
            best = b;
        if (best < 0) break;
        found.push_back({i, k, best});
        double p[4], q[4];
        corners(i, best, p);
        for (std::int64_t b = 0; b < n; ++b) {
          corners(i, b, q);
          double common = 1, area_p = 1, area_q = 1;
          for (int d : {0, 1}) {
            common *= std::max(0.0, std::min(p[d + 2], q[d + 2]) - std::max(p[d], q[d]));
            area_p *= p[d + 2] - p[d];
            area_q *= q[d + 2] - q[d];
          }
          if (b == best || common / (area_p + area_q - common) > op.iou_threshold)
            gone[static_cast<std::size_t>(b)] = true;
        }
      }
    }
  return found;
}

}  // namespace

TEST_CASE("non-maximum suppression: the cases of ONNX") {
  CHECK(selected(suppression(3, 0.5, 0), six, six_scores) == Rows{{0, 0, 3}, {0, 0, 0}, {0, 0, 5}});
  CHECK(selected(suppression(2, 0.5, 0), six, six_scores) == Rows{{0, 0, 3}, {0, 0, 0}});
  CHECK(selected(suppression(30, 0.5, 0), six, six_scores) == Rows{{0, 0, 3}, {0, 0, 0}, {0, 0, 5}});
  CHECK(selected(suppression(3, 0.5, 0.4), six, six_scores) == Rows{{0, 0, 3}, {0, 0, 0}});
  CHECK(selected(suppression(0, 0.5, 0), six, six_scores).empty());
  CHECK(selected(suppression(3, 0.5, 1), six, six_scores).empty());

  const Tensor<float> flipped = boxes_of(
      {{1, 1, 0, 0}, {0, 0.1f, 1, 1.1f}, {0, 0.9f, 1, -0.1f}, {0, 10, 1, 11}, {1, 10.1f, 0, 11.1f}, {1, 101, 0, 100}});
  CHECK(selected(suppression(3, 0.5, 0), flipped, six_scores) == Rows{{0, 0, 3}, {0, 0, 0}, {0, 0, 5}});

  NonMaxSuppression centered = suppression(3, 0.5, 0);
  centered.center_point_box = true;
  const Tensor<float> centers = boxes_of({{0.5f, 0.5f, 1, 1},
                                          {0.5f, 0.6f, 1, 1},
                                          {0.5f, 0.4f, 1, 1},
                                          {0.5f, 10.5f, 1, 1},
                                          {0.5f, 10.6f, 1, 1},
                                          {0.5f, 100.5f, 1, 1}});
  CHECK(selected(centered, centers, six_scores) == Rows{{0, 0, 3}, {0, 0, 0}, {0, 0, 5}});

  const Tensor<float> same = boxes_of(std::vector<std::vector<float>>(10, {0, 0, 1, 1}));
  CHECK(selected(suppression(3, 0.5, 0), same, Tensor<float>({1, 1, 10}, std::vector<float>(10, 0.9f))) ==
        Rows{{0, 0, 0}});
}

TEST_CASE("non-maximum suppression: several images and classes, as defined") {
  for (unsigned seed = 0; seed < 6; ++seed) {
    const std::int64_t n = seed == 0 ? 0 : 5 + 12 * seed;
    NonMaxSuppression op = suppression(seed == 3 ? 1000 : 7, 0.1 * seed, seed % 2 == 0 ? 0.3 : -1e30);
    op.center_point_box = seed % 3 == 0;
    const Tensor<float> boxes = random_tensor({2, n, 4}, seed, 0, 1), scores = random_tensor({2, 3, n}, seed + 9, 0, 1);
    CHECK(selected(op, boxes, scores) == reference(op, boxes, scores));
  }
}

TEST_CASE("non-maximum suppression: NaN, infinity and empty boxes") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const Tensor<float> scores({1, 1, 6}, {nan, 0.75f, nan, inf, 0.5f, -inf});
  const NonMaxSuppression all = suppression(9, 0.5, -static_cast<double>(inf));
  CHECK(selected(all, six, scores) == Rows{{0, 0, 3}, {0, 0, 1}, {0, 0, 5}});
  CHECK(selected(suppression(9, 0.5, -1), six, scores) == Rows{{0, 0, 3}, {0, 0, 1}});
  const Tensor<float> empty = boxes_of({{0, 0, 0, 0}, {0, 0, 0, 0}, {nan, 0, 1, 1}, {0, 0, 1, 1}});
  CHECK(selected(suppression(9, 0, 0), empty, Tensor<float>({1, 1, 4}, {0.4f, 0.3f, 0.2f, 0.1f})).size() == 4);
}

TEST_CASE("non-maximum suppression: shapes and thresholds are checked") {
  const auto error = [](const NonMaxSuppression& op, const Shape& boxes, const Shape& scores) {
    return message([&] { run_layer(op, {random_tensor(boxes, 1), random_tensor(scores, 2)}); });
  };
  const NonMaxSuppression op = suppression(1, 0.5, 0);
  CHECK(error(op, {1, 6, 5}, {1, 1, 6}).find("expected boxes [N, boxes, 4]") != std::string::npos);
  CHECK(error(op, {1, 6, 4}, {1, 1, 5}).find("found [1, 6, 4] and [1, 1, 5]") != std::string::npos);
  CHECK(error(op, {2, 6, 4}, {1, 1, 6}).find("'tested' (NonMaxSuppression)") != std::string::npos);
  CHECK(error(suppression(1, 1.5, 0), {1, 6, 4}, {1, 1, 6}).find("iou_threshold is 1.5") != std::string::npos);
}

TEST_CASE("non zero: indices of any type, by columns and by rows") {
  const Tensor<float> x({2, 3}, {0, 1, -0.0f, std::numeric_limits<float>::quiet_NaN(), 0, -2});
  CHECK(rows(run_layer(NonZero(), {x})[0]) == Rows{{0, 1, 1}, {1, 0, 2}});
  CHECK(rows(run_layer(NonZero(true), {x})[0]) == Rows{{0, 1}, {1, 0}, {1, 2}});
  CHECK(rows(run_layer(NonZero(), {Tensor<std::int64_t>({3}, {0, 5, 0})})[0]) == Rows{{1}});
  CHECK(run_layer(NonZero(), {Tensor<float>({2, 2})})[0].shape() == Shape{2, 0});
  CHECK(run_layer(NonZero(true), {Tensor<float>({0, 2})})[0].shape() == Shape{0, 2});
  CHECK(run_layer(NonZero(), {Tensor<float>(Shape{}, {1})})[0].shape() == Shape{0, 1});
  const Operand codes(Tensor<std::uint8_t>({4}, {7, 3, 0, 7}), QuantParams(0.5f, 7));
  CHECK(rows(run_layer(NonZero(), {codes})[0]) == Rows{{1, 2}});
}

TEST_CASE("compress: slices along each axis") {
  const auto booleans = [](const std::vector<int>& b) {
    return AnyTensor::make(DType::boolean, {static_cast<std::int64_t>(b.size())}, [&](std::byte* to) {
      for (std::size_t i = 0; i < b.size(); ++i) to[i] = static_cast<std::byte>(b[i]);
    });
  };
  const Tensor<float> x({3, 2}, {1, 2, 3, 4, 5, 6});
  const auto kept = [&](std::int64_t axis, const std::vector<int>& b) {
    const AnyTensor y = run_layer(Compress(axis), {x, booleans(b)})[0];
    const auto v = y.view<float>();
    return std::vector<float>(v.begin(), v.end());
  };
  CHECK(kept(0, {0, 1, 1}) == std::vector<float>{3, 4, 5, 6});
  CHECK(kept(-2, {1}) == std::vector<float>{1, 2});
  CHECK(kept(1, {0, 1}) == std::vector<float>{2, 4, 6});
  CHECK(kept(0, {0, 0, 0}).empty());
  CHECK(message([&] {
          run_layer(Compress(1), {x, booleans({1, 1, 1})});
        }).find("input 1 has 3 elements") != std::string::npos);
}

TEST_CASE("onnx: selections of images have the order of the file, and those by constants have known sizes") {
  OnnxBuilder b;
  b.input("x", {1, 2, 2, 3}).initializer("w", random_tensor({2, 2, 1, 1}, 1));
  b.node("Conv", {"x", "w"}, {"y"}).node("Relu", {"y"}, {"z"}).node("NonZero", {"z"}, {"places"});
  b.node("Compress", {"y", "keep"}, {"flat"}).initializer("keep", Tensor<std::int64_t>({4}, {0, 1, 1, 0}));
  const Model m = import_onnx(b.output("z").output("places").output("flat"), false);
  Executor run(m);
  const std::vector<AnyTensor> y = run.run({random_tensor({1, 2, 3, 2}, 3)});
  const auto z = y[0].view<float>();  // [1, 2, 3, 2]
  Rows places(4);
  for (std::int64_t c = 0; c < 2; ++c)
    for (std::int64_t i = 0; i < 6; ++i)
      if (z[i * 2 + c] != 0) {
        const std::int64_t place[] = {0, c, i / 3, i % 3};
        for (std::size_t d = 0; d < 4; ++d) places[d].push_back(place[d]);
      }
  CHECK(rows(y[1]) == places);
  CHECK(y[2].shape() == Shape{2});
}
