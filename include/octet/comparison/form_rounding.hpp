#pragma once
#include <algorithm>

#include "../quantization/round_weights.hpp"
#include "automatic.hpp"

/// How an automatic choice rounds weights.
OCTET_BEGIN
namespace detail {

/// Rounds the layers of a plan for the float model's inputs, since the layers before them may have any form.
inline void round_alone(const OptimizedModel& model, QuantizationPlan& plan, const Int8Options& options) {
  RoundingOptions samples = options.rounding_samples;
  if (samples.inputs.empty()) return;
  samples.each_alone = true;
  round_plan(model, plan, options.round, samples, samples.notes ? samples.notes : options.notes);
}

/// In a plan whose forms are chosen: rounds again where weights have few bits, each layer on the results of the layers
/// before it. Returns false if there are no such weights.
inline bool round_together(const OptimizedModel& model, QuantizationPlan& plan, const Target& target) {
  const bool few_bits = std::any_of(plan.layers.begin(), plan.layers.end(), [](const auto& l) {
    return l.second.weight_bits < 8 && !l.second.weight_codes.empty();
  });
  RoundingOptions samples = target.int8.rounding_samples;
  if (!few_bits || samples.inputs.empty()) return false;
  if (target.progress)
    samples.progress = [&](std::int64_t done, std::int64_t total) { target.progress("rounding again", done, total); };
  round_plan(model, plan, target.int8.round, samples, nullptr);
  return true;
}

}  // namespace detail
OCTET_END
