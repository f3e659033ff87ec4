#pragma once
#include <cmath>
#include <optional>

#include "../core/error_energy.hpp"
#include "../runtime/executor.hpp"
#include "apply_plan.hpp"
#include "collapse.hpp"
#include "make_plan.hpp"
#include "round_weights.hpp"

OCTET_BEGIN
namespace detail {

/// The mean over the outputs of the error that a plan causes, in decibels of the outputs.
inline double output_noise_db(const OptimizedModel& g, QuantizationPlan plan,
                              const std::vector<Tensor<float>>& batches) {
  plan.integer_input = plan.integer_output = false;
  ExecutorOptions options;
  options.same_floats = true;  // so that the choice does not depend on the CPU
  Executor exact(g, options), planned(PlannedModel(g, plan).build(), options);
  std::vector<ErrorEnergy> energies(g.outputs.size());
  for (const Tensor<float>& batch : batches) {
    const std::vector<AnyTensor> x = exact.run({batch}), y = planned.run({batch});
    for (std::size_t o = 0; o < x.size(); ++o) {
      if (x[o].dtype() != DType::f32) continue;
      const View<const float> a = x[o].view<float>(), b = y[o].view<float>();
      for (std::int64_t i = 0; i < a.size(); ++i) energies[o].add(static_cast<double>(a[i]), static_cast<double>(b[i]));
    }
  }
  double sum = 0;
  for (const ErrorEnergy& e : energies)
    if (e.signal > 0) sum += 10 * std::log10(e.part() + 1e-12);
  return sum / static_cast<double>(std::max<std::size_t>(energies.size(), 1));
}

/// A plan, and the error of the outputs that it causes on options.trial, in decibels (output_noise_db), if it is known.
struct TriedPlan {
  QuantizationPlan plan;
  std::optional<double> noise_db = {};
};

/// Plans int8 layers. Where options.trial has inputs, equalized channels are kept only if they reduce the error of the
/// outputs on them.
inline TriedPlan plan_with_equalization(const OptimizedModel& g, const Calibration& calibration,
                                        const Int8Options& options) {
  QuantizationPlan plan = make_int8_plan(g, calibration, options);
  if (options.trial.empty() || options.equalize != Equalize::where_better || plan.channel_exponents.empty())
    return {std::move(plan)};
  Int8Options same = options;
  same.equalize = Equalize::never;
  QuantizationPlan other = make_int8_plan(g, calibration, same);
  const double with = output_noise_db(g, plan, options.trial), without = output_noise_db(g, other, options.trial);
  const bool better = with <= without;
  if (options.notes)
    options.notes->push_back(concat("channels of ", plan.channel_exponents.size(), " tensors with uneven ranges were ",
                                    better ? "" : "not ", "equalized: the outputs have ", std::round(-10 * with) / 10,
                                    " dB SQNR with it, ", std::round(-10 * without) / 10, " dB without"));
  return {better ? std::move(plan) : std::move(other), std::min(with, without)};
}

/// If the outputs have less than 20 dB SQNR on options.trial, keeps the layers float that collapse first, then those
/// that still collapse, as long as the outputs gain at least 3 dB by it.
inline QuantizationPlan without_collapse(const OptimizedModel& g, const Calibration& calibration,
                                         const Int8Options& options, TriedPlan tried) {
  constexpr int most_rounds = 8;
  constexpr double good_enough_db = 20, least_gain_db = 3;
  double noise = tried.noise_db ? *tried.noise_db : output_noise_db(g, tried.plan, options.trial);
  const Links links(g);
  Int8Options kept = options;
  kept.notes = nullptr;
  for (int round = 0; round < most_rounds && noise > -good_enough_db; ++round) {
    const std::vector<std::size_t> found = first_collapsed(g, tried.plan, options.trial);
    if (found.empty()) break;
    for (std::size_t l : found) kept.keep_float.push_back(g.nodes[l].name);
    for (std::size_t l : found)  // the cause may be their inputs: a small difference of large numbers cancels
      for (int v : g.nodes[l].inputs)
        if (const int p = links.producer(v); p != Node::none) kept.keep_float.push_back(g.nodes[at(p)].name);
    TriedPlan next = plan_with_equalization(g, calibration, kept);
    const double now = next.noise_db ? *next.noise_db : output_noise_db(g, next.plan, options.trial);
    if (!(now <= noise - least_gain_db)) break;
    if (options.notes)
      for (std::size_t l : found)
        options.notes->push_back(concat("layer '", g.nodes[l].name,
                                        "' and those before it stay float: as int8 its result has less than ",
                                        collapsed_below_db, " dB SQNR. The outputs then have ",
                                        std::round(-10 * now) / 10, " dB instead of ", std::round(-10 * noise) / 10));
    tried = std::move(next);
    noise = now;
  }
  return std::move(tried.plan);
}

/// Plans int8 layers, with weights rounded to nearest. On options.trial it tries whether equalized channels are better
/// and, unless weights are rounded otherwise later, whether layers that collapse are better as float.
inline QuantizationPlan nearest_plan_by_trial(const OptimizedModel& g, const Calibration& calibration,
                                              const Int8Options& options) {
  if (options.trial.empty()) return make_int8_plan(g, calibration, options);
  require(g.inputs.size() == 1, "Int8Options::trial is for models with one input; model '", g.name, "' has ",
          g.inputs.size());
  TriedPlan plan = plan_with_equalization(g, calibration, options);
  if (options.round != RoundWeights::nearest) return std::move(plan.plan);
  return without_collapse(g, calibration, options, std::move(plan));
}

/// The same with weights rounded as the options say.
inline QuantizationPlan plan_by_trial(const OptimizedModel& g, const Calibration& calibration,
                                      const Int8Options& options) {
  if (options.notes) {
    MaskedSoftmax(g, calibration).add_notes(*options.notes);
    note_empty_tensors(g, calibration, *options.notes);
  }
  QuantizationPlan plan = nearest_plan_by_trial(g, calibration, options);
  const RoundingOptions& samples = options.rounding_samples;
  round_plan(g, plan, options.round, samples, samples.notes ? samples.notes : options.notes);
  return plan;
}

}  // namespace detail
OCTET_END
