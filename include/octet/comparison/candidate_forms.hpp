#pragma once
#include "../kernels/dispatch.hpp"
#include "../quantization/make_plan.hpp"
#include "automatic.hpp"
#include "form_rounding.hpp"

/// The forms that an automatic choice may give to layers.
OCTET_BEGIN
namespace detail {

/// What plans of a whole model in one form are made of.
struct FormSources {
  const OptimizedModel& graph;
  const Calibration& calibration;
  const Target& target;
  const QuantizationPlan& int8;  // the plan of the form int8
};

/// A form that layers may have.
struct CandidateForm {
  const char* title;
  /// The plan of a whole model in that form: float layers do not have it.
  QuantizationPlan (*plan)(const FormSources& from);
  /// Whether it can be better than the other forms for the target's objective, on this CPU.
  bool (*serves)(const Target& target);
  /// The form of the layers that do not have it, in a model of that form.
  std::size_t otherwise;
};

constexpr std::size_t float_form = 0, int8_form = 1, dynamic_form = 2;  // places in candidate_forms

/// The plan of int8 layers with these options, each rounded alone.
inline QuantizationPlan plan_of_int8(const FormSources& from, Int8Options options) {
  options.equalize = Equalize::never;  // the model's channels are multiplied already
  QuantizationPlan p = make_int8_plan(from.graph, from.calibration, options);
  round_alone(from.graph, p, options);
  return p;
}

/// Weights are rounded as those of int8, where they have the same scales.
inline QuantizationPlan plan_of_dynamic(const FormSources& from) {
  QuantizationPlan p = make_weight_plan(from.graph, PlannedForm::dynamic, &from.calibration, from.target.weights);
  for (auto& [name, layer] : p.layers) {
    const LayerPlan& rounded = from.int8.layers.at(name);
    if (layer.form != PlannedForm::dynamic || rounded.weight_codes.empty() || layer.weights != rounded.weights ||
        layer.block_multipliers != rounded.block_multipliers)
      continue;
    layer = rounded;
    layer.form = PlannedForm::dynamic;
  }
  return p;
}

/// The plan of int8 with other activations.
inline QuantizationPlan plan_of_int16(const FormSources& from) {
  QuantizationPlan p = from.int8;
  const std::vector<std::string> names = plan_layer_names(from.graph);
  for (std::size_t l = 0; l < names.size(); ++l) {
    LayerPlan& layer = p.layers.at(names[l]);
    const IntegerForm form = from.graph.nodes[l].op->integer_form();
    if (layer.form == PlannedForm::integer && form.int16)
      layer.form = PlannedForm::integer16;
    else
      layer = {};
  }
  return p;
}

/// int8 with weights of 4 bits, in the layers whose weights have more otherwise.
inline QuantizationPlan plan_of_int4(const FormSources& from) {
  Int8Options o = from.target.int8;
  o.weight_bits = 4;
  o.weights = RangeMethod::mse;
  o.notes = o.rounding_samples.notes = nullptr;  // the same as those of int8
  QuantizationPlan p = plan_of_int8(from, std::move(o));
  for (auto& [name, layer] : p.layers)
    if (layer.weight_bits >= from.int8.layers.at(name).weight_bits) layer = {};
  return p;
}

/// All of them. Float, int8 and dynamic range have fixed places; another form is an entry here and nothing else.
inline const std::vector<CandidateForm>& candidate_forms() {
  static const auto always = [](const Target&) { return true; };
  static const std::vector<CandidateForm> forms{
      {"float",
       [](const FormSources& from) {
         QuantizationPlan p;
         for (const std::string& n : plan_layer_names(from.graph)) p.layers[n] = {};
         return p;
       },
       always, float_form},
      {"int8", [](const FormSources& from) { return plan_of_int8(from, from.target.int8); }, always, float_form},
      {"dynamic_range", plan_of_dynamic, always, float_form},
      {"int16", plan_of_int16, always, int8_form},
      {"int4", plan_of_int4,
       // Only products of few rows are faster.
       [](const Target& t) { return t.objective != Objective::latency; }, int8_form},
      {"bf16",
       [](const FormSources& from) {
         WeightOptions all = from.target.weights;
         all.least_elements = 0;  // for speed
         return make_weight_plan(from.graph, PlannedForm::bfloat16, &from.calibration, all);
       },
       // Its file is as large as that of fp16, which is more accurate.
       [](const Target& t) { return t.objective != Objective::size && kernels().gemm_bf16 && !t.executor.same_floats; },
       float_form},
      {"fp16",
       [](const FormSources& from) {
         return make_weight_plan(from.graph, PlannedForm::half, &from.calibration, from.target.weights);
       },
       // It runs as float.
       [](const Target& t) { return t.objective == Objective::size; }, float_form},
  };
  return forms;
}

/// All of them, as those that are wanted.
inline std::vector<bool> all_forms() { return std::vector<bool>(candidate_forms().size(), true); }
/// Which of them serve a target.
inline std::vector<bool> forms_that_serve(const Target& target) {
  std::vector<bool> serving;
  for (const CandidateForm& f : candidate_forms()) serving.push_back(f.serves(target));
  return serving;
}

}  // namespace detail
OCTET_END
