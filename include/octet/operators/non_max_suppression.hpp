#pragma once
#include <limits>

#include "data_sized.hpp"

OCTET_BEGIN

/// The boxes that remain of those that overlap, as ONNX's NonMaxSuppression selects them. Inputs: boxes [N, boxes, 4],
/// each as two opposite corners y, x, y, x, or as center and size x, y, width, height; scores [N, classes, boxes]; both
/// float32. Output: int64 [selected, 3], of which each row is image, class and box: images and classes in ascending
/// order, boxes from the highest score on (of equal ones, in ascending order). How many there are is known only after a
/// run. Scores that are NaN are never selected.
class NonMaxSuppression : public DataSizedOperator<NonMaxSuppression> {
 public:
  static constexpr const char* type_name = "NonMaxSuppression";  ///< see Operator::type
  /// The inputs, in order.
  enum Operand : int {
    boxes,        ///< [N, boxes, 4]
    class_scores  ///< [N, classes, boxes]
  };
  std::int64_t max_per_class = 0;  ///< boxes selected of each image and class, at most; 0: none
  double iou_threshold = 0;        ///< in [0, 1]; a box is dropped if it overlaps a better one by more
  double score_threshold = -std::numeric_limits<double>::infinity();  ///< only higher scores are selected
  bool center_point_box = false;                                      ///< boxes are given as center and size

  void fields(FieldVisitor& v) override {
    v.field("max_per_class", max_per_class);
    v.field("iou_threshold", iou_threshold);
    v.field("score_threshold", score_threshold);
    v.field("center_point_box", center_point_box);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  DType dtype(const ShapeContext&, int) const override { return DType::i64; }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "non_max_suppression.inl"
#endif
