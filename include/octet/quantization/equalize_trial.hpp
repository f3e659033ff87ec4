#pragma once
#include <cmath>

#include "../runtime/executor.hpp"
#include "apply_plan.hpp"
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
  std::vector<double> signal(g.outputs.size(), 0.0), noise = signal;
  for (const Tensor<float>& batch : batches) {
    const std::vector<AnyTensor> x = exact.run({batch}), y = planned.run({batch});
    for (std::size_t o = 0; o < x.size(); ++o) {
      if (x[o].dtype() != DType::f32) continue;
      const View<const float> a = x[o].view<float>(), b = y[o].view<float>();
      for (std::int64_t i = 0; i < a.size(); ++i) {
        signal[o] += rounded(static_cast<double>(a[i]) * static_cast<double>(a[i]));
        const double e = static_cast<double>(a[i]) - static_cast<double>(b[i]);
        noise[o] += rounded(e * e);
      }
    }
  }
  double sum = 0;
  for (std::size_t o = 0; o < signal.size(); ++o)
    if (signal[o] > 0) sum += 10 * std::log10(noise[o] / signal[o] + 1e-12);
  return sum / static_cast<double>(std::max<std::size_t>(signal.size(), 1));
}

/// Plans int8 layers, with weights rounded to nearest. Where options.trial has inputs, equalized channels are kept only
/// if they reduce the error of the outputs on them.
inline QuantizationPlan nearest_plan_by_trial(const OptimizedModel& g, const Calibration& calibration,
                                              const Int8Options& options) {
  QuantizationPlan plan = make_int8_plan(g, calibration, options);
  if (options.trial.empty() || options.equalize != Equalize::where_better || plan.channel_exponents.empty())
    return plan;
  require(g.inputs.size() == 1, "Int8Options::trial is for models with one input; model '", g.name, "' has ",
          g.inputs.size());
  Int8Options same = options;
  same.equalize = Equalize::never;
  QuantizationPlan other = make_int8_plan(g, calibration, same);
  const double with = output_noise_db(g, plan, options.trial), without = output_noise_db(g, other, options.trial);
  const bool better = with <= without;
  if (options.notes)
    options.notes->push_back(concat("channels of ", plan.channel_exponents.size(), " tensors with uneven ranges were ",
                                    better ? "" : "not ", "equalized: the outputs have ", std::round(-10 * with) / 10,
                                    " dB SQNR with it, ", std::round(-10 * without) / 10, " dB without"));
  return better ? plan : other;
}

/// The same with weights rounded as the options say.
inline QuantizationPlan plan_by_trial(const OptimizedModel& g, const Calibration& calibration,
                                      const Int8Options& options) {
  QuantizationPlan plan = nearest_plan_by_trial(g, calibration, options);
  round_plan(g, plan, options.round, options.rounding_samples);
  return plan;
}

}  // namespace detail
OCTET_END
