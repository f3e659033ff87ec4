#pragma once
#include "../export/save.hpp"
#include "../model_file/model_file.hpp"
#include "form_path.hpp"

OCTET_BEGIN
namespace detail {

/// The models that an automatic choice tried as a whole, the float model first.
class ModelCurve {
 public:
  /// `notes` receives what cannot be offered.
  ModelCurve(const FormPlans& plans, const std::vector<std::vector<FormFacts>>& facts, const OptimizedModel& model,
             Executor& exact, const TrialSamples& choosing, const Target& target, std::vector<std::string>& notes)
      : plans_(plans),
        facts_(facts),
        model_(model),
        exact_(exact),
        choosing_(choosing),
        target_(target),
        notes_(notes) {}

  struct Tried {
    Forms forms;
    bool offered = true;  ///< it may be the result
  };
  std::vector<AutomaticPoint> points;
  std::vector<Tried> tried;  ///< of each point

  /// Makes and measures a model; returns its place in the curve.
  std::size_t add(const std::string& what, Forms forms) {
    QuantizationPlan plan = plans_.mixed(forms);
    return add(what, std::move(forms), std::move(plan));
  }
  /// The same of a plan with these forms.
  std::size_t add(const std::string& what, Forms forms, QuantizationPlan plan) {
    AutomaticPoint p;
    p.what = what;
    p.plan = std::move(plan);
    tried.push_back({std::move(forms), true});
    const Model m = quantize(model_, p.plan);
    Executor run(m, target_.executor);
    p.chosen_on = choosing_.measure(run);
    p.met = keeps(target_, p.chosen_on);
    measure_size(m, p);
    measure_time(run, p);
    p.memory_bytes = static_cast<std::int64_t>(run.packed_bytes() + run.arena_bytes());
    points.push_back(std::move(p));
    const auto done = static_cast<std::int64_t>(points.size());
    if (target_.progress) target_.progress("trying models", done, done + 1);
    return points.size() - 1;
  }

  /// The place of a mixture in the curve, where it is added unless it is there.
  std::size_t point_of(const Forms& forms) {
    for (std::size_t i = 0; i < tried.size(); ++i)
      if (tried[i].forms == forms) return i;
    return add(description(forms), forms);
  }

  /// What the target minimizes.
  double cost(const AutomaticPoint& p) const {
    switch (target_.objective) {
      case Objective::size: return static_cast<double>(p.size_bytes);
      case Objective::memory: return static_cast<double>(p.memory_bytes);
      case Objective::latency: break;
    }
    return p.milliseconds;
  }

 private:
  void measure_size(const Model& m, AutomaticPoint& p) {
    try {
      p.size_bytes = target_.file_size ? target_.file_size(m) : saved_size(m);
    } catch (const FormatError& e) {
      tried.back().offered = false;
      notes_.push_back(p.what + " is not offered: " + e.what());
    }
  }

  /// The time of a model, measured alternately with the float model, whose time is that of the first measurement: the
  /// load of the machine may have changed since.
  void measure_time(Executor& run, AutomaticPoint& p) {
    const std::vector<double> t =
        least_times({&exact_, &run}, choosing_.inputs(0), 1.0, [](const LayerTime&) { return true; });
    const double float_ms = points.empty() ? t[0] : points[0].milliseconds;
    p.milliseconds = points.empty() ? float_ms : float_ms * t[1] / t[0];
  }

  std::string description(const Forms& forms) const {
    std::vector<std::size_t> counts(candidate_forms().size(), 0);
    for (std::size_t l = 0; l < forms.size(); ++l)
      if (facts_[l].size() > 1) ++counts[forms[l]];
    std::string text;
    for (std::size_t f = 0; f < counts.size(); ++f)
      if (counts[f] > 0) text += concat(text.empty() ? "" : ", ", counts[f], " ", candidate_forms()[f].title);
    return "mixed: " + text;
  }

  const FormPlans& plans_;
  const std::vector<std::vector<FormFacts>>& facts_;  // of each layer
  const OptimizedModel& model_;
  Executor& exact_;
  const TrialSamples& choosing_;
  const Target& target_;
  std::vector<std::string>& notes_;
};

}  // namespace detail
OCTET_END
