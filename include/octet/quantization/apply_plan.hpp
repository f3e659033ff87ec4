#pragma once
#include "../operators/convert.hpp"
#include "activation_params.hpp"
#include "check_plan.hpp"
#include "planned_formats.hpp"
#include "planned_weights.hpp"
#include "rescale.hpp"

OCTET_BEGIN

namespace detail {

/// The one consumer of plans: converts a float model. Quantizes activations, weights and biases of int8
/// layers, and inserts conversions between these and float layers; converts the weights of the others.
class PlannedModel {
 public:
  PlannedModel(OptimizedModel model, const QuantizationPlan& plan)
      : g_(rescaled(std::move(model), plan)),
        plan_(plan),
        layers_(layers_of(g_, plan)),
        placement_(g_, {not_integer(layers_), plan.integer_input, plan.integer_output}),
        formats_(planned_formats(g_, placement_.links(), layers_)),
        converter_(g_, nodes_),
        weights_(g_) {}

  Model build() {
    g_.rounding = plan_.rounding;
    require_finite_weights(g_);
    for (std::size_t i = 0; i < layers_.size(); ++i) require_form(g_.nodes[i], *layers_[i]);
    // Of int8: those of int16 follow from them.
    params_ = activation_params(g_, placement_, int8_format, [this](int v) { return planned(v); });
    for (std::size_t v = 0; v < params_.size(); ++v)
      if (placement_.source(static_cast<int>(v)) == Source::fixed)
        fixed_[static_cast<int>(v)] =
            g_.nodes[at(placement_.links().producer(static_cast<int>(v)))].op->integer_form().range;
    require_not_planned_otherwise();
    rewrite();
    return std::move(g_);
  }

 private:
  using Source = IntegerPlacement::Source;
  using Output = IntegerForm::Output;
  bool is_integer(int v) const { return placement_.is_integer(v); }

  static Graph rescaled(Graph g, const QuantizationPlan& plan) {
    require_valid(plan);
    rescale(g, plan.channel_exponents);
    note_exponents(g, plan.channel_exponents);
    return g;
  }
  static std::vector<const LayerPlan*> layers_of(const Graph& g, const QuantizationPlan& plan) {
    require_same_names(plan, g, unique_layer_names(g));
    return layer_plans(g, plan);
  }

  /// Throws Error if the form that the plan gives to the layer is not supported.
  void require_form(const Node& n, const LayerPlan& layer) const {
    const IntegerForm form = n.op->integer_form();
    bool possible = true;
    switch (layer.form) {
      case PlannedForm::floating: break;
      case PlannedForm::integer:
        possible = form.output != Output::none && (form.weights < 0 || placement_.is_integer(n));
        break;
      case PlannedForm::integer16:
        possible = form.int16 && form.output != Output::none && (form.weights < 0 || placement_.is_integer(n));
        break;
      case PlannedForm::dynamic: possible = has_dynamic_form(*n.op) && has_float_weights(g_, n); break;
      case PlannedForm::half:
      case PlannedForm::bfloat16:
        possible = has_float_weights(g_, n) && g_.value(n.inputs[at(form.weights)]).dtype == DType::f32;
        break;
    }
    require(possible, layer_text(n), "the form ", name(layer.form), " of the plan is not supported for this layer");
  }

  /// The plan's scale and zero point for a value. If the plan has none, because the form of a layer was changed: those
  /// of its layer's input or of the concat that reads it.
  QuantParams planned(int v) const {
    const std::string& tensor = g_.value(v).name;
    const Links& links = placement_.links();
    auto found = plan_.activations.find(tensor);
    for (int u = v; found == plan_.activations.end() && links.producer(u) != Node::none;) {
      const Node& n = g_.nodes[at(links.producer(u))];
      if (n.op->integer_form().output != Output::as_input || n.op->integer_form().widens) break;
      u = n.inputs[0];
      found = plan_.activations.find(g_.value(u).name);
    }
    if (found == plan_.activations.end() && links.used_once(v)) {
      const Node& reader = g_.nodes[at(links.users(v)[0])];
      if (reader.op->traits().joins) found = plan_.activations.find(g_.value(reader.outputs[0]).name);
    }
    require(found != plan_.activations.end(), "the plan has no scale for tensor '", tensor, "', which is an ",
            name(formats_[at(v)]->activations), " activation");
    return {found->second.scale, found->second.zero_point};
  }

  /// Throws Error if the plan gives a different scale to a value that shares the scale of another value, or whose scale
  /// is fixed.
  void require_not_planned_otherwise() const {
    std::set<std::string> own;
    for (std::size_t v = 0; v < params_.size(); ++v)
      if (placement_.source(static_cast<int>(v)) == Source::measured) own.insert(g_.values[v].name);
    for (std::size_t v = 0; v < params_.size(); ++v) {
      const std::string& tensor = g_.values[v].name;
      const QuantParams& p = params_[v];
      const auto found = plan_.activations.find(tensor);
      if (!p || found == plan_.activations.end() || own.count(tensor)) continue;
      const int root = placement_.root(static_cast<int>(v));
      const ActivationPlan& a = found->second;
      require(a.scale == p.scale[0] && a.zero_point == p.zero_point[0], "the plan gives tensor '", tensor,
              "' the scale ", a.scale, " and the zero point ", a.zero_point, ", expected ", p.scale[0], " and ",
              p.zero_point[0],
              at(root) == v ? std::string(", which are fixed") : ", those of tensor '" + g_.value(root).name + "'");
    }
  }

  void rewrite() {
    const std::vector<Node> old = std::move(g_.nodes);
    g_.nodes.clear();
    std::vector<int> outputs = g_.outputs;
    if (plan_.integer_input)
      for (int v : g_.inputs)
        if (is_integer(v)) become_integer(v, *formats_[at(v)]);
    for (std::size_t l = 0; l < old.size(); ++l) {
      Node n = old[l];
      const LayerPlan& layer = *layers_[l];
      const IntegerForm form = n.op->integer_form();
      const bool integer = placement_.is_integer(n), in_float = placement_.computes_in_float(n);
      const IntegerFormat& format = *formats_[at(n.outputs[0])];
      const std::vector<int> results = n.outputs;
      for (std::size_t i = 0; i < n.inputs.size(); ++i) {
        const int v = n.inputs[i];
        if (v == Node::none || (integer && !in_float && (is_parameter(g_, n, i) || is_index(g_, n, i)))) continue;
        n.inputs[i] = integer && !in_float             ? as_integer(v, format)
                      : form.compares && is_integer(v) ? as_integer(v, *formats_[at(v)])
                                                       : as_float(v);
      }
      if (integer) {
        if (form.weights >= 0) weights_.make_integer(n, layer, format);
        if (has_residual(n)) keep_unsummed(n, old[l], format);
        if (form.input_rescaled)
          n.inputs[0] = converter_.convert(n.inputs[0], format.activations, params(results[0], format), ".rescaled");
        for (int& v : n.outputs) v = integer_result(v, format);
      } else if (layer.form == PlannedForm::half) {
        weights_.make_half<fp16>(n, layer);
      } else if (layer.form == PlannedForm::bfloat16) {
        weights_.make_half<bf16>(n, layer);
      } else if (layer.form == PlannedForm::dynamic) {
        weights_.make_dynamic(n, layer);
      }
      const std::vector<int> computed = n.outputs;
      if (in_float) {
        const Value& y = g_.value(results[0]);
        n.outputs[0] = g_.add_value({y.name + ".unrounded", DType::f32, y.shape, {}, {}});
      }
      const int unrounded = n.outputs[0];
      nodes_.push_back(std::move(n));
      if (in_float)
        nodes_.push_back(
            {g_.value(computed[0]).name, make_operator(Convert(format.activations)), {unrounded}, {computed[0]}});
      for (std::size_t i = 0; i < results.size(); ++i)
        if (computed[i] != results[i])
          nodes_.push_back(
              {g_.value(results[i]).name, make_operator(Convert(DType::f32)), {computed[i]}, {results[i]}});
    }
    g_.nodes = std::move(nodes_);
    g_.outputs = std::move(outputs);
    g_.remove_unused();
  }

  /// Keeps the planned range of a layer's result before the residual is added.
  void keep_unsummed(Node& n, const Node& planned_node, const IntegerFormat& format) const {
    const auto* c = as<Convolution>(*n.op);
    const auto found = plan_.activations.find(unsummed_name(g_, planned_node));
    if (!c || found == plan_.activations.end()) return;
    Convolution copy = *c;
    const QuantParams q = in_format({found->second.scale, found->second.zero_point}, format);
    copy.unsummed_scale = static_cast<double>(q.scale[0]);
    copy.unsummed_zero_point = q.zero_point[0];
    n.op = make_operator(std::move(copy));
  }

  /// Parameters of 8-bit codes as those of the format.
  static QuantParams in_format(const QuantParams& p, const IntegerFormat& format) {
    return format.computed == int16_format.computed ? int16_params(p, int8_format.activations) : p;
  }
  /// Scale and zero point of a value in the format.
  QuantParams params(int v, const IntegerFormat& format) const {
    const int root = placement_.root(v);
    if (format.computed == int16_format.computed && placement_.source(root) == Source::fixed)
      return int16_params_dividing(fixed_.at(root));
    return in_format(params_[at(v)], format);
  }
  static std::string suffix(const IntegerFormat& format) { return std::string(".") + name(format.activations); }

  /// The value that an integer layer computes for its result v: v itself, or, if v is a float output of the model and
  /// keeps its name, an integer value from which v is converted.
  int integer_result(int v, const IntegerFormat& format) {
    if (!is_integer(v) || !params_[at(v)]) return v;
    if (!g_.is_output(v) || plan_.integer_output) {
      become_integer(v, format);
      return v;
    }
    const Value& x = g_.value(v);
    return integers_[{v, format.activations}] =
               g_.add_value({x.name + suffix(format), format.activations, x.shape, params(v, format), {}});
  }

  void become_integer(int v, const IntegerFormat& format) {
    g_.value(v).dtype = format.activations;
    g_.value(v).quant = params(v, format);
    integers_[{v, format.activations}] = v;
  }

  int as_integer(int v, const IntegerFormat& format) {
    const auto key = std::make_pair(v, format.activations);
    if (const auto it = integers_.find(key); it != integers_.end()) return it->second;
    const QuantParams own = params(v, format);
    if (g_.value(v).is_constant()) {
      const Tensor<float> exact = to_float(g_.value(v).constant.ref());
      const Calib given = given_params(own);
      const QuantParams chosen = choose_params(exact, given, format.activations);
      AnyTensor codes = AnyTensor::make(format.activations, exact.shape(), [&](std::byte* to) {
        quantize_elements(exact, chosen, given, format.activations, to);
      });
      return integers_[key] = g_.add_constant(g_.value(v).name, std::move(codes), chosen);
    }
    const auto other = integers_.find({v, formats_[at(v)]->activations});  // as its layer writes it
    const int from = other == integers_.end() ? v : other->second;
    return integers_[key] = converter_.convert(from, format.activations, own, suffix(format));
  }
  int as_float(int v) {
    if (at(v) >= params_.size() || !is_activation(g_.value(v).dtype) || !g_.value(v).is_quantized()) return v;
    return converter_.to_float(v);
  }

  Graph g_;
  const QuantizationPlan& plan_;
  const std::vector<const LayerPlan*> layers_;  // of each node
  const IntegerPlacement placement_;
  const std::vector<const IntegerFormat*> formats_;  // of each value
  std::vector<Node> nodes_;                          // of the new graph
  Converter converter_;
  std::vector<QuantParams> params_;                // of int8
  std::map<int, Range> fixed_;                     // of values: the ranges that operators give
  std::map<std::pair<int, DType>, int> integers_;  // of values: their integer forms (themselves or other values)
  PlannedWeights weights_;
};

}  // namespace detail
OCTET_END
