#include <octet/operators/all.hpp>

#include "support/judge.hpp"
#include "support/layer.hpp"
#include "support/messages.hpp"
#include "support/tflite_builder.hpp"

using namespace testing;

namespace {

SoftNonMaxSuppression suppression(std::int64_t most, double iou, double score, double sigma, bool scores) {
  SoftNonMaxSuppression op;
  op.most = most;
  op.iou_threshold = iou;
  op.score_threshold = score;
  op.sigma = sigma;
  op.gives_scores = scores;
  return op;
}

struct Result {
  std::vector<std::int32_t> boxes;
  std::vector<float> scores;
};

double overlap(const float* a, const float* b) {
  const auto low = [](const float* c, int d) { return std::min(c[d], c[d + 2]); };
  const auto high = [](const float* c, int d) { return std::max(c[d], c[d + 2]); };
  double common = 1, area_a = 1, area_b = 1;
  for (int d = 0; d < 2; ++d) {
    common *= std::max(0.0, static_cast<double>(std::min(high(a, d), high(b, d))) -
                                static_cast<double>(std::max(low(a, d), low(b, d))));
    area_a *= static_cast<double>(high(a, d)) - static_cast<double>(low(a, d));
    area_b *= static_cast<double>(high(b, d)) - static_cast<double>(low(b, d));
  }
  return area_a > 0 && area_b > 0 ? common / (area_a + area_b - common) : 0;
}

/// Takes the best box, then lowers the scores of all others, or drops them, until nothing is left above the threshold.
Result reference(const Tensor<float>& boxes, const Tensor<float>& scores, const SoftNonMaxSuppression& op) {
  std::vector<double> left;
  for (std::int64_t i = 0; i < scores.size(); ++i) left.push_back(static_cast<double>(scores[i]));
  Result r;
  while (static_cast<std::int64_t>(r.boxes.size()) < op.most) {
    std::size_t best = left.size();
    for (std::size_t i = 0; i < left.size(); ++i)
      if (left[i] > op.score_threshold && (best == left.size() || left[i] > left[best])) best = i;
    if (best == left.size()) break;
    r.boxes.push_back(static_cast<std::int32_t>(best));
    r.scores.push_back(static_cast<float>(left[best]));
    left[best] = -1e30;
    for (std::size_t i = 0; i < left.size(); ++i) {
      const double iou = overlap(boxes.data() + 4 * i, boxes.data() + 4 * best);
      if (iou >= op.iou_threshold)
        left[i] = -1e30;
      else if (op.sigma > 0)
        left[i] *= left[i] > 0 ? std::exp(-iou * iou / (2 * op.sigma)) : 1;
    }
  }
  return r;
}

void check(const std::vector<AnyTensor>& y, const Result& right, const SoftNonMaxSuppression& op) {
  REQUIRE(y.size() == (op.gives_scores ? 3 : 2));
  const auto found = static_cast<std::int64_t>(right.boxes.size());
  CHECK(y.back().shape() == Shape{});
  REQUIRE(y.back().view<std::int32_t>()[0] == found);
  REQUIRE(y[0].shape() == Shape{op.most});
  for (std::int64_t i = 0; i < op.most; ++i) {
    const auto k = static_cast<std::size_t>(i);
    CHECK(y[0].view<std::int32_t>()[i] == (i < found ? right.boxes[k] : 0));
    if (op.gives_scores) CHECK(std::abs(floats(y[1])[i] - (i < found ? right.scores[k] : 0)) < 1e-6f);
  }
}

/// A .tflite file. Boxes that are empty where `boxes` is given.
std::vector<std::uint8_t> file(const SoftNonMaxSuppression& op, const Tensor<float>* boxes = nullptr) {
  tflite::ModelBuilder b;
  const auto number = [&](const char* name, double x) {
    return b.constant(name, Tensor<float>(Shape{}, std::vector<float>{static_cast<float>(x)}));
  };
  const int x = boxes ? b.constant("boxes", *boxes) : b.tensor("boxes", {50, 4}), s = b.tensor("scores", {50});
  const int most = b.constant("most", Tensor<std::int32_t>(Shape{}, {static_cast<std::int32_t>(op.most)}));
  std::vector<std::int32_t> in{x, s, most, number("iou", op.iou_threshold), number("score", op.score_threshold)};
  std::vector<std::int32_t> out{b.tensor("indices", {op.most}, DType::i32)};
  if (op.gives_scores) {
    in.push_back(number("sigma", op.sigma));
    out.push_back(b.tensor("best", {op.most}));
  }
  out.push_back(b.tensor("number", {}, DType::i32));
  b.op(op.gives_scores ? "NON_MAX_SUPPRESSION_V5" : "NON_MAX_SUPPRESSION_V4", in, out);
  return boxes ? b.finish({s}, out) : b.finish({x, s}, out);
}

std::vector<SoftNonMaxSuppression> kinds() {
  std::vector<SoftNonMaxSuppression> all;
  for (const std::int64_t most : {0, 3, 20, 80})
    for (const double iou : {0.0, 0.1, 0.5, 1.0}) {
      all.push_back(suppression(most, iou, 0.1, 0, false));
      for (const double sigma : {0.0, 0.1, 0.5}) all.push_back(suppression(most, iou, 0.05, sigma, true));
    }
  return all;
}

}  // namespace

TEST_CASE("soft suppression: as a reference") {
  for (const SoftNonMaxSuppression& op : kinds())
    for (unsigned seed = 0; seed < 3; ++seed) {
      CAPTURE(op.most);
      CAPTURE(op.iou_threshold);
      CAPTURE(op.sigma);
      const Tensor<float> boxes = random_tensor({50, 4}, seed, 0, 1), scores = random_tensor({50}, seed + 10, 0, 1);
      const Result right = reference(boxes, scores, op);
      check(run_layer(op, {boxes, scores}), right, op);
      check(tflite::outputs(tflite::parse(file(op)), {boxes, scores}), right, op);
    }
}

TEST_CASE("soft suppression: as LiteRT, also when files are written again") {
  Judge judge(Format::tflite);
  if (!judge.ready()) return;
  const TemporaryFolder folder;
  const Tensor<float> empty = [] {  // some boxes are empty: they do not overlap themselves
    Tensor<float> t = random_tensor({50, 4}, 7, 0, 1);
    for (std::int64_t i = 0; i < 50; i += 3) t[4 * i + 2] = t[4 * i];
    return t;
  }();
  int i = 0;
  for (const SoftNonMaxSuppression& op : kinds()) {
    if (op.most == 0) continue;  // results without elements
    for (const bool with_empty : {false, true}) {
      const std::string path = folder / ("nms" + std::to_string(i++) + ".tflite");
      const std::vector<std::uint8_t> bytes = file(op, with_empty ? &empty : nullptr);
      write_file(path, {bytes.begin(), bytes.end()});
      judge.add_file("nms", path, {1e-6, 0});
      if (!with_empty) judge.add("nms, written", load(path), {1e-6, 0});
    }
  }
  judge.judge();
}

TEST_CASE("soft suppression: numbers that are not finite, equal scores, no boxes") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const SoftNonMaxSuppression op = suppression(4, 0.5, 0.1, 0.5, true);
  const auto number = [&](const Tensor<float>& boxes, const Tensor<float>& scores) {
    const std::vector<AnyTensor> y = run_layer(op, {boxes, scores});
    return y[2].view<std::int32_t>()[0];
  };
  const Tensor<float> far({3, 4}, {0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5});
  CHECK(number(far, Tensor<float>({3}, {nan, nan, nan})) == 0);
  CHECK(number(far, Tensor<float>({3}, {nan, inf, 0.5f})) == 2);
  CHECK(number(Tensor<float>({0, 4}), Tensor<float>({0})) == 0);
  const std::vector<AnyTensor> equal = run_layer(op, {far, Tensor<float>({3}, {0.5f, 0.5f, 0.5f})});
  for (std::int32_t i = 0; i < 3; ++i) CHECK(equal[0].view<std::int32_t>()[i] == i);
  for (const float bad : {nan, inf, -inf, 3e38f}) {
    const std::int32_t n = number(Tensor<float>({3, 4}, std::vector<float>(12, bad)), Tensor<float>({3}, {1, 2, 3}));
    CHECK(n >= 1);
    CHECK(n <= 4);
  }
}

TEST_CASE("soft suppression: from quantized tensors") {
  const SoftNonMaxSuppression op = suppression(8, 0.4, 0.2, 0, false);
  tflite::ModelBuilder b;
  const auto number = [&](const char* name, float x) {
    return b.constant(name, Tensor<float>(Shape{}, std::vector<float>{x}));
  };
  const QuantParams bq{1.0f / 64, 0}, sq{1.0f / 256, -128};
  const int x = b.tensor("boxes", {50, 4}, DType::i8, bq), s = b.tensor("scores", {50}, DType::i8, sq);
  const std::vector<std::int32_t> out{b.tensor("indices", {8}, DType::i32), b.tensor("number", {}, DType::i32)};
  const int most = b.constant("most", Tensor<std::int32_t>(Shape{}, std::vector<std::int32_t>{8}));
  b.op("NON_MAX_SUPPRESSION_V4", {x, s, most, number("iou", 0.4f), number("score", 0.2f)}, out);
  const Tensor<std::int8_t> boxes = random_integers<std::int8_t>({50, 4}, 1, -128, 127),
                            scores = random_integers<std::int8_t>({50}, 2, -128, 127);
  Tensor<float> real_boxes({50, 4}), real_scores({50});
  for (std::int64_t i = 0; i < 200; ++i) real_boxes[i] = static_cast<float>(boxes[i]) / 64;
  for (std::int64_t i = 0; i < 50; ++i) real_scores[i] = static_cast<float>(scores[i] + 128) / 256;
  check(tflite::outputs(tflite::parse(b.finish({x, s}, out)), {boxes, scores}), reference(real_boxes, real_scores, op),
        op);
}

TEST_CASE("soft suppression: parameters and shapes that cannot be") {
  const auto error = [](auto change, const Shape& boxes = {6, 4}, const Shape& scores = {6}) {
    return message([&] {
      SoftNonMaxSuppression op = suppression(3, 0.5, 0, 0, true);
      change(op);
      Graph g;
      g.add("y", op, {g.add_input("boxes", boxes), g.add_input("scores", scores)});
    });
  };
  const auto nothing = [](auto&) {};
  const std::string place = "layer 'y' (SoftNonMaxSuppression): ";
  CHECK(error(nothing) == "");
  CHECK(error([](auto& op) { op.most = -1; }) == place + "selects -1 boxes, expected 0 to 2^20");
  CHECK(error([](auto& op) { op.most = std::int64_t{1} << 60; }) != "");
  CHECK(error([](auto& op) { op.iou_threshold = 1.5; }) == place + "iou_threshold is 1.5, expected 0 to 1");
  CHECK(error([](auto& op) { op.iou_threshold = std::nan(""); }) != "");
  CHECK(error([](auto& op) { op.score_threshold = std::nan(""); }) == place + "score_threshold is NaN");
  CHECK(error([](auto& op) { op.sigma = -1; }) == place + "sigma is -1, expected at least 0");
  CHECK(error(nothing, {6, 3}) == place + "expected boxes [boxes, 4] and scores [boxes], found [6, 3] and [6]");
  CHECK(error(nothing, {6, 4}, {5}) != "");
  CHECK(error(nothing, {6, 4}, {1, 6}) != "");
  CHECK(error(nothing, {std::int64_t{1} << 30, 4}, {std::int64_t{1} << 30}) ==
        place + "has 1073741824 boxes, expected at most 2^24");
  // The number of boxes to select has to be constant.
  tflite::ModelBuilder b;
  const int x = b.tensor("boxes", {6, 4}), s = b.tensor("scores", {6}), most = b.tensor("most", {}, DType::i32);
  const int t = b.constant("t", Tensor<float>(Shape{}, std::vector<float>{0.5f}));
  const std::vector<std::int32_t> out{b.tensor("indices", {6}, DType::i32), b.tensor("number", {}, DType::i32)};
  b.op("NON_MAX_SUPPRESSION_V4", {x, s, most, t, t}, out);
  CHECK(message([&] {
          tflite::parse(b.finish({x, s, most}, out));
        }).find("input 2 ('most') has to be a constant") != std::string::npos);
}
