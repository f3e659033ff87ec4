#pragma once
#include <algorithm>

#include "../core/parallel_checked.hpp"
#include "box_corners.hpp"
#include "implement.hpp"
#include "non_max_suppression.hpp"

OCTET_BEGIN
namespace detail {

class NonMaxSuppressionStep : public DataSizedStep {
 public:
  explicit NonMaxSuppressionStep(const NonMaxSuppression& op) : op_(op) {}

  std::vector<AnyTensor> results(const std::vector<TensorRef>& inputs, ThreadPool& pool) override {
    const Shape& s = inputs[NonMaxSuppression::class_scores].shape;
    const std::int64_t classes = s[1], count = s[2];
    std::vector<std::vector<std::int64_t>> selected(static_cast<std::size_t>(s[0] * classes));
    const auto* boxes = inputs[NonMaxSuppression::boxes].as<const float>();
    const auto* scores = inputs[NonMaxSuppression::class_scores].as<const float>();
    if (count > 0)
      parallel_checked(pool, s[0] * classes, [&](std::int64_t i, int) {
        selected[static_cast<std::size_t>(i)] = select(boxes + i / classes * count * 4, scores + i * count, count);
      });
    std::size_t rows = 0;
    for (const auto& one : selected) rows += one.size();
    Tensor<std::int64_t> found = Tensor<std::int64_t>::uninitialized({static_cast<std::int64_t>(rows), 3});
    std::int64_t* to = found.data();
    for (std::size_t i = 0; i < selected.size(); ++i)
      for (std::int64_t box : selected[i]) {
        *to++ = static_cast<std::int64_t>(i) / classes;
        *to++ = static_cast<std::int64_t>(i) % classes;
        *to++ = box;
      }
    return {AnyTensor(std::move(found))};
  }

 private:
  BoxCorners corners(const float* b) const noexcept {
    if (op_.center_point_box) {
      const float w = b[2] / 2, h = b[3] / 2;
      return {b[1] - h, b[0] - w, b[1] + h, b[0] + w};
    }
    return {std::min(b[0], b[2]), std::min(b[1], b[3]), std::max(b[0], b[2]), std::max(b[1], b[3])};
  }

  /// The boxes of one image that are selected for one class.
  std::vector<std::int64_t> select(const float* boxes, const float* scores, std::int64_t count) const {
    const auto least = static_cast<float>(op_.score_threshold), most_shared = static_cast<float>(op_.iou_threshold);
    const bool all = least == -std::numeric_limits<float>::infinity();
    std::vector<std::int64_t> candidates, selected;
    for (std::int64_t i = 0; i < count && op_.max_per_class > 0; ++i)
      if (scores[i] > least || (all && scores[i] == least)) candidates.push_back(i);
    std::sort(candidates.begin(), candidates.end(), [&](std::int64_t i, std::int64_t j) {
      return scores[i] > scores[j] || (scores[i] == scores[j] && i < j);
    });
    std::vector<BoxCorners> kept;
    for (std::int64_t i : candidates) {
      if (static_cast<std::int64_t>(kept.size()) == op_.max_per_class) break;
      const BoxCorners box = corners(boxes + i * 4);
      const auto overlaps = [&](const BoxCorners& better) { return shared_part(better, box) > most_shared; };
      if (std::any_of(kept.begin(), kept.end(), overlaps)) continue;
      kept.push_back(box);
      selected.push_back(i);
    }
    return selected;
  }

  NonMaxSuppression op_;
};

}  // namespace detail

OCTET_API std::vector<Shape> NonMaxSuppression::shapes(const ShapeContext& c) const {
  const Shape &b = c.shape(boxes), &s = c.shape(class_scores);
  const auto fit = [](std::int64_t x, std::int64_t y) { return x == y || x < 0 || y < 0; };
  c.require(b.rank() == 3 && s.rank() == 3 && fit(b[2], 4) && fit(b[0], s[0]) && fit(b[1], s[2]),
            "expected boxes [N, boxes, 4] and scores [N, classes, boxes], found ", b, " and ", s);
  c.require(iou_threshold >= 0 && iou_threshold <= 1, "iou_threshold is ", iou_threshold, ", expected 0 to 1");
  return {{Shape::unknown, 3}};
}

OCTET_API std::unique_ptr<Step> NonMaxSuppression::prepare(const PrepareContext& c) const {
  for (int i : {boxes, class_scores})
    c.require(c.input(i).dtype == DType::f32, "input ", i, ": expected float32, found ", name(c.input(i).dtype));
  return detail::make_step<detail::NonMaxSuppressionStep>(*this);
}

OCTET_END
