#pragma once
#include "../operators/shape/views.hpp"
#include "../quantization/equalize_trial.hpp"
#include "../quantization/float_model.hpp"
#include "candidate_forms.hpp"

/// Plans that mix the forms of an automatic choice.
OCTET_BEGIN
namespace detail {

/// The plans of all forms for one model, and mixtures of them. A form is its place in candidate_forms.
class FormPlans {
 public:
  /// `wanted`: which forms; layers do not have the others.
  FormPlans(const OptimizedModel& float_model, const Calibration& calibration, const Target& target,
            const std::vector<bool>& wanted)
      : exponents_(plan_with_equalization(float_model, calibration, target.int8).plan.channel_exponents),
        graph_(optimize(rescaled_graph(float_model, exponents_))),
        names_(plan_layer_names(graph_)),
        calibration_(rescaled(calibration, exponents_)),
        symmetric_(target.int8.symmetric_activations) {
    plans_.resize(candidate_forms().size());
    for (std::size_t f = 0; f < plans_.size(); ++f) {
      const std::size_t made = wanted[f] || f == int8_form ? f : float_form;
      plans_[f] = candidate_forms()[made].plan({graph_, calibration_, target, plans_[int8_form]});
    }
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
  /// The format of the activations of a layer in a form; null where they are float.
  const IntegerFormat* format_of(std::size_t layer, std::size_t form) const {
    const PlannedForm planned = layer_plan(layer, form).form;
    return has_integer_activations(planned) ? detail::format_of(planned) : nullptr;
  }
  /// Whether the layer only moves elements, and is an integer layer where its input is an integer.
  bool follows_input(std::size_t layer) const { return follows_[layer]; }
  /// Scale and zero point of a value where all layers are int8; empty if it is float even then.
  const QuantParams& integer_params(int v) const { return params_[at(v)]; }
  /// The same where all layers that have the form int16 are int16, as plans give them.
  const QuantParams& wide_params(int v) const { return wide_params_[at(v)]; }

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
      keep_float.push_back(!has_integer_activations(p.layers[names_[l]].form));
    }
    // Which tensors have a scale of their own depends on the forms of the neighbouring layers.
    const IntegerPlacement placement(graph_, {keep_float, false, false});
    const std::vector<bool> bytes = int8_values(p);
    for (int v = 0; v < static_cast<int>(graph_.values.size()); ++v) {
      const std::string& tensor = graph_.value(v).name;
      if (placement.source(v) != IntegerPlacement::Source::measured)
        p.activations.erase(tensor);
      else if (!bytes[at(v)] && calibration_.contains(tensor))
        p.activations[tensor] = wide_scale(v);
      else if (p.activations.count(tensor) == 0)
        p.activations[tensor] = own_scale(v, placement.links());
    }
    return p;
  }

  /// For each layer: whether it only moves elements, all of its input, and no integer layer reads them. In float, the
  /// layer before may give it sums.
  std::vector<bool> reshapes_floats(const std::vector<std::size_t>& forms, const Links& links) const {
    std::vector<bool> result(names_.size(), false);
    for (std::size_t l = names_.size(); l-- > 0;) {
      const Node& n = graph_.nodes[l];
      if (!follows_[l] || !as<Reshape>(*n.op)) continue;
      const std::vector<int>& users = links.users(n.outputs[0]);
      result[l] = std::all_of(users.begin(), users.end(),
                              [&](int u) { return follows_[at(u)] ? result[at(u)] : !format_of(at(u), forms[at(u)]); });
    }
    return result;
  }

 private:
  static Model rescaled_graph(Model g, const ChannelExponents& exponents) {
    rescale(g, exponents);
    return g;
  }

  /// For each layer: whether it only moves elements of an input of the model that no integer layer reads.
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
                               : format_of(l, forms[l]) != nullptr;
      result[l] = follows_[l] && !integer && moved[at(n.inputs[0])];
      for (int v : n.inputs)
        if (v != Node::none && integer) read[at(v)] = true;
    }
    return result;
  }

  /// The values that int8 layers of a plan write, or read, also through layers that only move elements.
  std::vector<bool> int8_values(const QuantizationPlan& plan) const {
    std::vector<bool> bytes(graph_.values.size(), false);
    for (std::size_t l = names_.size(); l-- > 0;) {
      const Node& n = graph_.nodes[l];
      const bool own = !follows_[l] && plan.layers.at(names_[l]).form == PlannedForm::integer;
      for (int v : n.outputs) bytes[at(v)] = bytes[at(v)] || own;
      const bool moved =
          follows_[l] && std::any_of(n.outputs.begin(), n.outputs.end(), [&](int v) { return bytes[at(v)]; });
      for (int v : n.inputs)
        if (v != Node::none && (own || moved)) bytes[at(v)] = true;
    }
    return bytes;
  }

  ActivationPlan own_scale(int v, const Links& links) const {
    return scale_of(v, useful_range(graph_, links, v, calibration_.range(graph_.value(v).name)));
  }
  /// Of 8 bits, with a range for 16: twice that of the calibration, since other inputs may reach beyond it, and one bit
  /// of 16 costs nothing.
  ActivationPlan wide_scale(int v) const {
    const Range r = calibration_.range(graph_.value(v).name, 1 << 16);
    return scale_of(v, {2 * r.low, 2 * r.high});
  }
  ActivationPlan scale_of(int v, const Range& r) const {
    const ScaleAndZero p = activation_scale(r, int8_format.activations, symmetric_);
    require(is_usable_scale(static_cast<double>(p.scale)), "tensor '", graph_.value(v).name, "' was calibrated to [",
            r.low, ", ", r.high, "], which no scale can represent");
    return {p.scale, p.zero_point};
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
    wide_params_ = params_;
    for (std::size_t v = 0; v < params_.size(); ++v) {
      const std::string& tensor = graph_.values[v].name;
      if (!params_[v] || plans_[int8_form].activations.count(tensor) == 0 || !calibration_.contains(tensor)) continue;
      const ActivationPlan wide = wide_scale(static_cast<int>(v));
      wide_params_[v] = {wide.scale, wide.zero_point};
    }
  }

  ChannelExponents exponents_;
  OptimizedModel graph_;
  std::vector<std::string> names_;
  Calibration calibration_;
  bool symmetric_;
  std::vector<QuantizationPlan> plans_;            // of each form
  std::vector<std::vector<std::size_t>> forms_;    // of each layer
  std::vector<bool> follows_;                      // of each layer
  std::vector<QuantParams> params_, wide_params_;  // of each value
};

}  // namespace detail
OCTET_END
