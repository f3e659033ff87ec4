#pragma once
#include "../kernels/dispatch.hpp"
#include "../operators/shape/views.hpp"
#include "../quantization/equalize_trial.hpp"
#include "../quantization/float_model.hpp"
#include "automatic.hpp"

/// The forms that an automatic choice may give to layers, and plans that mix them.
OCTET_BEGIN
namespace detail {

/// A form that layers may have.
struct CandidateForm {
  const char* title;
  /// The plan of a whole model in that form.
  QuantizationPlan (*plan)(const OptimizedModel& g, const Calibration& calibration, const Target& target);
  /// Whether it can be better than the other forms for the target's objective, on this CPU.
  bool (*serves)(const Target& target);
};

/// All of them. Float, int8 and dynamic range have fixed places; another form is an entry here and nothing else.
inline const std::vector<CandidateForm>& candidate_forms() {
  static const auto always = [](const Target&) { return true; };
  static const std::vector<CandidateForm> forms{
      {"float",
       [](const OptimizedModel& g, const Calibration&, const Target&) {
         QuantizationPlan p;
         for (const std::string& n : plan_layer_names(g)) p.layers[n] = {};
         return p;
       },
       always},
      {"int8",
       [](const OptimizedModel& g, const Calibration& c, const Target& t) {
         Int8Options same = t.int8;
         same.equalize = Equalize::never;  // the model's channels are multiplied already
         return make_int8_plan(g, c, same);
       },
       always},
      {"dynamic_range",
       [](const OptimizedModel& g, const Calibration& c, const Target& t) {
         return make_weight_plan(g, PlannedForm::dynamic, &c, t.weights);
       },
       always},
      {"bf16",
       [](const OptimizedModel& g, const Calibration& c, const Target& t) {
         WeightOptions all = t.weights;
         all.least_elements = 0;  // for speed
         return make_weight_plan(g, PlannedForm::bfloat16, &c, all);
       },
       // Its file is as large as that of fp16, which is more accurate.
       [](const Target& t) {
         return t.objective != Objective::size && kernels().gemm_bf16 && !t.executor.same_floats;
       }},
      {"fp16",
       [](const OptimizedModel& g, const Calibration& c, const Target& t) {
         return make_weight_plan(g, PlannedForm::half, &c, t.weights);
       },
       // It runs as float.
       [](const Target& t) { return t.objective == Objective::size; }},
  };
  return forms;
}

constexpr std::size_t float_form = 0, int8_form = 1, dynamic_form = 2;  // places in candidate_forms

/// The plans of all forms for one model, and mixtures of them. A form is its place in candidate_forms.
class FormPlans {
 public:
  FormPlans(const OptimizedModel& float_model, const Calibration& calibration, const Target& target)
      : exponents_(plan_with_equalization(float_model, calibration, target.int8).plan.channel_exponents),
        graph_(optimize(rescaled_graph(float_model, exponents_))),
        names_(plan_layer_names(graph_)),
        calibration_(rescaled(calibration, exponents_)),
        symmetric_(target.int8.symmetric_activations) {
    for (const CandidateForm& f : candidate_forms()) plans_.push_back(f.plan(graph_, calibration_, target));
    round(target.int8);
    find_forms();
    find_params();
  }

  /// The float model, its channels multiplied as in the plans.
  const OptimizedModel& graph() const noexcept { return graph_; }
  /// The names of the layers in plans.
  const std::vector<std::string>& names() const noexcept { return names_; }
  /// The forms that a layer may have, float first; only float if it has no choice.
  const std::vector<std::size_t>& forms_of(std::size_t layer) const { return forms_[layer]; }
  const LayerPlan& layer_plan(std::size_t layer, std::size_t form) const {
    return plans_[form].layers.at(names_[layer]);
  }
  /// Whether the layer only moves elements, and is int8 where its input is.
  bool follows_input(std::size_t layer) const { return follows_[layer]; }
  /// Scale and zero point of a value where all layers are int8; empty if it is float even then.
  const QuantParams& integer_params(int v) const { return params_[at(v)]; }

  /// The plan of the original model with these forms of the layers.
  QuantizationPlan mixed(const std::vector<std::size_t>& forms) const {
    // Channels multiplied before a clip change its result, so the float model is the original one.
    if (std::all_of(forms.begin(), forms.end(), [](std::size_t f) { return f == float_form; }))
      return plans_[float_form];
    QuantizationPlan p = plans_[int8_form];
    p.channel_exponents = exponents_;
    std::vector<bool> keep_float;
    const std::vector<bool> float_inputs = moves_float_inputs(forms), reshaped = reshapes_floats(forms, Links(graph_));
    for (std::size_t l = 0; l < names_.size(); ++l) {
      if (!follows_[l]) p.layers[names_[l]] = layer_plan(l, forms[l]);
      if (float_inputs[l] || reshaped[l]) p.layers[names_[l]] = {};
      keep_float.push_back(p.layers[names_[l]].form != PlannedForm::integer);
    }
    // Which tensors have a scale of their own depends on the forms of the neighbouring layers.
    const IntegerPlacement placement(graph_, {keep_float, false, false});
    for (int v = 0; v < static_cast<int>(graph_.values.size()); ++v) {
      const std::string& tensor = graph_.value(v).name;
      if (placement.source(v) != IntegerPlacement::Source::measured)
        p.activations.erase(tensor);
      else if (p.activations.count(tensor) == 0)
        p.activations[tensor] = own_scale(v, placement.links());
    }
    return p;
  }

  /// For each layer: whether it only moves elements, all of its input, and no int8 layer reads them. In float, the
  /// layer before may give it sums.
  std::vector<bool> reshapes_floats(const std::vector<std::size_t>& forms, const Links& links) const {
    std::vector<bool> result(names_.size(), false);
    for (std::size_t l = names_.size(); l-- > 0;) {
      const Node& n = graph_.nodes[l];
      if (!follows_[l] || !as<Reshape>(*n.op)) continue;
      const std::vector<int>& users = links.users(n.outputs[0]);
      result[l] = std::all_of(users.begin(), users.end(), [&](int u) {
        return follows_[at(u)] ? result[at(u)] : layer_plan(at(u), forms[at(u)]).form != PlannedForm::integer;
      });
    }
    return result;
  }

 private:
  static Model rescaled_graph(Model g, const ChannelExponents& exponents) {
    rescale(g, exponents);
    return g;
  }

  /// For each layer: whether it only moves elements of an input of the model that no int8 layer reads.
  std::vector<bool> moves_float_inputs(const std::vector<std::size_t>& forms) const {
    std::vector<bool> read(graph_.values.size(), false), moved = read, result(names_.size(), false);
    for (int v : graph_.inputs) moved[at(v)] = true;
    for (std::size_t l = 0; l < names_.size(); ++l)
      if (follows_[l] && moved[at(graph_.nodes[l].inputs[0])])
        for (int v : graph_.nodes[l].outputs) moved[at(v)] = true;
    for (std::size_t l = names_.size(); l-- > 0;) {
      const Node& n = graph_.nodes[l];
      const bool integer = follows_[l]
                               ? std::any_of(n.outputs.begin(), n.outputs.end(), [&](int v) { return read[at(v)]; })
                               : layer_plan(l, forms[l]).form == PlannedForm::integer;
      result[l] = follows_[l] && !integer && moved[at(n.inputs[0])];
      for (int v : n.inputs)
        if (v != Node::none && integer) read[at(v)] = true;
    }
    return result;
  }

  ActivationPlan own_scale(int v, const Links& links) const {
    const Range r = useful_range(graph_, links, v, calibration_.range(graph_.value(v).name));
    const ScaleAndZero p = activation_scale(r, int8_format.activations, symmetric_);
    require(is_usable_scale(static_cast<double>(p.scale)), "tensor '", graph_.value(v).name, "' was calibrated to [",
            r.low, ", ", r.high, "], which no scale can represent");
    return {p.scale, p.zero_point};
  }

  /// Rounds the weights of int8 layers, and of dynamic-range layers as these, as far as they have the same scales.
  void round(const Int8Options& options) {
    if (options.round == RoundWeights::nearest || options.rounding_samples.inputs.empty()) return;
    RoundingOptions samples = options.rounding_samples;
    samples.each_alone = true;
    round_plan(graph_, plans_[int8_form], options.round, samples, samples.notes ? samples.notes : options.notes);
    for (auto& [name, layer] : plans_[dynamic_form].layers) {
      const LayerPlan& rounded = plans_[int8_form].layers.at(name);
      if (layer.form == PlannedForm::dynamic && !rounded.weight_codes.empty() && layer.weights == rounded.weights &&
          layer.block_multipliers == rounded.block_multipliers) {
        layer = rounded;
        layer.form = PlannedForm::dynamic;
      }
    }
  }

  void find_forms() {
    for (std::size_t l = 0; l < names_.size(); ++l) {
      const IntegerForm form = graph_.nodes[l].op->integer_form();
      const bool moves = form.output == IntegerForm::Output::as_input && !form.rescales;
      follows_.push_back(moves && layer_plan(l, int8_form).form == PlannedForm::integer);
      forms_.push_back({float_form});
      for (std::size_t f = 1; f < plans_.size() && !follows_.back(); ++f)
        if (layer_plan(l, f).form != PlannedForm::floating) forms_.back().push_back(f);
    }
  }

  /// Takes the scales from the model whose layers are all int8.
  void find_params() {
    const Model int8_model = PlannedModel(graph_, plans_[int8_form]).build();
    std::map<std::string, QuantParams> found;
    for (const Value& v : int8_model.values)
      if (v.is_quantized() && !v.is_constant()) found[v.name] = v.quant;
    for (const Value& v : graph_.values) {
      auto at_name = found.find(v.name);
      if (at_name == found.end()) at_name = found.find(v.name + ".int8");
      params_.push_back(at_name == found.end() || v.is_constant() ? QuantParams{} : at_name->second);
    }
  }

  ChannelExponents exponents_;
  OptimizedModel graph_;
  std::vector<std::string> names_;
  Calibration calibration_;
  bool symmetric_;
  std::vector<QuantizationPlan> plans_;          // of each form
  std::vector<std::vector<std::size_t>> forms_;  // of each layer
  std::vector<bool> follows_;                    // of each layer
  std::vector<QuantParams> params_;              // of each value
};

}  // namespace detail
OCTET_END
