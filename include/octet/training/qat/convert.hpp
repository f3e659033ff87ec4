#pragma once
#include "../../quantization/plan.hpp"

OCTET_BEGIN

/// Converts a trained model from prepare_qat to an integer model, as quantize<int8> would make it, with the rounded
/// weights and the observed or learned scales. Throws Error, naming the layer, if an observer has seen no data, or
/// numbers that are not finite.
Model convert(const Model& model);

/// What a model of prepare_qat has learned: the float model with the rounded weights, and the plan with the scales.
struct LearnedPlan {
  Model model;            ///< float
  QuantizationPlan plan;  ///< for `model`
};

/// The plan that `convert` applies, to be looked at, edited or saved: quantize(learned.model, learned.plan) gives the
/// same model as convert(model). Throws as convert does.
LearnedPlan learned_plan(const Model& model);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "convert.inl"
#endif
