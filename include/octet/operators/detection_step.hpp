#pragma once
#include <algorithm>

#include "box_corners.hpp"
#include "detection.hpp"
#include "implement.hpp"

OCTET_BEGIN
namespace detail {

class DetectionStep : public Step {
 public:
  explicit DetectionStep(const DetectionPostProcess& op) : op_(op) {}

  std::size_t plan(const PlanContext& c) override {
    const Shape &in = c.inputs[0].shape, &scores = c.inputs[1].shape;
    images_ = in[0], count_ = in[1], numbers_ = in[2];
    columns_ = scores[2], background_ = columns_ - op_.classes;
    per_box_ = std::min(op_.max_classes_per_detection, op_.classes);
    // A class adds at most so many detections to the best ones of the classes before it.
    const std::int64_t added = std::min(count_, op_.regular_nms ? op_.detections_per_class : op_.max_detections);
    list_ = op_.max_detections + added;
    const std::int64_t bytes = count_ * static_cast<std::int64_t>(sizeof(BoxCorners) + sizeof(float) + 4 + 1) +
                               op_.classes * 4 + list_ * static_cast<std::int64_t>(sizeof(Detection));
    worker_ = (bytes + 63) / 64 * 64;
    return static_cast<std::size_t>(worker_ * c.threads);
  }

  void run(const RunContext& c) noexcept override {
    c.pool->parallel(images_, [&](std::int64_t image, int worker) {
      Work w(c.scratch + worker * worker_, count_, list_, op_.classes);
      decode(c, image, w.boxes);
      const float* scores = numbers(c, 1) + image * count_ * columns_;
      const std::int64_t n = op_.max_detections * op_.max_classes_per_detection;
      auto* boxes = reinterpret_cast<BoxCorners*>(c.output(0)) + image * n;
      auto* classes = reinterpret_cast<float*>(c.output(1)) + image * n;
      auto* best = reinterpret_cast<float*>(c.output(2)) + image * n;
      std::fill_n(boxes, n, BoxCorners());
      std::fill_n(classes, n, 0.0f);
      std::fill_n(best, n, 0.0f);
      const auto put = [&](std::int64_t at, std::int32_t box, std::int32_t category) {
        boxes[at] = w.boxes[box];
        classes[at] = static_cast<float>(category);
        best[at] = scores[box * columns_ + background_ + category];
      };
      const std::int64_t found = op_.regular_nms ? by_class(w, scores, put) : by_best_class(w, scores, put);
      reinterpret_cast<float*>(c.output(3))[image] = static_cast<float>(found);
    });
  }

 private:
  struct Detection {
    float score;
    std::int32_t box, category;
  };
  struct Work {
    BoxCorners* boxes;
    Detection* list;
    float* scores;
    std::int32_t *candidates, *categories;
    bool* dropped;
    Work(std::byte* memory, std::int64_t count, std::int64_t list_size, std::int64_t classes)
        : boxes(reinterpret_cast<BoxCorners*>(memory)),
          list(reinterpret_cast<Detection*>(boxes + count)),
          scores(reinterpret_cast<float*>(list + list_size)),
          candidates(reinterpret_cast<std::int32_t*>(scores + count)),
          categories(candidates + count),
          dropped(reinterpret_cast<bool*>(categories + classes)) {}
  };

  static const float* numbers(const RunContext& c, std::size_t i) noexcept {
    return reinterpret_cast<const float*>(c.input(i));
  }

  void decode(const RunContext& c, std::int64_t image, BoxCorners* to) const noexcept {
    const float* box = numbers(c, 0) + image * count_ * numbers_;
    const float* anchor = numbers(c, 2);
    for (std::int64_t i = 0; i < count_; ++i, box += numbers_, anchor += 4) {
      const auto at = [&](std::size_t k) { return static_cast<double>(box[k]) / op_.scales[k]; };
      const double h = static_cast<double>(anchor[2]), w = static_cast<double>(anchor[3]);
      const auto y = static_cast<float>(at(0) * h + static_cast<double>(anchor[0]));
      const auto x = static_cast<float>(at(1) * w + static_cast<double>(anchor[1]));
      const auto half_h = static_cast<float>(0.5 * std::exp(at(2)) * h);
      const auto half_w = static_cast<float>(0.5 * std::exp(at(3)) * w);
      to[i] = {y - half_h, x - half_w, y + half_h, x + half_w};
    }
  }

  /// Calls use(box) for at most `most` boxes that no better one overlaps, by w.scores, the best first.
  template <class Use>
  void suppress(Work& w, std::int64_t most, Use use) const noexcept {
    std::int64_t n = 0, used = 0;
    for (std::int32_t i = 0; i < count_; ++i)
      if (static_cast<double>(w.scores[i]) >= threshold()) w.candidates[n++] = i;
    std::sort(w.candidates, w.candidates + n, [&](std::int32_t a, std::int32_t b) {
      return w.scores[a] > w.scores[b] || (w.scores[a] == w.scores[b] && a < b);
    });
    std::fill_n(w.dropped, n, false);
    for (std::int64_t i = 0; i < n && used < most; ++i) {
      if (w.dropped[i]) continue;
      use(w.candidates[i]);
      ++used;
      for (std::int64_t k = i + 1; k < n; ++k)
        if (!w.dropped[k]) w.dropped[k] = shared_part(w.boxes[w.candidates[i]], w.boxes[w.candidates[k]]) > overlap();
    }
  }
  double threshold() const noexcept { return static_cast<double>(static_cast<float>(op_.score_threshold)); }
  float overlap() const noexcept { return static_cast<float>(op_.iou_threshold); }

  template <class Put>
  std::int64_t by_best_class(Work& w, const float* scores, Put put) const noexcept {
    for (std::int64_t i = 0; i < count_; ++i) {
      const float* of_box = scores + i * columns_ + background_;
      w.scores[i] = of_box[0];
      for (std::int64_t k = 1; k < op_.classes; ++k)
        if (of_box[k] > w.scores[i] || w.scores[i] != w.scores[i]) w.scores[i] = of_box[k];
    }
    std::int64_t found = 0;
    suppress(w, op_.max_detections, [&](std::int32_t box) {
      const float* of_box = scores + box * columns_ + background_;
      for (std::int32_t k = 0; k < op_.classes; ++k) w.categories[k] = k;
      std::partial_sort(w.categories, w.categories + per_box_, w.categories + op_.classes,
                        [&](std::int32_t a, std::int32_t b) {
                          const float x = of_box[a], y = of_box[b];
                          if (x > y || (y != y && x == x)) return true;  // NaN comes last
                          if (y > x || (x != x && y == y)) return false;
                          return a < b;
                        });
      for (std::int64_t k = 0; k < per_box_; ++k) put(found * op_.max_classes_per_detection + k, box, w.categories[k]);
      ++found;
    });
    return found;
  }

  template <class Put>
  std::int64_t by_class(Work& w, const float* scores, Put put) const noexcept {
    std::int64_t found = 0;
    for (std::int32_t k = 0; k < op_.classes; ++k) {
      for (std::int64_t i = 0; i < count_; ++i) w.scores[i] = scores[i * columns_ + background_ + k];
      std::int64_t n = found;
      suppress(w, op_.detections_per_class, [&](std::int32_t box) { w.list[n++] = {w.scores[box], box, k}; });
      // The list has the best of the classes before, then those of this one: equal ones stay in this order.
      merge(w.list, found, n);
      found = std::min(n, op_.max_detections);
    }
    for (std::int64_t i = 0; i < found; ++i) put(i, w.list[i].box, w.list[i].category);
    return found;
  }

  /// Sorts the list, whose order is total: by score, class, and rank in the class.
  static void merge(Detection* list, std::int64_t first, std::int64_t n) noexcept {
    if (first == n) return;
    std::sort(list, list + n, [](const Detection& a, const Detection& b) {
      if (a.score != b.score) return a.score > b.score;
      return a.category != b.category ? a.category < b.category : a.box < b.box;
    });
  }

  DetectionPostProcess op_;
  std::int64_t images_ = 0, count_ = 0, numbers_ = 4, columns_ = 1, background_ = 0, per_box_ = 1, list_ = 0;
  std::int64_t worker_ = 0;
};

}  // namespace detail
OCTET_END
