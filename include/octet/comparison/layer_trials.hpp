#pragma once
#include <chrono>
#include <numeric>

#include "../runtime/runnable.hpp"
#include "form_plans.hpp"
#include "latency.hpp"
#include "trial_samples.hpp"

/// Every layer in every form alone.
OCTET_BEGIN
namespace detail {

/// Part of a graph with the same values, whose inputs are those that its nodes do not compute.
class PartialGraph {
 public:
  explicit PartialGraph(const Graph& whole) : whole_(whole), values_(whole.values.size(), Node::none) {
    model.name = whole.name;
    model.rounding = whole.rounding;
  }

  void add(const Node& n) {
    Node copy = n;
    for (int& v : copy.inputs)
      if (v != Node::none) v = use(v);
    for (int& v : copy.outputs) v = make(v);
    model.nodes.push_back(std::move(copy));
  }
  void add_output(int v) { model.outputs.push_back(use(v)); }

  Model model;
  std::vector<int> inputs;  ///< the values of the whole graph that are inputs

 private:
  int make(int v) {
    const Value& x = whole_.value(v);
    return values_[at(v)] = model.add_value({x.name, x.dtype, x.shape, x.quant, x.constant});
  }
  int use(int v) {
    if (values_[at(v)] != Node::none) return values_[at(v)];
    make(v);
    if (!whole_.value(v).is_constant()) {
      model.inputs.push_back(values_[at(v)]);
      inputs.push_back(v);
    }
    return values_[at(v)];
  }

  const Graph& whole_;
  std::vector<int> values_;  // of the part, for each of the whole
};

/// The times of two models, measured alternately, in milliseconds: the sum of the least times of their layers, which
/// other load on the machine hardly changes.
inline std::pair<double, double> least_times(Executor& first, Executor& second, const std::vector<AnyTensor>& inputs) {
  constexpr int least_runs = 12;
  constexpr double most_seconds = 0.5;
  Executor* const models[] = {&first, &second};
  std::vector<double> least[2];
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  for (int run = 0; run < least_runs || (run < 10 * least_runs && seconds() < most_seconds); ++run)
    for (int m : {0, 1}) {
      models[m]->profile(true);
      models[m]->run(to_input_types(models[m]->graph(), inputs));
      const std::vector<LayerTime> times = models[m]->layer_times();
      models[m]->profile(false);
      least[m].resize(times.size(), std::numeric_limits<double>::infinity());
      for (std::size_t l = 0; l < times.size() && run > 0; ++l)
        least[m][l] = std::min(least[m][l], times[l].milliseconds);
    }
  const auto sum = [](const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.0); };
  return {sum(least[0]), sum(least[1])};
}

/// What a layer costs in one form, and the noise that it causes.
struct FormFacts {
  std::size_t form = float_form;
  std::vector<double> noise;  ///< of each output of the model, as a part of its signal
  std::optional<double> agreement;
  double milliseconds = 0;
  std::int64_t constant_bytes = 0, run_bytes = 0;
};

/// Runs layers alone on activations of the float model, and the layers after them in float on the results.
class LayerTrials {
 public:
  LayerTrials(const FormPlans& plans, const TrialSamples& samples, const Target& target, bool timed)
      : plans_(plans), g_(plans.graph()), samples_(samples), target_(target), timed_(timed) {
    options_ = target.executor;
    run_float();
  }

  /// The shapes of all values on the first sample.
  std::vector<Shape> shapes() const {
    std::vector<Shape> inputs;
    for (int v : g_.inputs) inputs.push_back(activations_[0].at(v).shape());
    return g_.infer_shapes(inputs);
  }
  std::int64_t scanned() const noexcept { return static_cast<std::int64_t>(activations_.size()); }

  /// The facts of a layer in those of its allowed forms that could be made, float first.
  std::vector<FormFacts> of_layer(std::size_t layer, const std::vector<bool>& allowed) const {
    const Node& n = g_.nodes[layer];
    std::vector<FormFacts> facts;
    std::vector<PartialGraph> parts;
    std::vector<std::unique_ptr<Executor>> executors;
    for (const std::size_t f : plans_.forms_of(layer)) {
      PartialGraph part(g_);
      part.add(n);
      for (int v : n.outputs) part.add_output(v);
      FormFacts x;
      x.form = f;
      if (!allowed[f] || !in_form(part.model, layer, f)) continue;
      for (const Value& v : part.model.values)
        if (v.is_constant()) x.constant_bytes += static_cast<std::int64_t>(v.constant.size_bytes());
      executors.push_back(std::make_unique<Executor>(part.model, options_));
      parts.push_back(std::move(part));
      facts.push_back(std::move(x));
    }
    measure_noise(layer, executors, parts, facts);
    if (timed_) measure_time(n.outputs, executors, parts, facts);
    return facts;
  }

 private:
  static constexpr std::size_t most_bytes = std::size_t{256} << 20;  // of kept activations
  using Activations = std::map<int, AnyTensor>;                      // by value

  /// Keeps all activations of the float model.
  void run_float() {
    ExecutorOptions all = options_;
    all.optimize = false;
    Executor exact(g_, all);
    std::map<std::string, int> numbers;
    for (std::size_t v = 0; v < g_.values.size(); ++v)
      if (!g_.values[v].is_constant()) numbers[g_.values[v].name] = static_cast<int>(v);
    Activations now;
    exact.observe([&](const Value& v, const TensorRef& t) {
      const auto found = numbers.find(v.name);
      if (found == numbers.end()) return;
      now[found->second] =
          AnyTensor::make(t.dtype, t.shape, [&](std::byte* to) { std::copy(t.data, t.data + t.size_bytes(), to); });
    });
    std::size_t bytes = 0, of_one = 0;
    for (std::int64_t i = 0; i < std::min(target_.scan_samples, samples_.size()) && bytes + of_one <= most_bytes; ++i) {
      now.clear();
      const std::vector<AnyTensor> x = to_input_types(g_, samples_.inputs(i));
      const std::vector<AnyTensor> y = exact.run(x);
      for (std::size_t k = 0; k < x.size(); ++k) now[g_.inputs[k]] = x[k];
      for (std::size_t k = 0; k < y.size(); ++k) now[g_.outputs[k]] = y[k];
      of_one = 0;
      for (const auto& entry : now) of_one += entry.second.size_bytes();
      bytes += of_one;
      activations_.push_back(std::move(now));
    }
  }

  /// Gives the only layer of a model a form. Inputs and outputs are integers where they are in the int8 model, so that
  /// conversions are not part of the layer. Returns whether it was possible.
  bool in_form(Model& model, std::size_t layer, std::size_t form) const {
    const Node& n = g_.nodes[layer];
    OptimizedModel alone = optimize(model);
    if (alone.nodes.size() != 1) return false;
    QuantizationPlan p;
    p.rounding = target_.int8.rounding;
    LayerPlan& l = p.layers[plan_layer_names(alone)[0]] = plans_.layer_plan(layer, form);
    if (l.form == PlannedForm::integer) {
      p.integer_input = true;
      p.integer_output = bool(plans_.integer_params(n.outputs[0]));
      const IntegerPlacement placement(alone, {{false}, p.integer_input, p.integer_output});
      if (!placement.is_integer(alone.nodes[0])) return false;
      std::map<std::string, QuantParams> params;
      for (const auto* list : {&n.inputs, &n.outputs})
        for (int v : *list)
          if (v != Node::none && plans_.integer_params(v)) params[g_.value(v).name] = plans_.integer_params(v);
      for (std::size_t v = 0; v < alone.values.size(); ++v) {
        if (placement.source(static_cast<int>(v)) != IntegerPlacement::Source::measured) continue;
        const auto found = params.find(alone.values[v].name);
        if (found == params.end()) return false;
        p.activations[found->first] = {found->second.scale[0], found->second.zero_point[0]};
      }
    }
    model = runnable(PlannedModel(std::move(alone), p).build());
    return true;
  }

  /// The layers after one, in float, from its results to the outputs that depend on them.
  PartialGraph after(std::size_t layer, std::vector<std::size_t>& outputs) const {
    PartialGraph rest(g_);
    std::vector<bool> changed(g_.values.size(), false);
    for (int v : g_.nodes[layer].outputs) changed[at(v)] = true;
    for (std::size_t i = layer + 1; i < g_.nodes.size(); ++i) {
      const Node& n = g_.nodes[i];
      if (std::none_of(n.inputs.begin(), n.inputs.end(), [&](int v) { return v != Node::none && changed[at(v)]; }))
        continue;
      for (int v : n.outputs) changed[at(v)] = true;
      rest.add(n);
    }
    for (std::size_t o = 0; o < g_.outputs.size(); ++o)
      if (changed[at(g_.outputs[o])]) {
        outputs.push_back(o);
        rest.add_output(g_.outputs[o]);
      }
    return rest;
  }

  void measure_noise(std::size_t layer, const std::vector<std::unique_ptr<Executor>>& executors,
                     const std::vector<PartialGraph>& parts, std::vector<FormFacts>& facts) const {
    std::vector<std::size_t> outputs;
    const PartialGraph rest = after(layer, outputs);
    std::unique_ptr<Executor> run_rest;
    if (!rest.model.nodes.empty()) run_rest = std::make_unique<Executor>(rest.model, options_);
    const std::vector<int>& results = g_.nodes[layer].outputs;
    for (std::size_t f = 0; f < facts.size(); ++f) {
      std::vector<ErrorEnergy> energies(g_.outputs.size());
      facts[f].noise.assign(g_.outputs.size(), 0.0);
      if (samples_.classes()) facts[f].agreement = 1;
      if (facts[f].form == float_form) continue;
      Accuracy exact, here;
      for (const Activations& known : activations_) {
        Executor& run = *executors[f];
        std::vector<AnyTensor> y = run.run(to_input_types(run.graph(), inputs_of(parts[f], known)));
        Activations changed;
        std::vector<Tensor<float>> real = real_outputs(run.graph(), y);
        for (std::size_t k = 0; k < results.size(); ++k)
          changed[results[k]] = g_.value(results[k]).dtype == DType::f32 ? AnyTensor(std::move(real[k])) : y[k];
        std::vector<AnyTensor> ends;
        if (run_rest)
          ends = run_rest->run(to_input_types(run_rest->graph(), inputs_of(rest, known, &changed)));
        else
          for (std::size_t o : outputs) ends.push_back(changed.at(g_.outputs[o]));
        for (std::size_t k = 0; k < outputs.size(); ++k) {
          const Tensor<float> a = to_float(known.at(g_.outputs[outputs[k]]).ref()), b = to_float(ends[k].ref());
          add_errors(energies[outputs[k]], a, b);
          if (!samples_.classes()) continue;
          exact.add(a, {});
          here.add(b, {});
        }
      }
      for (std::size_t o = 0; o < energies.size(); ++o) facts[f].noise[o] = energies[o].part();
      if (samples_.classes() && here.images() > 0) facts[f].agreement = here.agreement(exact);
    }
  }

  /// The inputs of a part: what was changed, else what the float model has.
  static std::vector<AnyTensor> inputs_of(const PartialGraph& part, const Activations& known,
                                          const Activations* changed = nullptr) {
    std::vector<AnyTensor> x;
    for (int v : part.inputs) {
      const bool is_changed = changed && changed->count(v) != 0;
      x.push_back(is_changed ? changed->at(v) : known.at(v));
    }
    return x;
  }

  void measure_time(const std::vector<int>& results, const std::vector<std::unique_ptr<Executor>>& executors,
                    const std::vector<PartialGraph>& parts, std::vector<FormFacts>& facts) const {
    if (facts.empty()) return;
    std::vector<Executor*> timed;
    for (const auto& e : executors) timed.push_back(e.get());
    const std::vector<AnyTensor> inputs = inputs_of(parts[0], activations_[0]);
    const std::vector<Latency> times = measure_latency(timed, inputs, 0, 16, [](std::int64_t, std::int64_t) {});
    for (std::size_t f = 0; f < facts.size(); ++f) {
      facts[f].milliseconds = times[f].min_ms;
      std::size_t bytes = timed[f]->packed_bytes();
      const Graph& run = timed[f]->graph();
      for (std::size_t k = 0; k < results.size(); ++k)
        bytes += octet::bytes(run.value(run.outputs[k]).dtype, activations_[0].at(results[k]).size());
      facts[f].run_bytes = static_cast<std::int64_t>(bytes);
    }
  }

  const FormPlans& plans_;
  const OptimizedModel& g_;
  const TrialSamples& samples_;
  const Target& target_;
  const bool timed_;
  ExecutorOptions options_;
  std::vector<Activations> activations_;  // of each sample
};

}  // namespace detail
OCTET_END
