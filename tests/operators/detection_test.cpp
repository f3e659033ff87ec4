#include <flatbuffers/flexbuffers.h>
#include <octet/operators/all.hpp>

#include "support/layer.hpp"
#include "support/messages.hpp"
#include "support/tflite_builder.hpp"

using namespace testing;

namespace {

struct Box {
  double top, left, bottom, right;
};
struct Found {
  Box box;
  std::int64_t index, category;
  float score;
};

double area(const Box& b) { return std::max(0.0, b.bottom - b.top) * std::max(0.0, b.right - b.left); }

double overlap(const Box& a, const Box& b) {
  const Box common{std::max(a.top, b.top), std::max(a.left, b.left), std::min(a.bottom, b.bottom),
                   std::min(a.right, b.right)};
  if (area(a) == 0 || area(b) == 0) return 0;
  return area(common) / (area(a) + area(b) - area(common));
}

/// Takes the best of what is left, and removes what overlaps it, until nothing is left.
std::vector<Found> kept(std::vector<Found> left, const DetectionPostProcess& op, std::int64_t most) {
  std::vector<Found> best;
  while (!left.empty() && static_cast<std::int64_t>(best.size()) < most) {
    std::size_t top = 0;
    for (std::size_t i = 1; i < left.size(); ++i)
      if (left[i].score > left[top].score) top = i;
    const Found f = left[top];
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(top));
    if (f.score < static_cast<float>(op.score_threshold)) break;
    best.push_back(f);
    std::vector<Found> rest;
    for (const Found& other : left)
      if (overlap(f.box, other.box) <= op.iou_threshold) rest.push_back(other);
    left = rest;
  }
  return best;
}

/// Outputs for one image: boxes, classes, scores, number.
std::vector<std::vector<float>> reference(const Tensor<float>& boxes, const Tensor<float>& scores,
                                          const Tensor<float>& anchors, const DetectionPostProcess& op) {
  const std::int64_t count = boxes.shape()[1], columns = scores.shape()[2], width = boxes.shape()[2];
  const auto score = [&](std::int64_t i, std::int64_t k) { return scores[i * columns + (columns - op.classes) + k]; };
  std::vector<Box> decoded;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto b = [&](std::int64_t k) {
      return static_cast<double>(boxes[i * width + k]) / op.scales[static_cast<std::size_t>(k)];
    };
    const auto a = [&](std::int64_t k) { return static_cast<double>(anchors[i * 4 + k]); };
    const double y = b(0) * a(2) + a(0), x = b(1) * a(3) + a(1), h = std::exp(b(2)) * a(2), w = std::exp(b(3)) * a(3);
    decoded.push_back({y - h / 2, x - w / 2, y + h / 2, x + w / 2});
  }
  const std::int64_t n = op.max_detections * op.max_classes_per_detection;
  std::vector<std::vector<float>> out{std::vector<float>(static_cast<std::size_t>(4 * n)),
                                      std::vector<float>(static_cast<std::size_t>(n)),
                                      std::vector<float>(static_cast<std::size_t>(n)), std::vector<float>(1)};
  const auto put = [&](std::int64_t place, const Found& f) {
    const double corners[] = {f.box.top, f.box.left, f.box.bottom, f.box.right};
    const auto at = static_cast<std::size_t>(place);
    for (std::size_t k = 0; k < 4; ++k) out[0][4 * at + k] = static_cast<float>(corners[k]);
    out[1][at] = static_cast<float>(f.category);
    out[2][at] = f.score;
  };
  const auto candidates = [&](auto category) {
    std::vector<Found> all;
    for (std::int64_t i = 0; i < count; ++i)
      all.push_back({decoded[static_cast<std::size_t>(i)], i, category(i), score(i, category(i))});
    return all;
  };
  std::vector<Found> found;
  if (op.regular_nms) {
    for (std::int64_t k = 0; k < op.classes; ++k)
      for (const Found& f : kept(candidates([k](std::int64_t) { return k; }), op, op.detections_per_class))
        found.push_back(f);
    std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.score > b.score; });
    if (static_cast<std::int64_t>(found.size()) > op.max_detections)
      found.resize(static_cast<std::size_t>(op.max_detections));
    for (std::size_t i = 0; i < found.size(); ++i) put(static_cast<std::int64_t>(i), found[i]);
  } else {
    const auto ranked = [&](std::int64_t i) {
      std::vector<std::int64_t> order;
      for (std::int64_t k = 0; k < op.classes; ++k) order.push_back(k);
      std::stable_sort(order.begin(), order.end(),
                       [&](std::int64_t a, std::int64_t b) { return score(i, a) > score(i, b); });
      return order;
    };
    found = kept(candidates([&](std::int64_t i) { return ranked(i)[0]; }), op, op.max_detections);
    for (std::size_t i = 0; i < found.size(); ++i)
      for (std::int64_t k = 0; k < std::min(op.max_classes_per_detection, op.classes); ++k) {
        Found f = found[i];
        f.category = ranked(f.index)[static_cast<std::size_t>(k)];
        f.score = score(f.index, f.category);
        put(static_cast<std::int64_t>(i) * op.max_classes_per_detection + k, f);
      }
  }
  out[3][0] = static_cast<float>(found.size());
  return out;
}

Tensor<float> grid(std::int64_t count) {
  Tensor<float> anchors({count, 4});
  for (std::int64_t i = 0; i < count; ++i) {
    anchors[4 * i] = static_cast<float>(i % 5) * 0.2f + 0.1f;
    anchors[4 * i + 1] = static_cast<float>(i / 5 % 5) * 0.2f + 0.1f;
    anchors[4 * i + 2] = 0.25f + 0.05f * static_cast<float>(i % 3);
    anchors[4 * i + 3] = 0.3f;
  }
  return anchors;
}

DetectionPostProcess ssd(bool regular, std::int64_t per_box = 1, std::int64_t classes = 5) {
  DetectionPostProcess op;
  op.max_detections = 8;
  op.max_classes_per_detection = per_box;
  op.classes = classes;
  op.regular_nms = regular;
  op.score_threshold = 0.2;
  op.iou_threshold = 0.4;
  op.scales = {10, 10, 5, 5};
  return op;
}

void check(const std::vector<AnyTensor>& found, const std::vector<std::vector<float>>& right, double tolerance = 1e-5) {
  REQUIRE(found.size() == 4);
  for (std::size_t o = 0; o < 4; ++o) {
    const Tensor<float> y = floats(found[o]);
    REQUIRE(y.size() == static_cast<std::int64_t>(right[o].size()));
    for (std::int64_t i = 0; i < y.size(); ++i) {
      CAPTURE(o);
      CAPTURE(i);
      CHECK(std::abs(static_cast<double>(y[i] - right[o][static_cast<std::size_t>(i)])) <= tolerance);
    }
  }
}

std::vector<std::uint8_t> options(const DetectionPostProcess& op) {
  flexbuffers::Builder b;
  b.Map([&] {
    b.Int("max_detections", op.max_detections);
    b.Int("max_classes_per_detection", op.max_classes_per_detection);
    b.Int("detections_per_class", op.detections_per_class);
    b.Bool("use_regular_nms", op.regular_nms);
    b.Float("nms_score_threshold", static_cast<float>(op.score_threshold));
    b.Float("nms_iou_threshold", static_cast<float>(op.iou_threshold));
    b.Int("num_classes", op.classes);
    const char* names[] = {"y_scale", "x_scale", "h_scale", "w_scale"};
    for (std::size_t i = 0; i < 4; ++i) b.Float(names[i], static_cast<float>(op.scales[i]));
  });
  b.Finish();
  return b.GetBuffer();
}

std::string error(const DetectionPostProcess& op, const Shape& boxes = {1, 6, 4}, const Shape& scores = {1, 6, 6},
                  const Shape& anchors = {6, 4}) {
  return message([&] {
    Graph g;
    g.add("y", op, {g.add_input("boxes", boxes), g.add_input("scores", scores), g.add_input("anchors", anchors)});
    g.outputs = g.nodes.back().outputs;
    Executor(g).run({Tensor<float>(boxes), Tensor<float>(scores), Tensor<float>(anchors)});
  });
}

}  // namespace

TEST_CASE("detection: fast and regular suppression, with and without a background, as the reference") {
  for (const bool regular : {false, true})
    for (const std::int64_t background : {0, 1})
      for (const std::int64_t per_box : {1, 3, 9})
        for (const std::int64_t width : {4, 6})
          for (unsigned seed = 0; seed < 3; ++seed) {
            CAPTURE(regular);
            CAPTURE(background);
            CAPTURE(per_box);
            DetectionPostProcess op = ssd(regular, per_box);
            op.detections_per_class = seed == 0 ? 2 : 100;
            const Tensor<float> boxes = random_tensor({1, 40, width}, seed, -3, 3), anchors = grid(40);
            const Tensor<float> scores = random_tensor({1, 40, 5 + background}, seed + 10, 0, 1);
            check(run_layer(op, {boxes, scores, anchors}), reference(boxes, scores, anchors, op));
          }
}

TEST_CASE("detection: several images") {
  const DetectionPostProcess op = ssd(false);
  const Tensor<float> boxes = random_tensor({3, 40, 4}, 1, -3, 3), anchors = grid(40);
  const Tensor<float> scores = random_tensor({3, 40, 6}, 2, 0, 1);
  const std::vector<AnyTensor> found = run_layer(op, {boxes, scores, anchors});
  CHECK(found[0].shape() == Shape{3, 8, 4});
  CHECK(found[3].shape() == Shape{3});
  for (std::int64_t i = 0; i < 3; ++i) {
    const Tensor<float> b({1, 40, 4}, std::vector<float>(boxes.data() + i * 160, boxes.data() + (i + 1) * 160));
    const Tensor<float> s({1, 40, 6}, std::vector<float>(scores.data() + i * 240, scores.data() + (i + 1) * 240));
    const std::vector<std::vector<float>> right = reference(b, s, anchors, op);
    CHECK(floats(found[3])[i] == right[3][0]);
    for (std::int64_t k = 0; k < 8; ++k) CHECK(floats(found[2])[i * 8 + k] == right[2][static_cast<std::size_t>(k)]);
  }
}

TEST_CASE("detection: nothing above the threshold, equal scores, empty boxes, and numbers that are not finite") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const Tensor<float> anchors = grid(6), none({1, 6, 4});
  for (const bool regular : {false, true}) {
    const auto run = [&](const Tensor<float>& boxes, const std::vector<float>& scores, std::int64_t per_box = 1) {
      return run_layer(ssd(regular, per_box, 2), {boxes, Tensor<float>({1, 6, 2}, scores), anchors});
    };
    const auto number = [](const std::vector<AnyTensor>& y) { return floats(y[3])[0]; };
    CHECK(number(run(none, std::vector<float>(12, 0.1f))) == 0);
    CHECK(number(run(none, std::vector<float>(12, nan), 2)) == 0);
    const std::vector<float> equal(12, 0.5f);
    CHECK(floats(run(none, equal)[1])[0] == 0);
    std::vector<float> some(12, nan);
    some[5] = 0.75f;
    const std::vector<AnyTensor> one = run(none, some, 2);
    CHECK(number(one) == 1);
    CHECK(floats(one[1])[0] == 1);
    CHECK(floats(one[2])[0] == 0.75f);
    for (const float bad : {nan, inf, -inf, 1e38f}) {
      const std::vector<AnyTensor> y = run(Tensor<float>({1, 6, 4}, std::vector<float>(24, bad)), equal);
      CHECK(number(y) <= 8);
      CHECK(number(y) >= 1);
    }
  }
  DetectionPostProcess zero = ssd(false, 1, 2);
  zero.max_detections = 0;
  const std::vector<AnyTensor> y = run_layer(zero, {none, Tensor<float>({1, 6, 2}), anchors});
  CHECK(y[0].shape() == Shape{1, 0, 4});
  CHECK(floats(y[3])[0] == 0);
  CHECK(floats(run_layer(ssd(true),
                         {Tensor<float>({1, 0, 4}), Tensor<float>({1, 0, 6}), Tensor<float>({0, 4})})[3])[0] == 0);
}

TEST_CASE("detection: parameters and shapes that cannot be") {
  CHECK(error(ssd(false)) == "");
  const auto with = [](auto change) {
    DetectionPostProcess op = ssd(false);
    change(op);
    return error(op);
  };
  CHECK(with([](auto& op) { op.max_detections = -1; }) ==
        "layer 'y' (DetectionPostProcess): max_detections is -1, expected 0 to 65536");
  CHECK(with([](auto& op) { op.max_detections = std::int64_t{1} << 60; }) != "");
  CHECK(with([](auto& op) { op.max_classes_per_detection = 0; }) != "");
  CHECK(with([](auto& op) { op.max_detections = op.max_classes_per_detection = 60000; }) ==
        "layer 'y' (DetectionPostProcess): gives 60000 detections of 60000 classes, expected at most 2^20 together");
  CHECK(with([](auto& op) { op.detections_per_class = 0; }) != "");
  CHECK(with([](auto& op) { op.classes = 4; }) ==
        "layer 'y' (DetectionPostProcess): expected scores of 4 classes, or one more for the background, found "
        "[1, 6, 6]");
  CHECK(with([](auto& op) { op.iou_threshold = std::nan(""); }) != "");
  CHECK(with([](auto& op) { op.iou_threshold = 1.5; }) != "");
  CHECK(with([](auto& op) { op.scales = {10, 10, 0, 5}; }) != "");
  CHECK(with([](auto& op) { op.scales = {10}; }) != "");
  CHECK(error(ssd(false), {1, 6, 3}) != "");
  CHECK(error(ssd(false), {1, 7, 4}) != "");
  CHECK(error(ssd(false), {1, 6, 4}, {1, 6, 6}, {5, 4}) != "");
  CHECK(error(ssd(false), {1, 6, 4}, {6, 6}) != "");
}

TEST_CASE("detection: from TFLite, float and quantized") {
  for (const DType type : {DType::f32, DType::u8, DType::i8})
    for (const bool regular : {false, true}) {
      const DetectionPostProcess op = ssd(regular, 2);
      const bool quantized = type != DType::f32;
      const std::int32_t zero = type == DType::u8 ? 128 : 0;
      const QuantParams bq = quantized ? QuantParams{0.05f, zero} : QuantParams{};
      const QuantParams sq = quantized ? QuantParams{1.0f / 256, zero - 128} : QuantParams{};
      Tensor<float> boxes({1, 40, 4}), scores({1, 40, 6});
      const auto codes = [&](Tensor<float>& to, const QuantParams& q, unsigned seed) -> AnyTensor {
        if (!quantized) return to = random_tensor(to.shape(), seed, 0, 1);
        const auto fill = [&](auto c) {
          for (std::int64_t i = 0; i < to.size(); ++i) to[i] = static_cast<float>(c[i] - q.zero_point[0]) * q.scale[0];
          return AnyTensor(c);
        };
        if (type == DType::u8) return fill(random_integers<std::uint8_t>(to.shape(), seed, 0, 255));
        return fill(random_integers<std::int8_t>(to.shape(), seed, -128, 127));
      };
      const AnyTensor box_codes = codes(boxes, bq, 1), score_codes = codes(scores, sq, 2);
      tflite::ModelBuilder b;
      const int x = b.tensor("boxes", boxes.shape(), type, bq), s = b.tensor("scores", scores.shape(), type, sq);
      const int a = b.constant("anchors", grid(40));
      const std::vector<std::int32_t> out{b.tensor("b", {}), b.tensor("c", {}), b.tensor("s", {}), b.tensor("n", {})};
      b.op("TFLite_Detection_PostProcess", {x, s, a}, out, {}, options(op));
      const Model m = tflite::parse(b.finish({x, s}, out));
      check(tflite::outputs(m, {box_codes, score_codes}), reference(boxes, scores, grid(40), op), 1e-4);
    }
}

TEST_CASE("detection: options that are missing or not numbers") {
  const auto error = [](const std::vector<std::uint8_t>& custom) -> std::string {
    tflite::ModelBuilder b;
    const int x = b.tensor("boxes", {1, 6, 4}), s = b.tensor("scores", {1, 6, 6}), a = b.constant("anchors", grid(6));
    const std::vector<std::int32_t> out{b.tensor("b", {}), b.tensor("c", {}), b.tensor("s", {}), b.tensor("n", {})};
    b.op("TFLite_Detection_PostProcess", {x, s, a}, out, {}, custom);
    return message([&] { tflite::parse(b.finish({x, s}, out)); });
  };
  CHECK(error(options(ssd(false))) == "");
  CHECK(error({}).find("has no options") != std::string::npos);
  CHECK(error({1, 2, 3}).find("not a FlexBuffers map") != std::string::npos);
  flexbuffers::Builder b;
  b.Map([&] { b.String("max_detections", "many"); });
  b.Finish();
  CHECK(error(b.GetBuffer()).find("option 'max_detections' is not a number") != std::string::npos);
  flexbuffers::Builder few;
  few.Map([&] { few.Int("max_detections", 3); });
  few.Finish();
  CHECK(error(few.GetBuffer()).find("option 'max_classes_per_detection' is missing") != std::string::npos);
  DetectionPostProcess many = ssd(false);
  many.max_detections = 1 << 30;
  CHECK(error(options(many)).find("max_detections is 1073741824, expected 0 to 65536") != std::string::npos);
}
