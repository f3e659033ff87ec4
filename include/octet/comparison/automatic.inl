#pragma once
#include <set>

#include "automatic.hpp"
#include "model_curve.hpp"

OCTET_BEGIN

OCTET_API const char* name(Objective objective) noexcept {
  switch (objective) {
    case Objective::latency: return "latency";
    case Objective::size: return "size";
    case Objective::memory: return "memory";
  }
  return "unknown";
}

namespace detail {

/// The steps of an automatic choice.
class AutomaticChoice {
 public:
  /// `wanted`: the forms that are tried.
  AutomaticChoice(const Model& model, const Calibration& calibration, const Target& target,
                  const std::vector<bool>& wanted)
      : target_(checked(model, target)),
        model_(optimize_for_weights(model)),
        exact_(model_, target_.executor),
        choosing_(target_, 0, step(), exact_, *target_.executor.pool),
        wanted_(wanted),
        plans_(model_, calibration, with_notes(target_, notes_), wanted),
        curve_(plans_, facts_, model_, exact_, choosing_, target_, notes_) {
    require(target_.min_sqnr > 0 || choosing_.classes(), "model '", model.name,
            "' has no classes, whose accuracy could be kept: expected a Target::min_sqnr (--min-sqnr) for its outputs");
  }

  std::vector<LayerSensitivity> sensitivity() {
    scan(true);
    return sensitivities({});
  }

  AutomaticResult run() {
    const std::vector<CandidateForm>& forms = candidate_forms();
    std::vector<bool> allowed = wanted_;
    scan(target_.objective != Objective::size);
    const FormPath path(
        plans_, facts_, code_noise_, shapes_, target_,
        target_.objective == Objective::latency ? ConversionTimes(target_.executor) : ConversionTimes());
    curve_.add("float", path.uniform(float_form));
    for (std::size_t f = 1; f < forms.size(); ++f) {
      if (!allowed[f]) continue;
      const std::size_t point = curve_.add(forms[f].title, path.uniform(f));
      // Types of weights that the file does not have. Models of int8 or dynamic range may fail by single layers.
      if (f > dynamic_form && !curve_.tried[point].offered) allowed[f] = false;
    }
    search(path, allowed);
    if (target_.objective == Objective::latency) {  // without forms that convert at run time, conversions may be fewer
      allowed[dynamic_form] = false;
      search(path, allowed);
    }
    if (target_.min_sqnr > 0) improve(path);
    return prove(path);
  }

 private:
  static constexpr std::size_t most_changes = 64;  // of the cheapest mixture, that are tried

  /// Every second sample chooses, the others prove; a single sample does both.
  std::int64_t step() const { return target_.samples->size() > 1 ? 2 : 1; }
  static Target with_notes(Target target, std::vector<std::string>& notes) {
    target.int8.notes = target.weights.notes = &notes;
    return target;
  }
  void report(const char* stage, std::size_t done, std::size_t total) const {
    if (target_.progress) target_.progress(stage, static_cast<std::int64_t>(done), static_cast<std::int64_t>(total));
  }

  void scan(bool timed) {
    const LayerTrials trials(plans_, choosing_, target_, timed);
    scanned_ = trials.scanned();
    shapes_ = trials.shapes();
    const std::size_t layers = plans_.names().size();
    facts_.resize(layers);
    for (std::size_t l = 0; l < layers; ++l) {
      if (plans_.forms_of(l).size() > 1) facts_[l] = trials.of_layer(l, wanted_);
      report("trying layers", l + 1, layers);
    }
    code_noise_.resize(plans_.graph().values.size());
    for (std::size_t v = 0; v < code_noise_.size(); ++v)
      if (!plans_.graph().values[v].is_constant()) code_noise_[v] = trials.code_noise(static_cast<int>(v));
  }

  /// `chosen`: the forms of the layers that were chosen, or empty.
  std::vector<LayerSensitivity> sensitivities(const Forms& chosen) const {
    std::vector<LayerSensitivity> all;
    for (std::size_t l = 0; l < facts_.size(); ++l) {
      if (facts_[l].size() < 2) continue;
      LayerSensitivity s{plans_.names()[l], plans_.graph().nodes[l].op->type(), {}, {}};
      if (!chosen.empty()) s.chosen = candidate_forms()[chosen[l]].title;
      for (const FormFacts& f : facts_[l])
        s.forms.push_back(
            {candidate_forms()[f.form].title, least_decibels(f.noise), f.agreement, f.milliseconds, f.constant_bytes});
      all.push_back(std::move(s));
    }
    return all;
  }

  /// Mixtures of falling noise, and the first of them that keeps what is asked on the samples that choose.
  struct Path {
    std::vector<bool> allowed;
    std::vector<FormPath::Step> steps;
    std::size_t first = 0;
  };

  bool is_kept(const Forms& forms) { return keeps_asked(curve_.points[curve_.point_of(forms)].chosen_on); }
  bool keeps_asked(const Quality& q) const { return keeps(target_, q) && q.least_db >= asked_db_; }

  /// Predictions add the noise of layers, which may cancel in the model. So the changes that are predicted to save most
  /// are tried on the cheapest mixture, and made where it still keeps what is asked.
  void improve(const FormPath& path) {
    constexpr double least_saving = 0.002;
    const double alike = target_.objective == Objective::latency ? 1.03 : 1;  // of two measurements
    std::set<std::tuple<std::size_t, std::size_t, bool>> tried;
    std::size_t best = next_to_prove();
    if (best == curve_.points.size()) return;
    for (bool better = true; better;) {
      better = false;
      for (const FormPath::Change& c : path.savings(curve_.tried[best].forms, least_saving, paths_[0].allowed)) {
        if (tried.size() == most_changes || !tried.insert(c.what()).second) continue;
        report("changing layers", tried.size(), most_changes);
        const Forms next = path.changed(curve_.tried[best].forms, c);
        if (!keeps_asked(measured(choosing_, plans_.mixed(next)))) continue;
        const std::size_t point = curve_.point_of(next);
        if (!curve_.tried[point].offered) continue;
        const double before = curve_.cost(curve_.points[best]), now = curve_.cost(curve_.points[point]);
        if (now > before * alike) continue;
        best = point;
        better = true;
        break;
      }
    }
  }

  /// Finds the first mixture that keeps what is asked. None is left out, since a mixture may have less error than a
  /// later one, or, with few samples, more accuracy. Then the limit of noise is bisected between this one and the one
  /// before.
  void search(const FormPath& all, Path& path) {
    constexpr int refinements = 4;
    std::vector<FormPath::Step>& steps = path.steps;
    const std::size_t high = steps.size() - 1;
    std::size_t low = 0;
    while (low < high && !keeps_asked(measured(choosing_, plans_.mixed(steps[low].forms)))) ++low;
    is_kept(steps[low].forms);
    for (int k = 0; k < refinements && low > 0 && steps[low].limit > 0; ++k) {
      const FormPath::Step &missed = steps[low - 1], &kept = steps[low];
      const double limit = std::sqrt(missed.limit * kept.limit);
      Forms between = all.within(limit, {missed.forms, kept.forms}, path.allowed);
      if (between == missed.forms || between == kept.forms) break;
      const bool keeps_it = is_kept(between);
      steps.insert(steps.begin() + static_cast<std::ptrdiff_t>(low), {limit, std::move(between)});
      if (!keeps_it) ++low;
    }
    path.first = low;
  }
  void search(const FormPath& all, const std::vector<bool>& allowed) {
    paths_.push_back({allowed, all.mixtures(allowed)});
    search(all, paths_.back());
  }

  /// The cheapest model that keeps the target on the samples that choose and was not proved; the number of models if
  /// there is none.
  std::size_t next_to_prove() const {
    const std::vector<AutomaticPoint>& all = curve_.points;
    std::size_t best = all.size();
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all[i].met && curve_.tried[i].offered && !all[i].proof &&
          (best == all.size() || curve_.cost(all[i]) < curve_.cost(all[best])))
        best = i;
    return best;
  }

  /// The place of a model, or of the same one with weights that are rounded again, if that is better; the other one is
  /// not offered any more.
  std::size_t rounded_together(std::size_t point) {
    QuantizationPlan plan = curve_.points[point].plan;
    if (together_.count(point) || !round_together(model_, plan, target_)) return point;
    const std::string what = curve_.points[point].what + ", rounded together";
    const std::size_t next = curve_.add(what, curve_.tried[point].forms, std::move(plan));
    const Quality &before = curve_.points[point].chosen_on, &now = curve_.points[next].chosen_on;
    const bool takes = keeps_asked(now) && !better(before, now);
    curve_.tried[takes ? point : next].offered = false;
    return *together_.insert(takes ? next : point).first;
  }

  /// Proves models on the samples held apart, cheapest first, until one keeps the target.
  AutomaticResult prove(const FormPath& path) {
    const std::int64_t first = step() > 1 ? 1 : 0;
    const TrialSamples proving(target_, first, step(), exact_, *target_.executor.pool);
    if (first == 0) notes_.push_back("the only sample was used to choose, too");
    AutomaticResult r;
    r.float_proof = proving.exact();
    std::size_t best = 0;
    for (int k = 0; k < std::max(1, target_.proofs) && !r.met; ++k) {
      std::size_t i = next_to_prove();
      if (i == curve_.points.size()) break;
      i = rounded_together(i);
      AutomaticPoint& p = curve_.points[i];
      p.proof = measured(proving, p.plan);
      r.met = keeps(target_, *p.proof);
      if (r.met || k == 0 || better(*p.proof, *curve_.points[best].proof)) best = i;
      if (!r.met) {
        notes_.push_back(p.what + " keeps the target on the samples that choose, but not on those held apart");
        add_safer(path, i, k);
      }
    }
    r.chosen = best;
    r.plan = curve_.points[best].plan;
    r.model = quantize(model_, r.plan);
    r.layers = sensitivities(curve_.tried[best].forms);
    r.choosing = choosing_.size();
    r.proving = proving.size();
    r.scanned = scanned_;
    r.curve = std::move(curve_.points);
    r.notes = std::move(notes_);
    return r;
  }

  Quality measured(const TrialSamples& samples, const QuantizationPlan& plan) const {
    Executor run(quantize(model_, plan), target_.executor);
    return samples.measure(run);
  }

  bool better(const Quality& a, const Quality& b) const {
    return target_.min_sqnr > 0 ? a.least_db > b.least_db : a.drop < b.drop;
  }

  /// Adds mixtures that are safer than one that failed, and offers no others any more.
  void add_safer(const FormPath& path, std::size_t failed, int time) {
    if (target_.min_sqnr > 0)
      add_safer_by_sqnr(path, failed);
    else
      add_safer_by_noise(path, failed, time);
  }

  /// What this model lost on the samples held apart is asked in addition.
  void add_safer_by_sqnr(const FormPath& path, std::size_t failed) {
    const double lost = curve_.points[failed].chosen_on.least_db - curve_.points[failed].proof->least_db;
    asked_db_ = std::max(asked_db_, target_.min_sqnr + lost);
    for (Path& p : paths_) search(path, p);
    for (std::size_t i = 0; i < curve_.points.size(); ++i)
      curve_.tried[i].offered = curve_.tried[i].offered && curve_.points[i].chosen_on.least_db >= asked_db_;
    improve(path);
  }

  /// Accuracies of few samples say less than predicted errors: the first mixture with 0.75 of the failed one's, 0.56
  /// after the second failure, and so on.
  void add_safer_by_noise(const FormPath& path, std::size_t failed, int time) {
    const auto total = [&](const Forms& f) {
      const std::vector<double> noise = path.predicted_noise(f);
      return *std::max_element(noise.begin(), noise.end());
    };
    const double limit = total(curve_.tried[failed].forms) * std::pow(0.75, std::pow(2.0, time));
    for (const Path& p : paths_)
      for (std::size_t i = p.first; i < p.steps.size(); ++i)
        if (total(p.steps[i].forms) <= limit) {
          curve_.point_of(p.steps[i].forms);
          break;
        }
    for (ModelCurve::Tried& t : curve_.tried) t.offered = t.offered && total(t.forms) <= limit;
  }

  std::vector<std::string> notes_;
  const Target target_;
  const OptimizedModel model_;
  Executor exact_;
  const TrialSamples choosing_;
  const std::vector<bool> wanted_;  // of candidate_forms
  const FormPlans plans_;
  std::int64_t scanned_ = 0;
  std::vector<Shape> shapes_;                    // of each value
  std::vector<std::vector<FormFacts>> facts_;    // of each layer
  std::vector<std::vector<double>> code_noise_;  // of each value, see LayerTrials
  ModelCurve curve_;
  std::vector<Path> paths_;
  std::set<std::size_t> together_;                              // points that are not rounded again
  double asked_db_ = -std::numeric_limits<double>::infinity();  // of models that are offered, beyond the target
};

}  // namespace detail

OCTET_API std::vector<LayerSensitivity> layer_sensitivity(const Model& model, const Calibration& calibration,
                                                          const Target& target) {
  return detail::AutomaticChoice(model, calibration, target, detail::all_forms()).sensitivity();
}

OCTET_API AutomaticResult quantize(const Model& model, const Calibration& calibration, const Target& target) {
  return detail::AutomaticChoice(model, calibration, target, detail::forms_that_serve(target)).run();
}

OCTET_END
