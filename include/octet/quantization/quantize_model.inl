#pragma once
#include "../runtime/runnable.hpp"
#include "equalize_trial.hpp"
#include "float_model.hpp"
#include "make_plan.hpp"
#include "quantize_model.hpp"

OCTET_BEGIN
namespace detail {

OCTET_API Model quantize_weights_of(const Model& model, PlannedForm form, const Calibration* calibration,
                                    const WeightOptions& options) {
  OptimizedModel g = optimize_for_weights(model);
  const QuantizationPlan plan = make_weight_plan(g, form, calibration, options);
  return runnable(PlannedModel(std::move(g), plan).build());
}

OCTET_API Model quantize_to_integers(const Model& model, const Calibration& calibration, const Int8Options& options) {
  OptimizedModel g = optimize_for_weights(model);
  const QuantizationPlan plan = plan_by_trial(g, calibration, options);
  return runnable(PlannedModel(std::move(g), plan).build());
}

}  // namespace detail
OCTET_END
