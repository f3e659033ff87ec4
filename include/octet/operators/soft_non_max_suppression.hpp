#pragma once
#include <limits>

#include "declare.hpp"

OCTET_BEGIN

/// The boxes that remain of those that overlap, as TensorFlow Lite's NON_MAX_SUPPRESSION_V4 and V5 select them. Inputs:
/// boxes [boxes, 4], each as two opposite corners y, x, y, x; scores [boxes]; both float32. Outputs: the indices of
/// the selected boxes [most], int32, the best first; with gives_scores their scores [most]; and their number, int32.
/// The rest is 0.
///
/// Of equal scores, the first box comes first. Scores that are NaN are never selected.
class SoftNonMaxSuppression : public OperatorOf<SoftNonMaxSuppression> {
 public:
  static constexpr const char* type_name = "SoftNonMaxSuppression";  ///< see Operator::type
  /// The inputs, in order.
  enum Operand : int {
    boxes,      ///< [boxes, 4]
    box_scores  ///< [boxes]
  };
  std::int64_t most = 0;     ///< boxes that are selected, at most
  double iou_threshold = 0;  ///< in [0, 1]; a box is dropped if it overlaps a better one by as much
  double score_threshold = -std::numeric_limits<double>::infinity();  ///< only higher scores are selected
  double sigma = 0;           ///< if positive, the score of a box is multiplied by exp(-iou^2 / (2 sigma)) for each
                              ///< selected box that it overlaps
  bool gives_scores = false;  ///< there is an output of scores

  void fields(FieldVisitor& v) override {
    v.field("most", most);
    v.field("iou_threshold", iou_threshold);
    v.field("score_threshold", score_threshold);
    v.field("sigma", sigma);
    v.field("gives_scores", gives_scores);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  DType dtype(const ShapeContext&, int i) const override { return gives_scores && i == 1 ? DType::f32 : DType::i32; }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "soft_non_max_suppression.inl"
#endif
