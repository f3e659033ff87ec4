#pragma once
#include <flatbuffers/flexbuffers.h>

#include "../../../operators/detection.hpp"
#include "../../../operators/register_operator.hpp"
#include "../node_export.hpp"

OCTET_BEGIN
namespace detail::tflite {

/// Every parameter of an operator, in a map of FlexBuffers.
class CustomOptionsWriter : public FieldVisitor {
 public:
  explicit CustomOptionsWriter(flexbuffers::Builder& to) : to_(to) {}
  using FieldVisitor::field;
  void field(const char* name, std::int64_t& v) override { to_.Int(name, v); }
  void field(const char* name, double& v) override { to_.Double(name, v); }
  void field(const char* name, std::string& v) override { to_.String(name, v); }
  void field(const char* name, std::vector<std::int64_t>& v) override {
    to_.Vector(name, [&] {
      for (std::int64_t x : v) to_.Int(x);
    });
  }
  void field(const char* name, std::vector<double>& v) override {
    to_.Vector(name, [&] {
      for (double x : v) to_.Double(x);
    });
  }

 private:
  flexbuffers::Builder& to_;
};

/// A registered operator with a name in TFLite files.
inline void export_own_operator(NodeExport& n, const OperatorType& type) {
  const std::shared_ptr<Operator> copy = type.copy(n.op());
  flexbuffers::Builder options;
  CustomOptionsWriter writer(options);
  options.Map([&] { copy->fields(writer); });
  options.Finish();
  FileOperator o;
  o.type = type.files.tflite_code;
  o.custom = true;
  o.custom_options = options.GetBuffer();
  for (int i = 0; i < n.inputs(); ++i) o.inputs.push_back(n.has(i) ? n.in(i) : TensorExport::none);
  for (int i = 0; i < n.outputs(); ++i) o.outputs.push_back(n.out(i));
  n.tensors().file().operators.push_back(std::move(o));
}

/// The detections of SSD networks, a custom operator that runtimes have. It reads float numbers.
inline void export_detection(NodeExport& n) {
  const auto& d = static_cast<const DetectionPostProcess&>(n.op());
  const std::int64_t images = n.input(DetectionPostProcess::boxes).shape[0];
  n.require(images == 1 || images == Shape::unknown, "detects in ", images,
            " images, expected one, as TFLite requires");
  flexbuffers::Builder options;
  options.Map([&] {
    options.Int("max_detections", d.max_detections);
    options.Int("max_classes_per_detection", d.max_classes_per_detection);
    options.Int("detections_per_class", d.detections_per_class);
    options.Bool("use_regular_nms", d.regular_nms);
    options.Float("nms_score_threshold", static_cast<float>(d.score_threshold));
    options.Float("nms_iou_threshold", static_cast<float>(d.iou_threshold));
    options.Int("num_classes", d.classes);
    const char* const names[] = {"y_scale", "x_scale", "h_scale", "w_scale"};
    for (std::size_t i = 0; i < 4; ++i) options.Float(names[i], static_cast<float>(d.scales[i]));
  });
  options.Finish();
  FileOperator o;
  o.type = "TFLite_Detection_PostProcess";
  o.custom = true;
  o.custom_options = options.GetBuffer();
  for (int i = 0; i < n.inputs(); ++i) o.inputs.push_back(n.in(i));
  for (int i = 0; i < n.outputs(); ++i) o.outputs.push_back(n.out(i));
  n.tensors().file().operators.push_back(std::move(o));
}

}  // namespace detail::tflite
OCTET_END
