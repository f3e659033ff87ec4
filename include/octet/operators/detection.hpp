#pragma once
#include <array>

#include "declare.hpp"

OCTET_BEGIN

/// The detections of an SSD network, as TensorFlow Lite's TFLite_Detection_PostProcess gives them. Inputs: boxes
/// [N, boxes, 4 or more] as y, x, height and width relative to an anchor; scores [N, boxes, classes], or with a class
/// for the background before the others; anchors [boxes, 4]. Outputs: boxes [N, n, 4] as top, left, bottom and right,
/// classes [N, n] and scores [N, n], the best first, and the number of detections [N]; the rest is 0.
///
/// A box is dropped if it overlaps a better one. Fast suppression compares boxes by their best class, and gives
/// several classes of each; regular suppression compares the boxes of each class. Scores that are NaN are never
/// detected.
class DetectionPostProcess : public OperatorOf<DetectionPostProcess> {
 public:
  static constexpr const char* type_name = "DetectionPostProcess";  ///< see Operator::type
  /// The inputs, in order.
  enum Operand : int {
    boxes,         ///< [N, boxes, 4 or more]
    class_scores,  ///< [N, boxes, classes], or one class more for the background
    anchors        ///< [boxes, 4]
  };
  std::int64_t max_detections = 10;            ///< of an image
  std::int64_t max_classes_per_detection = 1;  ///< with fast suppression: classes given of each box
  std::int64_t detections_per_class = 100;     ///< with regular suppression
  std::int64_t classes = 1;                    ///< without the background
  bool regular_nms = false;                    ///< regular instead of fast suppression
  double score_threshold = 0;                  ///< boxes of lower scores are dropped
  double iou_threshold = 0.5;                  ///< boxes that overlap a better one by more are dropped
  std::vector<double> scales{1, 1, 1, 1};      ///< what y, x, height and width of boxes are divided by

  void fields(FieldVisitor& v) override {
    v.field("max_detections", max_detections);
    v.field("max_classes_per_detection", max_classes_per_detection);
    v.field("detections_per_class", detections_per_class);
    v.field("classes", classes);
    v.field("regular_nms", regular_nms);
    v.field("score_threshold", score_threshold);
    v.field("iou_threshold", iou_threshold);
    v.field("scales", scales);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "detection.inl"
#endif
