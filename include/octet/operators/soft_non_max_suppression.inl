#pragma once
#include <algorithm>
#include <cmath>

#include "box_corners.hpp"
#include "implement.hpp"
#include "soft_non_max_suppression.hpp"

OCTET_BEGIN
namespace detail {

class SoftNonMaxSuppressionStep : public Step {
 public:
  explicit SoftNonMaxSuppressionStep(const SoftNonMaxSuppression& op)
      : op_(op),
        overlap_(static_cast<float>(op.iou_threshold)),
        least_(static_cast<float>(op.score_threshold)),
        decay_(op.sigma > 0 ? -0.5f / static_cast<float>(op.sigma) : 0) {}

  std::size_t plan(const PlanContext& c) override {
    count_ = c.inputs[SoftNonMaxSuppression::boxes].shape[0];
    return static_cast<std::size_t>(count_) * sizeof(Candidate);
  }

  void run(const RunContext& c) noexcept override {
    const auto* boxes = reinterpret_cast<const float*>(c.input(SoftNonMaxSuppression::boxes));
    const auto* scores = reinterpret_cast<const float*>(c.input(SoftNonMaxSuppression::box_scores));
    auto* selected = reinterpret_cast<std::int32_t*>(c.output(0));
    float* best = op_.gives_scores && op_.most > 0 ? reinterpret_cast<float*>(c.output(1)) : nullptr;
    const std::int64_t found = select(boxes, scores, reinterpret_cast<Candidate*>(c.scratch), selected, best);
    std::fill(selected + found, selected + op_.most, 0);
    if (best) std::fill(best + found, best + op_.most, 0.0f);
    *reinterpret_cast<std::int32_t*>(c.output(op_.gives_scores ? 2 : 1)) = static_cast<std::int32_t>(found);
  }

 private:
  /// A box that may still be selected. Its score was decayed by the first `seen` of the selected boxes.
  struct Candidate {
    float score;
    std::int32_t box, seen;
    /// The order of a heap with the best one on top.
    bool operator<(const Candidate& o) const noexcept { return score != o.score ? score < o.score : box > o.box; }
  };

  static BoxCorners corners(const float* b) noexcept {
    return {std::min(b[0], b[2]), std::min(b[1], b[3]), std::max(b[0], b[2]), std::max(b[1], b[3])};
  }

  std::int64_t select(const float* boxes, const float* scores, Candidate* heap, std::int32_t* selected,
                      float* best) const noexcept {
    std::int64_t n = 0;
    for (std::int64_t i = 0; i < count_; ++i)
      if (scores[i] > least_) heap[n++] = {scores[i], static_cast<std::int32_t>(i), 0};
    std::make_heap(heap, heap + n);
    const std::int64_t most = std::min(n, op_.most);
    std::int64_t found = 0;
    while (found < most && n > 0) {
      std::pop_heap(heap, heap + n);
      Candidate& next = heap[--n];
      const float before = next.score;
      if (!decayed(boxes, selected, static_cast<std::int32_t>(found), next)) continue;
      if (next.score == before) {
        selected[found] = next.box;
        if (best) best[found] = before;
        ++found;
      }
      // A selected box is a candidate again, as in TensorFlow Lite: it overlaps itself, unless it is empty.
      if (next.score > least_) std::push_heap(heap, heap + ++n);
    }
    return found;
  }

  /// Compares the candidate with the selected boxes that it has not seen. Returns whether it is not dropped.
  bool decayed(const float* boxes, const std::int32_t* selected, std::int32_t found, Candidate& next) const noexcept {
    const BoxCorners box = corners(boxes + 4 * std::int64_t{next.box});
    for (std::int32_t k = found - 1; k >= next.seen; --k) {
      const float iou = shared_part(box, corners(boxes + 4 * std::int64_t{selected[k]}));
      if (iou >= overlap_) return false;
      if (decay_ != 0) next.score *= static_cast<float>(std::exp(static_cast<double>(decay_ * iou * iou)));
      if (next.score <= least_) break;
    }
    next.seen = found;
    return true;
  }

  SoftNonMaxSuppression op_;
  float overlap_, least_, decay_;
  std::int64_t count_ = 0;
};

}  // namespace detail

OCTET_API std::vector<Shape> SoftNonMaxSuppression::shapes(const ShapeContext& c) const {
  c.require(c.inputs() == 2, "expected two inputs (boxes, scores), found ", c.inputs());
  const Shape &b = c.shape(boxes), &s = c.shape(box_scores);
  const auto fit = [](std::int64_t x, std::int64_t y) { return x == y || x < 0 || y < 0; };
  c.require(b.rank() == 2 && s.rank() == 1 && fit(b[1], 4) && fit(b[0], s[0]),
            "expected boxes [boxes, 4] and scores [boxes], found ", b, " and ", s);
  c.require(b[0] <= (1 << 24), "has ", b[0], " boxes, expected at most 2^24");
  c.require(most >= 0 && most <= (1 << 20), "selects ", most, " boxes, expected 0 to 2^20");
  c.require(iou_threshold >= 0 && iou_threshold <= 1, "iou_threshold is ", iou_threshold, ", expected 0 to 1");
  c.require(!std::isnan(score_threshold), "score_threshold is NaN");
  c.require(sigma >= 0 && std::isfinite(sigma), "sigma is ", sigma, ", expected at least 0");
  return gives_scores ? std::vector<Shape>{{most}, {most}, {}} : std::vector<Shape>{{most}, {}};
}

OCTET_API std::unique_ptr<Step> SoftNonMaxSuppression::prepare(const PrepareContext& c) const {
  for (int i : {boxes, box_scores})
    c.require(c.input(i).dtype == DType::f32, "input ", i, ": expected float32, found ", name(c.input(i).dtype));
  return detail::make_step<detail::SoftNonMaxSuppressionStep>(*this);
}

OCTET_END
