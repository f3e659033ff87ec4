#pragma once
#include "../runtime/runnable.hpp"
#include "equalize_trial.hpp"
#include "float_model.hpp"
#include "make_plan.hpp"
#include "plan.hpp"

OCTET_BEGIN

OCTET_API const char* name(PlannedForm form) noexcept {
  switch (form) {
    case PlannedForm::floating: return "float";
    case PlannedForm::integer: return "int8";
    case PlannedForm::dynamic: return "dynamic_range";
    case PlannedForm::half: return "fp16";
    case PlannedForm::bfloat16: return "bf16";
    case PlannedForm::integer16: return "int16";
  }
  return "unknown";
}

OCTET_API std::vector<std::string> plan_layer_names(const OptimizedModel& model) {
  return detail::unique_layer_names(model);
}

namespace detail {

OCTET_API QuantizationPlan plan_weights_of(const Model& model, PlannedForm form, const Calibration* calibration,
                                           const WeightOptions& options) {
  return make_weight_plan(optimize_for_weights(model), form, calibration, options);
}

OCTET_API QuantizationPlan plan_integers(const Model& model, const Calibration& calibration,
                                         const Int8Options& options) {
  return plan_by_trial(optimize_for_weights(model), calibration, options);
}

}  // namespace detail

OCTET_API Model quantize(const Model& model, const QuantizationPlan& plan) {
  return runnable(detail::PlannedModel(detail::optimize_for_weights(model), plan).build());
}

OCTET_END
