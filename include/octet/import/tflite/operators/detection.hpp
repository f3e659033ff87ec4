#pragma once
#include "../flex_map.hpp"
#include "../operator_import.hpp"

OCTET_BEGIN
namespace detail::tflite {

/// TFLite_Detection_PostProcess. Inputs, quantized or not: boxes, scores, anchors.
inline void import_detection(OperatorImport& n) {
  const std::vector<std::uint8_t> bytes = n.custom_options();
  n.require(!bytes.empty(), "has no options");
  const std::map<std::string, FlexValue> options = FlexReader(bytes).map();
  const auto number = [&](const char* name) -> const FlexValue* {
    const auto found = options.find(name);
    if (found == options.end()) return nullptr;
    n.require(!found->second.is_text && !found->second.is_list, "option '", name, "' is not a number");
    return &found->second;
  };
  const auto whole = [&](const char* name, std::int64_t missing) {
    const FlexValue* v = number(name);
    n.require(v || missing >= 0, "option '", name, "' is missing");
    n.require(!v || v->is_whole, "option '", name, "' is not an integer");
    return v ? v->integers[0] : missing;
  };
  const auto real = [&](const char* name) {
    const FlexValue* v = number(name);
    n.require(v != nullptr, "option '", name, "' is missing");
    return v->reals[0];
  };
  DetectionPostProcess op;
  op.max_detections = whole("max_detections", -1);
  op.max_classes_per_detection = whole("max_classes_per_detection", -1);
  op.detections_per_class = whole("detections_per_class", 100);
  op.regular_nms = whole("use_regular_nms", 0) != 0;
  op.score_threshold = real("nms_score_threshold");
  op.iou_threshold = real("nms_iou_threshold");
  op.classes = whole("num_classes", -1);
  op.scales = {real("y_scale"), real("x_scale"), real("h_scale"), real("w_scale")};
  n.add(std::move(op), {n.real_value(0), n.real_value(1), n.real_value(2)}, 0, 4);
}

/// Inputs: boxes, scores, the number of boxes to select, two thresholds and, in version 5, sigma.
inline void import_non_max_suppression(OperatorImport& n, bool soft) {
  SoftNonMaxSuppression op;
  op.most = n.integers(2, 1)[0];
  op.iou_threshold = n.element(3);
  op.score_threshold = n.element(4);
  if (soft) op.sigma = n.element(5);
  op.gives_scores = soft;
  const int boxes = n.real_value(0), scores = n.real_value(1);
  n.add(std::move(op), {boxes, scores}, 0, soft ? 3 : 2);
}

}  // namespace detail::tflite
OCTET_END
