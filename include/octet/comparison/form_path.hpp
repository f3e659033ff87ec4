#pragma once
#include <set>
#include <tuple>

#include "conversion_times.hpp"
#include "form_values.hpp"
#include "layer_trials.hpp"

/// Which forms layers get for a limit of noise.
OCTET_BEGIN
namespace detail {

/// Mixtures of forms from the cheapest one to all float. Costs and errors of mixtures are predicted from those of
/// layers: errors are added, and so are costs, conversions among them.
class FormPath {
 public:
  /// `code_noise`: see LayerTrials::code_noise.
  FormPath(const FormPlans& plans, const std::vector<std::vector<FormFacts>>& facts,
           const std::vector<std::vector<double>>& code_noise, const std::vector<Shape>& shapes, const Target& target,
           const ConversionTimes& conversions)
      : plans_(plans),
        values_(plans),
        facts_(facts),
        code_noise_(code_noise),
        shapes_(shapes),
        target_(target),
        conversions_(conversions) {
    find_neighbours();
    for (std::size_t l = 0; l < facts_.size(); ++l)
      if (const FormFacts* f = fact(l, float_form)) float_cost_ += cost_of(*f);
  }

  /// All layers in one form, where they have it, the others in the form that is taken in its place.
  Forms uniform(std::size_t form) const {
    Forms forms(facts_.size(), float_form);
    for (std::size_t l = 0; l < facts_.size(); ++l)
      for (const std::size_t f : {form, candidate_forms()[form].otherwise})
        if (forms[l] == float_form && fact(l, f)) forms[l] = f;
    return forms;
  }

  /// A mixture, and its limit of noise as a part of that of the path's beginning or of the target.
  struct Step {
    double limit = 0;
    Forms forms;
  };

  /// Mixtures from the cheapest one to all float: each is the cheapest that was found whose predicted noise is within
  /// a limit, and each limit is lower than the one before. `allowed`: which forms.
  std::vector<Step> mixtures(const std::vector<bool>& allowed) const {
    const Forms start = cheapest(allowed), exact = uniform(float_form);
    double limit = target_.min_sqnr > 0 ? 8 : 1;  // predictions are rough, so the first limit is far above the target
    std::vector<Step> path{{limit, start}};
    for (int k = 0; k < steps; ++k, limit *= step_factor) {
      Forms best = within(limit, {start, k == 0 ? exact : path.back().forms}, allowed);
      if (best != path.back().forms) path.push_back({limit, std::move(best)});
    }
    path.push_back({0, exact});
    return path;
  }

  /// The cheapest mixture that is found from any of some beginnings, whose predicted noise is within a limit.
  Forms within(double limit, const std::vector<Forms>& beginnings, const std::vector<bool>& allowed) const {
    std::vector<double> limits = predicted_noise(cheapest(allowed));
    if (target_.min_sqnr > 0)
      for (double& x : limits) x = std::min(x, std::pow(10.0, -target_.min_sqnr / 10));
    Forms best;
    for (const Forms& from : beginnings) {
      Forms found = cheapest_within(from, limits, limit, allowed);
      if (best.empty() || objective(found, limits, limit) < objective(best, limits, limit)) best = std::move(found);
    }
    return best;
  }

  /// The predicted noise of each output, as a part of its signal: the sum of that of the layers and of the activations
  /// that are codes.
  std::vector<double> predicted_noise(const Forms& forms) const { return noise_of(forms, values_.of(forms)); }

  /// A change of a mixture: a layer gets a form, and with `around` also its neighbours that have it.
  struct Change {
    std::size_t layer = 0, form = 0;
    bool around = false;
    double saved = 0;  // predicted, as a part of the float model's cost

    std::tuple<std::size_t, std::size_t, bool> what() const { return {layer, form, around}; }
  };
  Forms changed(Forms forms, const Change& c) const {
    forms[c.layer] = c.form;
    if (c.around)
      for (std::size_t n : neighbours_[c.layer])
        if (fact(n, c.form)) forms[n] = c.form;
    return forms;
  }
  /// The changes that are predicted to save at least a part of the float model's cost, those that save most first.
  /// Without those that are predicted to add more noise than the target permits.
  std::vector<Change> savings(const Forms& forms, double least, const std::vector<bool>& allowed) const {
    const double now = cost_of(forms, values_.of(forms)), most = std::pow(10.0, -target_.min_sqnr / 10);
    const std::vector<double> noise = predicted_noise(forms);
    const auto fits = [&](const Forms& next) {
      const std::vector<double> then = predicted_noise(next);
      for (std::size_t o = 0; o < noise.size(); ++o)
        if (then[o] - noise[o] > most) return false;
      return true;
    };
    std::vector<Change> all;
    each_change(allowed, [&](Change c) {
      const Forms next = changed(forms, c);
      c.saved = (now - cost_of(next, values_.of(next))) / float_cost_;
      if (next != forms && c.saved >= least && fits(next)) all.push_back(c);
    });
    std::stable_sort(all.begin(), all.end(), [](const Change& a, const Change& b) { return a.saved > b.saved; });
    return all;
  }

 private:
  static constexpr int steps = 20;
  static constexpr double step_factor = 0.65;

  std::vector<double> noise_of(const Forms& forms, const FormValues::Formats& formats) const {
    std::vector<double> sum(plans_.graph().outputs.size(), 0.0);
    const auto add = [&](const std::vector<double>& noise) {
      for (std::size_t o = 0; o < noise.size(); ++o) sum[o] += bounded(noise[o]);
    };
    for (std::size_t l = 0; l < facts_.size(); ++l)
      if (const FormFacts* f = fact(l, forms[l])) add(f->own_noise.empty() ? f->noise : f->own_noise);
    for (std::size_t v = 0; v < code_noise_.size(); ++v)
      if (is_rounded(v, formats)) add(code_noise_[v]);
    return sum;
  }
  /// Whether the value, or a copy of it, is rounded to int8 codes, which were not such codes before. The noise of int16
  /// codes is little, and part of that of their layers.
  bool is_rounded(std::size_t v, const FormValues::Formats& formats) const {
    const int layer = values_.links().producer(static_cast<int>(v));
    if (layer != Node::none && plans_.follows_input(at(layer)) && formats.layers[at(layer)] == &int8_format)
      return false;
    if (formats.values[v] == &int8_format) return true;
    const std::vector<int>& users = values_.links().users(static_cast<int>(v));
    return std::any_of(users.begin(), users.end(), [&](int u) { return formats.layers[at(u)] == &int8_format; });
  }

  static double bounded(double noise) { return std::isfinite(noise) ? std::min(noise, 1e6) : 1e6; }
  const FormFacts* fact(std::size_t layer, std::size_t form) const {
    for (const FormFacts& f : facts_[layer])
      if (f.form == form) return &f;
    return nullptr;
  }
  double cost_of(const FormFacts& f) const {
    switch (target_.objective) {
      case Objective::size: return static_cast<double>(f.constant_bytes);
      case Objective::memory: return static_cast<double>(f.run_bytes);
      case Objective::latency: break;
    }
    return f.milliseconds;
  }

  /// The layers' forms of the least cost, those listed first if it is equal. For latency, int8 wherever possible, as
  /// the time of conversions depends on the neighbouring layers: layers for which int8 does not pay are changed later.
  Forms cheapest(const std::vector<bool>& allowed) const {
    Forms forms = uniform(int8_form);
    for (std::size_t l = 0; l < facts_.size(); ++l) {
      if (target_.objective == Objective::latency && allowed[int8_form] && fact(l, int8_form)) continue;
      double least = std::numeric_limits<double>::infinity();
      for (std::size_t f = candidate_forms().size(); f-- > 0;) {
        const FormFacts* x = allowed[f] ? fact(l, f) : nullptr;
        if (!x || cost_of(*x) > least) continue;
        least = cost_of(*x);
        if (f != float_form || forms[l] == int8_form) forms[l] = f;
      }
    }
    return forms;
  }

  /// The time of all conversions.
  double conversion_time(const FormValues::Formats& formats) const {
    const Graph& g = plans_.graph();
    double sum = 0;
    for (std::size_t v = 0; v < g.values.size(); ++v) {
      if (g.values[v].is_constant() || !plans_.integer_params(static_cast<int>(v))) continue;
      std::set<const IntegerFormat*> read;
      if (values_.links().is_output(static_cast<int>(v))) read.insert(nullptr);
      for (int reader : values_.links().users(static_cast<int>(v))) read.insert(formats.layers[at(reader)]);
      for (const IntegerFormat* to : read)
        if (to != formats.values[v]) sum += conversions_.of(formats.values[v], to, shapes_[v].elements());
    }
    return sum;
  }

  double cost_of(const Forms& forms, const FormValues::Formats& formats) const {
    double cost = target_.objective == Objective::latency ? conversion_time(formats) : 0;
    for (std::size_t l = 0; l < facts_.size(); ++l)
      if (const FormFacts* f = fact(l, forms[l])) cost += cost_of(*f);
    return cost;
  }

  /// The cost of a mixture, and a penalty for noise beyond the limits: the logarithm of how many times it is too large,
  /// in units of the float model's cost.
  double objective(const Forms& forms, const std::vector<double>& limits, double part) const {
    const FormValues::Formats formats = values_.of(forms);
    double cost = cost_of(forms, formats);
    const std::vector<double> noise = noise_of(forms, formats);
    for (std::size_t o = 0; o < noise.size(); ++o)
      if (noise[o] > part * limits[o] && limits[o] > 0) cost += float_cost_ * std::log(noise[o] / (part * limits[o]));
    return cost;
  }

  /// Improves a mixture until no change of a layer, or of a layer and those that write its inputs or read its results,
  /// makes it better.
  Forms cheapest_within(Forms forms, const std::vector<double>& limits, double part,
                        const std::vector<bool>& allowed) const {
    double least = objective(forms, limits, part);
    for (bool better = true; better;) {
      better = false;
      each_change(allowed, [&](const Change& c) {
        Forms next = changed(forms, c);
        if (next == forms) return;
        const double cost = objective(next, limits, part);
        if (cost >= least * (1 - 1e-9)) return;
        least = cost;
        forms = std::move(next);
        better = true;
      });
    }
    return forms;
  }

  /// Calls see(change) for each form that a layer may have, alone and with its neighbours.
  template <class See>
  void each_change(const std::vector<bool>& allowed, const See& see) const {
    for (std::size_t l = 0; l < facts_.size(); ++l)
      for (const FormFacts& f : facts_[l])
        for (const bool around : {false, true})
          if (allowed[f.form]) see(Change{l, f.form, around});
  }

  /// The layers that write a layer's inputs or read its results, also through layers that only move elements.
  void find_neighbours() {
    const Graph& g = plans_.graph();
    neighbours_.resize(facts_.size());
    std::vector<int> writer(g.values.size(), Node::none);
    for (std::size_t l = 0; l < g.nodes.size(); ++l) {
      int through = Node::none;
      for (int v : g.nodes[l].inputs) {
        const int w = v == Node::none ? Node::none : writer[at(v)];
        if (w == Node::none) continue;
        through = w;
        if (plans_.follows_input(l)) break;
        neighbours_[l].push_back(at(w));
        neighbours_[at(w)].push_back(l);
      }
      for (int v : g.nodes[l].outputs) writer[at(v)] = plans_.follows_input(l) ? through : static_cast<int>(l);
    }
  }

  const FormPlans& plans_;
  const FormValues values_;
  const std::vector<std::vector<FormFacts>>& facts_;    // of each layer
  const std::vector<std::vector<double>>& code_noise_;  // of each value
  const std::vector<Shape>& shapes_;                    // of each value
  const Target& target_;
  const ConversionTimes conversions_;
  std::vector<std::vector<std::size_t>> neighbours_;  // of each layer
  double float_cost_ = 0;                             // of all layers as float
};

}  // namespace detail
OCTET_END
