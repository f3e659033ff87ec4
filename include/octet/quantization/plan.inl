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

/// Adds a note if blocks of weights are wanted but no layer has them.
inline QuantizationPlan noting_blocks(QuantizationPlan plan, std::int64_t block, std::vector<std::string>* notes) {
  const bool used =
      std::any_of(plan.layers.begin(), plan.layers.end(), [](const auto& entry) { return has_blocks(entry.second); });
  if (block != 0 && !used && notes)
    notes->push_back(concat("no layer has blocks of ", block,
                            " weights, which are for fully connected layers with more ",
                            "inputs and integer weights of at most ", most_block_bits, " bits"));
  return plan;
}

OCTET_API QuantizationPlan plan_weights_of(const Model& model, PlannedForm form, const Calibration* calibration,
                                           const WeightOptions& options) {
  return noting_blocks(make_weight_plan(optimize_for_weights(model), form, calibration, options),
                       form == PlannedForm::dynamic ? options.weight_block : 0, options.notes);
}

OCTET_API QuantizationPlan plan_integers(const Model& model, const Calibration& calibration,
                                         const Int8Options& options) {
  return noting_blocks(plan_by_trial(optimize_for_weights(model), calibration, options), options.weight_block,
                       options.notes);
}

}  // namespace detail

OCTET_API Model quantize(const Model& model, const QuantizationPlan& plan) {
  return runnable(detail::PlannedModel(detail::optimize_for_weights(model), plan).build());
}

OCTET_END
