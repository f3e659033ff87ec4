#pragma once
#include <set>

#include "../operators/convolution/convolution.hpp"
#include "../operators/fully_connected.hpp"
#include "../passes/bound_activations.hpp"
#include "activation_params.hpp"
#include "bias_correction.hpp"
#include "block_scales.hpp"
#include "equalize.hpp"
#include "layer_names.hpp"
#include "masked_softmax.hpp"
#include "plan.hpp"
#include "rescale_calibration.hpp"
#include "unsummed.hpp"
#include "useful_range.hpp"

/// The makers of plans for float models.
OCTET_BEGIN
namespace detail {

/// What quantization-aware training has learned about a model. Used instead of a calibration.
struct LearnedQuantization {
  struct Weights {
    std::vector<std::int32_t> largest_codes;  // of each channel
    int bits = 8;
  };
  std::map<std::string, QuantParams> activations;  // by value name
  std::map<std::string, Weights> weights;          // by value name
  std::map<std::string, QuantParams> unsummed;     // of results before a residual is added, by the name of the weights
};

/// For each layer: whether it stays float because the options say so, for a mask, or for tensors that were always
/// empty.
inline std::vector<bool> float_layers(const OptimizedModel& g, const Calibration& calibration,
                                      const Int8Options& options) {
  std::vector<bool> layers = matching_layers(g, options.keep_float, "kept float");
  const MaskedSoftmax masked(g, calibration);
  const std::vector<bool> of_empty = layers_of_empty_tensors(g, calibration);
  for (std::size_t i = 0; i < layers.size(); ++i) layers[i] = layers[i] || masked.layers()[i] || of_empty[i];
  return layers;
}

/// Plans int8 layers.
class Int8Planner {
 public:
  Int8Planner(const OptimizedModel& g, const Calibration& calibration, const Int8Options& options,
              const LearnedQuantization& learned = {})
      : g_(g),
        calibration_(calibration),
        options_(options),
        learned_(learned),
        placement_(g, {float_layers(g, calibration, options), options.integer_input, options.integer_output}),
        keep_8_bits_(matching_layers(g, options.keep_8_bits, "kept at 8 bits")) {
    require(options.small_8_bits >= 0 && options.small_8_bits <= 1, "Int8Options::small_8_bits is ",
            options.small_8_bits, ", expected 0 to 1");
    keep_small_layers();
    require_block_option(options.weight_block, "Int8Options");
    require(options.weight_bits >= 2 && options.weight_bits <= bits(format_.weights), "weights of ",
            options.weight_bits, " bits are not supported, expected 2 to ", bits(format_.weights));
  }

  QuantizationPlan plan() const {
    QuantizationPlan p;
    p.rounding = options_.rounding;
    p.integer_input = options_.integer_input;
    p.integer_output = options_.integer_output;
    require_finite_weights(g_);
    const std::vector<QuantParams> params =
        activation_params(g_, placement_, format_, [this](int v) { return own(v); });
    for (std::size_t v = 0; v < params.size(); ++v)
      if (placement_.source(static_cast<int>(v)) == IntegerPlacement::Source::measured)
        p.activations[g_.values[v].name] = {params[v].scale[0], params[v].zero_point[0]};
    const std::vector<std::string> names = plan_layer_names(g_);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const Node& n = g_.nodes[i];
      LayerPlan& layer = p.layers[names[i]];
      if (!placement_.is_integer(n)) continue;
      layer.form = planned;
      if (has_residual(n)) plan_unsummed(n, p);
      if (n.op->integer_form().weights >= 0)
        plan_weights(n, params[static_cast<std::size_t>(n.inputs[0])].scale[0], layer);
    }
    return p;
  }

 private:
  static constexpr PlannedForm planned = PlannedForm::integer;  // of all layers that have it

  /// The smallest layers with weights, as long as they have together at most options.small_8_bits of all weights; those
  /// of the same size in their order in the model.
  void keep_small_layers() {
    std::vector<std::pair<std::int64_t, std::size_t>> layers;
    std::int64_t all = 0;
    for (std::size_t i = 0; i < g_.nodes.size(); ++i) {
      const Node& n = g_.nodes[i];
      if (!placement_.is_integer(n) || n.op->integer_form().weights < 0) continue;
      const std::int64_t size = g_.value(n.inputs[at(n.op->integer_form().weights)]).constant.size();
      layers.emplace_back(size, i);
      all += size;
    }
    std::sort(layers.begin(), layers.end());
    const auto most = static_cast<std::int64_t>(options_.small_8_bits * static_cast<double>(all));
    std::int64_t sum = 0;
    for (const auto& [size, node] : layers) {
      sum += size;
      if (sum > most) break;
      keep_8_bits_[node] = true;
    }
  }

  QuantParams own(int v) const {
    const std::string& tensor = g_.value(v).name;
    if (const auto it = learned_.activations.find(tensor); it != learned_.activations.end()) return it->second;
    Range r = useful_range(g_, placement_.links(), v, calibration_.range(tensor));
    // No scale is as small as the results of, say, a sigmoid that is always closed: they become zeros.
    const bool computed = placement_.links().producer(v) != Node::none;
    if (computed && std::max(-r.low, r.high) < 256 * std::numeric_limits<float>::min()) r = {0, 0};
    const ScaleAndZero p = activation_scale(r, format_.activations, options_.symmetric_activations);
    require(is_usable_scale(static_cast<double>(p.scale)), "tensor '", tensor, "' was calibrated to [", r.low, ", ",
            r.high, "], which no scale can represent");
    return {p.scale, p.zero_point};
  }

  /// For other formats only, so a model without that range is no error.
  void plan_unsummed(const Node& n, QuantizationPlan& p) const {
    const std::string tensor = unsummed_name(g_, n);
    const std::string& weights = g_.value(n.inputs[static_cast<std::size_t>(n.op->integer_form().weights)]).name;
    if (const auto it = learned_.unsummed.find(weights); it != learned_.unsummed.end())
      p.activations[tensor] = {it->second.scale[0], it->second.zero_point[0]};
    if (!calibration_.contains(tensor)) return;
    const ScaleAndZero q =
        activation_scale(calibration_.range(tensor), format_.activations, options_.symmetric_activations);
    if (is_usable_scale(static_cast<double>(q.scale))) p.activations[tensor] = {q.scale, q.zero_point};
  }

  /// If a bias is too large for the scale of its channel's weights (which may be almost zero), the scale is increased
  /// until the bias fits.
  void plan_weights(const Node& n, float input_scale, LayerPlan& layer) const {
    const IntegerForm form = n.op->integer_form();
    const Value& w = g_.value(n.inputs[static_cast<std::size_t>(form.weights)]);
    const int b = form.bias < 0 ? Node::none : input_of(n, static_cast<std::size_t>(form.bias));
    std::vector<double> least;
    if (b != Node::none)
      for (float x : to_float(g_.value(b).constant.ref()))
        least.push_back(least_scale(x, static_cast<double>(input_scale)));
    std::vector<std::int32_t> largest_codes;
    layer.weight_bits = keep_8_bits_[at(&n - g_.nodes.data())] ? bits(format_.weights) : options_.weight_bits;
    if (const auto it = learned_.weights.find(w.name); it != learned_.weights.end()) {
      largest_codes = it->second.largest_codes;
      layer.weight_bits = it->second.bits;
    }
    const FloatElements weights(w.constant);
    IntegerFormat format = format_;
    format.bits = layer.weight_bits;
    if (largest_codes.empty() && takes_blocks(n, w.shape, options_.weight_block, layer.weight_bits))
      plan_blocks(*weights, options_.weight_block, format, options_.per_channel, least, layer);
    else
      layer.weights = weight_params(*weights, format, options_.per_channel, options_.weights, least, largest_codes);
    if (options_.correct_bias) layer.input_means = mean_inputs(g_, n, &calibration_);
  }

  const OptimizedModel& g_;
  const Calibration& calibration_;
  const Int8Options& options_;
  const LearnedQuantization& learned_;
  const IntegerPlacement placement_;
  std::vector<bool> keep_8_bits_;  // of each node
  const IntegerFormat& format_ = *format_of(planned);
};

/// Plans layers with smaller weights; all others are float.
class WeightPlanner {
 public:
  WeightPlanner(const OptimizedModel& g, const Calibration* calibration, const WeightOptions& options)
      : g_(g), calibration_(calibration), options_(options), layers_(g.nodes.size()) {
    require_block_option(options.weight_block, "WeightOptions");
  }

  /// Half-precision weights, where they have no element that is too large.
  template <class Half>
  QuantizationPlan half() {
    std::set<int> float32;
    for (std::size_t i = 0; i < g_.nodes.size(); ++i) {
      const Node& n = g_.nodes[i];
      if (!takes_part(n, options_.least_elements)) continue;
      const int v = weights_of(n);
      if (g_.value(v).dtype != DType::f32 || float32.count(v)) continue;
      if (stays_float32<Half>(n, g_.value(v))) {
        float32.insert(v);
        continue;
      }
      layers_[i].form = std::is_same_v<Half, fp16> ? PlannedForm::half : PlannedForm::bfloat16;
      layers_[i].input_means = mean_inputs(g_, n, calibration_);
    }
    return plan();
  }

  QuantizationPlan dynamic_range() {
    const Links links(g_);
    for (std::size_t i = 0; i < g_.nodes.size(); ++i) {
      const Node& n = g_.nodes[i];
      if (!has_dynamic_form(*n.op) || !takes_part(n, is_convolution(g_, n) ? 0 : options_.least_elements)) continue;
      if (g_.value(n.inputs[0]).dtype != DType::f32) continue;
      if (is_depthwise(g_, n)) {
        const int before = links.producer(n.inputs[0]);
        if (!activation_bounds(g_, links, n.inputs[0])) continue;
        if (layers_[static_cast<std::size_t>(before)].form != PlannedForm::dynamic) continue;
      }
      layers_[i].form = PlannedForm::dynamic;
      const FloatElements weights(g_.value(weights_of(n)).constant);
      IntegerFormat format = *format_of(PlannedForm::dynamic);
      if (takes_blocks(n, (*weights).shape(), options_.weight_block, most_block_bits)) {
        layers_[i].weight_bits = format.bits = most_block_bits;
        plan_blocks(*weights, options_.weight_block, format, options_.per_channel, {}, layers_[i]);
      } else {
        layers_[i].weights = weight_params(*weights, format, options_.per_channel, options_.weights);
      }
      layers_[i].input_means = mean_inputs(g_, n, calibration_);
    }
    return plan();
  }

 private:
  int weights_of(const Node& n) const { return n.inputs[static_cast<std::size_t>(n.op->integer_form().weights)]; }

  /// Whether the node has float weights to quantize.
  bool takes_part(const Node& n, std::int64_t least_elements) const {
    return has_float_weights(g_, n) && !kept(options_.keep_float, g_, n) &&
           g_.value(weights_of(n)).constant.size() >= least_elements;
  }

  /// Whether a weight is too large for Half. Then adds a note, or throws, as options.too_large says.
  template <class Half>
  bool stays_float32(const Node& n, const Value& w) const {
    const auto elements = w.constant.view<float>();
    float range[2];
    element_kernels().minmax_f32(elements.data(), elements.size(), range);
    const float largest = -range[0] > range[1] ? range[0] : range[1];
    if (std::isfinite(static_cast<float>(Half(largest)))) return false;
    const std::string found = concat("layer '", n.name, "': tensor '", w.name, "' has the element ", largest,
                                     ", which is too large for ", name(dtype_of<Half>));
    require(options_.too_large == TooLarge::keep_float32, found);
    if (options_.notes) options_.notes->push_back(found + ": it stays float32");
    return true;
  }

  QuantizationPlan plan() {
    QuantizationPlan p;
    p.rounding = g_.rounding;
    const std::vector<std::string> names = plan_layer_names(g_);
    for (std::size_t i = 0; i < names.size(); ++i) p.layers[names[i]] = std::move(layers_[i]);
    return p;
  }

  const OptimizedModel& g_;
  const Calibration* calibration_;
  const WeightOptions& options_;
  std::vector<LayerPlan> layers_;  // of each node
};

/// Plans int8 layers, with channels that are rescaled first where the options ask for it.
inline QuantizationPlan make_int8_plan(OptimizedModel g, const Calibration& calibration, const Int8Options& options) {
  if (options.equalize == Equalize::never) return Int8Planner(g, calibration, options).plan();
  require_finite_weights(g);
  const IntegerPlacement placement(
      g, {float_layers(g, calibration, options), options.integer_input, options.integer_output});
  std::vector<bool> integer;
  for (const Node& n : g.nodes) integer.push_back(placement.is_integer(n));
  const ChannelExponents exponents =
      Equalizer(g, calibration, integer, options.per_channel).exponents(options.equalize == Equalize::always);
  if (exponents.empty()) return Int8Planner(g, calibration, options).plan();
  rescale(g, exponents);
  QuantizationPlan plan = Int8Planner(g, rescaled(calibration, exponents), options).plan();
  plan.channel_exponents = exponents;
  return plan;
}

inline QuantizationPlan make_weight_plan(const OptimizedModel& g, PlannedForm form, const Calibration* calibration,
                                         const WeightOptions& options) {
  WeightPlanner planner(g, calibration, options);
  if (form == PlannedForm::half) return planner.half<fp16>();
  if (form == PlannedForm::bfloat16) return planner.half<bf16>();
  return planner.dynamic_range();
}

}  // namespace detail
OCTET_END
