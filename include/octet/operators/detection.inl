#pragma once
#include "detection_step.hpp"

OCTET_BEGIN

OCTET_API std::vector<Shape> DetectionPostProcess::shapes(const ShapeContext& c) const {
  c.require(c.inputs() == 3, "expected three inputs (boxes, scores, anchors), found ", c.inputs());
  const Shape &b = c.shape(boxes), &s = c.shape(class_scores), &a = c.shape(anchors);
  const auto fits = [](std::int64_t found, std::int64_t wanted) {
    return found == Shape::unknown || wanted == Shape::unknown || found == wanted;
  };
  c.require(b.rank() == 3 && s.rank() == 3 && a.rank() == 2 && b[2] >= 4 && fits(a[1], 4) && fits(s[0], b[0]) &&
                fits(s[1], b[1]) && fits(a[0], b[1]) && fits(a[0], s[1]),
            "expected boxes [N, boxes, 4], scores [N, boxes, classes] and anchors [boxes, 4], found ", b, ", ", s,
            " and ", a);
  constexpr std::int64_t most = 1 << 16;
  const auto limited = [&](const char* what, std::int64_t x, std::int64_t least) {
    c.require(x >= least && x <= most, what, " is ", x, ", expected ", least, " to ", most);
  };
  limited("max_detections", max_detections, 0);
  limited("max_classes_per_detection", max_classes_per_detection, 1);
  limited("detections_per_class", detections_per_class, 1);
  limited("the number of classes", classes, 1);
  c.require(max_detections * max_classes_per_detection <= (1 << 20), "gives ", max_detections, " detections of ",
            max_classes_per_detection, " classes, expected at most 2^20 together");
  c.require(s[2] == Shape::unknown || s[2] == classes || s[2] == classes + 1, "expected scores of ", classes,
            " classes, or one more for the background, found ", s);
  c.require(b[1] <= (1 << 24), "has ", b[1], " boxes, expected at most 2^24");
  c.require(iou_threshold > 0 && iou_threshold <= 1, "the threshold of overlap is ", iou_threshold,
            ", expected more than 0 and at most 1");
  c.require(scales.size() == 4, "has ", scales.size(), " scales, expected 4");
  for (double scale : scales)
    c.require(std::isfinite(scale) && scale != 0, "a scale is ", scale, ", expected a finite number other than 0");
  const std::int64_t n = max_detections * max_classes_per_detection;
  return {{b[0], n, 4}, {b[0], n}, {b[0], n}, {b[0]}};
}

OCTET_API std::unique_ptr<Step> DetectionPostProcess::prepare(const PrepareContext& c) const {
  for (int i = 0; i < 3; ++i)
    c.require(c.input(i).dtype == DType::f32, "no form for ", name(c.input(i).dtype), " ('", c.input(i).name, "')");
  return detail::make_step<detail::DetectionStep>(*this);
}

OCTET_END
