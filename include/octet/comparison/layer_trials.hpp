#pragma once
#include <chrono>
#include <numeric>

#include "../quantization/dequantize_model.hpp"
#include "../runtime/runnable.hpp"
#include "form_plans.hpp"
#include "latency.hpp"
#include "rest_of_model.hpp"

/// Every layer in every form alone.
OCTET_BEGIN
namespace detail {

/// The times of models, measured alternately, in milliseconds: the sum of the least times of their layers, which other
/// load on the machine hardly changes. `counts(layer)`: whether a layer is part of it.
template <class Counts>
std::vector<double> least_times(const std::vector<Executor*>& models, const std::vector<AnyTensor>& inputs,
                                double most_seconds, const Counts& counts) {
  constexpr int least_runs = 12;
  std::vector<std::vector<double>> least(models.size());
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  for (int run = 0; run < least_runs || (run < 10 * least_runs && seconds() < most_seconds); ++run)
    for (std::size_t m = 0; m < models.size(); ++m) {
      models[m]->profile(true);
      models[m]->run(to_input_types(models[m]->graph(), inputs));
      const std::vector<LayerTime> times = models[m]->layer_times();
      models[m]->profile(false);
      least[m].resize(times.size(), std::numeric_limits<double>::infinity());
      for (std::size_t l = 0; l < times.size() && run > 0; ++l)
        least[m][l] = counts(times[l]) ? std::min(least[m][l], times[l].milliseconds) : 0;
    }
  std::vector<double> sums;
  for (const std::vector<double>& x : least) sums.push_back(std::accumulate(x.begin(), x.end(), 0.0));
  return sums;
}

/// What a layer costs in one form, and the noise that it causes.
struct FormFacts {
  std::size_t form = float_form;
  std::vector<double> noise;      ///< of each output of the model, as a part of its signal
  std::vector<double> own_noise;  ///< with int8 activations: that of the weights; the rest is that of the codes
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
    std::vector<Shape> all = g_.infer_shapes(inputs);
    for (const auto& [v, tensor] : activations_[0]) all[at(v)] = tensor.shape();  // sizes may depend on the data
    return all;
  }
  std::int64_t scanned() const noexcept { return static_cast<std::int64_t>(activations_.size()); }

  /// The facts of a layer in those of its allowed forms that could be made, float first.
  std::vector<FormFacts> of_layer(std::size_t layer, const std::vector<bool>& allowed) const {
    const Node& n = g_.nodes[layer];
    std::vector<FormFacts> facts;
    std::vector<PartialGraph> parts;
    std::vector<std::unique_ptr<Executor>> executors;
    std::vector<Model> reals;  // layers with int8 activations between float ones; else empty
    for (const std::size_t f : plans_.forms_of(layer)) {
      PartialGraph part(g_);
      part.add(n);
      for (int v : n.outputs) part.add_output(v);
      FormFacts x;
      x.form = f;
      Model real;
      if (!allowed[f] || !in_form(part.model, real, layer, f)) continue;
      for (const Value& v : part.model.values)
        if (v.is_constant()) x.constant_bytes += static_cast<std::int64_t>(v.constant.size_bytes());
      executors.push_back(std::make_unique<Executor>(part.model, options_));
      parts.push_back(std::move(part));
      reals.push_back(std::move(real));
      facts.push_back(std::move(x));
    }
    measure_noise(layer, executors, parts, reals, facts);
    if (timed_) measure_time(n.outputs, executors, parts, facts);
    return facts;
  }

  /// The noise of each output if this value alone is rounded to codes, as in the int8 model; empty if the int8 model
  /// keeps it float.
  std::vector<double> code_noise(int v) const {
    const QuantParams& q = plans_.integer_params(v);
    if (!q) return {};
    const DType codes = int8_format.activations;
    return RestOfModel(g_, {v}, 0, options_)
        .noise(activations_, false,
               [&](const FloatActivations& known) {
                 const Tensor<float> exact = to_float(known.at(v).ref());
                 const Calib given = given_params(q);
                 const AnyTensor rounded = AnyTensor::make(
                     codes, exact.shape(), [&](std::byte* to) { quantize_elements(exact, q, given, codes, to); });
                 FloatActivations changed;
                 changed[v] = real_values(rounded.ref(), q);
                 return changed;
               })
        .parts;
  }

 private:
  static constexpr std::size_t most_bytes = std::size_t{256} << 20;  // of kept activations

  /// Keeps all activations of the float model.
  void run_float() {
    ExecutorOptions all = options_;
    all.optimize = false;
    Executor exact(g_, all);
    std::map<std::string, int> numbers;
    for (std::size_t v = 0; v < g_.values.size(); ++v)
      if (!g_.values[v].is_constant()) numbers[g_.values[v].name] = static_cast<int>(v);
    FloatActivations now;
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
  /// conversions are not part of the layer; `real` becomes an int8 layer with the same weights between float
  /// activations. Returns whether it was possible.
  bool in_form(Model& model, Model& real, std::size_t layer, std::size_t form) const {
    const Node& n = g_.nodes[layer];
    OptimizedModel alone = optimize(model);
    if (alone.nodes.size() != 1) return false;
    QuantizationPlan p;
    p.rounding = target_.int8.rounding;
    LayerPlan& l = p.layers[plan_layer_names(alone)[0]] = plans_.layer_plan(layer, form);
    if (has_integer_activations(l.form)) {
      p.integer_input = true;
      p.integer_output = bool(plans_.integer_params(n.outputs[0]));
      const IntegerPlacement placement(alone, {{false}, p.integer_input, p.integer_output});
      if (!placement.is_integer(alone.nodes[0])) return false;
      std::map<std::string, QuantParams> params;
      for (const auto* list : {&n.inputs, &n.outputs})
        for (int v : *list)
          if (v != Node::none && plans_.integer_params(v))
            params[g_.value(v).name] =
                l.form == PlannedForm::integer16 ? plans_.wide_params(v) : plans_.integer_params(v);
      for (std::size_t v = 0; v < alone.values.size(); ++v) {
        if (placement.source(static_cast<int>(v)) != IntegerPlacement::Source::measured) continue;
        const auto found = params.find(alone.values[v].name);
        if (found == params.end()) return false;
        p.activations[found->first] = {found->second.scale[0], found->second.zero_point[0]};
      }
    }
    Model built = PlannedModel(std::move(alone), p).build();
    if (l.form == PlannedForm::integer) real = dequantize_model(built).graph;
    model = runnable(std::move(built));
    return true;
  }

  void measure_noise(std::size_t layer, const std::vector<std::unique_ptr<Executor>>& executors,
                     const std::vector<PartialGraph>& parts, const std::vector<Model>& reals,
                     std::vector<FormFacts>& facts) const {
    const std::vector<int>& results = g_.nodes[layer].outputs;
    const RestOfModel rest(g_, results, layer + 1, options_);
    const auto noise_of = [&](Executor& run, const PartialGraph& part) {
      return rest.noise(activations_, samples_.classes(), [&](const FloatActivations& known) {
        std::vector<AnyTensor> y = run.run(to_input_types(run.graph(), inputs_of(part, known)));
        std::vector<Tensor<float>> floats = real_outputs(run.graph(), y);
        FloatActivations changed;
        for (std::size_t k = 0; k < results.size(); ++k)
          changed[results[k]] = g_.value(results[k]).dtype == DType::f32 ? AnyTensor(std::move(floats[k])) : y[k];
        return changed;
      });
    };
    for (std::size_t f = 0; f < facts.size(); ++f) {
      if (facts[f].form == float_form) {
        facts[f].noise.assign(g_.outputs.size(), 0.0);
        if (samples_.classes()) facts[f].agreement = 1;
        continue;
      }
      RestOfModel::Noise n = noise_of(*executors[f], parts[f]);
      facts[f].noise = std::move(n.parts);
      facts[f].agreement = n.agreement;
      if (reals[f].nodes.empty()) continue;
      Executor run(reals[f], options_);
      facts[f].own_noise = noise_of(run, parts[f]).parts;
    }
  }

  void measure_time(const std::vector<int>& results, const std::vector<std::unique_ptr<Executor>>& executors,
                    const std::vector<PartialGraph>& parts, std::vector<FormFacts>& facts) const {
    if (facts.empty()) return;
    std::vector<Executor*> timed;
    for (const auto& e : executors) timed.push_back(e.get());
    const std::vector<AnyTensor> inputs = inputs_of(parts[0], activations_[0]);
    // Executors move int8 codes of inputs and outputs to the type that kernels read, which whole models do only
    // at their ends.
    const auto computes = [](const LayerTime& t) { return t.type != Convert::type_name; };
    const std::vector<double> times = least_times(timed, inputs, 0.05, computes);
    for (std::size_t f = 0; f < facts.size(); ++f) {
      facts[f].milliseconds = times[f];
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
  std::vector<FloatActivations> activations_;  // of each sample
};

}  // namespace detail
OCTET_END
