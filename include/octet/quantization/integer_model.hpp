#pragma once
#include "../core/affine.hpp"
#include "bias_correction.hpp"
#include "finite_weights.hpp"
#include "integer_placement.hpp"
#include "options.hpp"

OCTET_BEGIN

namespace detail {

/// What quantization-aware training has learned about a model. Used instead of a calibration.
struct LearnedQuantization {
  std::map<std::string, QuantParams> activations;                  // by value name
  std::map<std::string, std::vector<std::int32_t>> largest_codes;  // of each channel of weights, by value name
};

/// Converts an optimized float graph to int8: assigns scales and zero points to activations, quantizes weights and
/// biases, and inserts conversions between float and integer layers.
class IntegerModel {
 public:
  IntegerModel(Graph g, const Calibration& calibration, const Int8Options& options,
               const LearnedQuantization& learned = {})
      : g_(std::move(g)),
        calibration_(calibration),
        options_(options),
        learned_(learned),
        placement_(g_, {options.keep_float, options.integer_input, options.integer_output}),
        converter_(g_, nodes_) {}

  Model build() {
    g_.rounding = options_.rounding;
    require_finite_weights(g_);
    for (int v = 0; v < static_cast<int>(g_.values.size()); ++v)
      params_.push_back(params_of(v));  // before rewrite() adds values
    rewrite();
    return std::move(g_);
  }

 private:
  using Source = IntegerPlacement::Source;
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  bool is_integer(int v) const { return placement_.is_integer(v); }

  QuantParams params_of(int v) const {
    const int root = placement_.root(v);
    switch (placement_.source(root)) {
      case Source::measured: return measured(g_.value(root).name);
      case Source::constant:
        require_finite_constant(g_.value(root), "");
        return params_of_elements(to_float(g_.value(root).constant.ref()));
      case Source::fixed: return g_.nodes[at(placement_.links().producer(root))].op->integer_form().params;
      default: return {};
    }
  }
  QuantParams measured(const std::string& tensor) const {
    if (const auto it = learned_.activations.find(tensor); it != learned_.activations.end()) return it->second;
    const Range r = calibration_.range(tensor);
    const ScaleAndZero p = activation_scale(r, DType::i8, options_.symmetric_activations);
    require(is_usable_scale(static_cast<double>(p.scale)), "tensor '", tensor, "' was calibrated to [", r.low, ", ",
            r.high, "], which no scale can represent");
    return {p.scale, p.zero_point};
  }
  static QuantParams params_of_elements(const Tensor<float>& t) {
    const bool nonzero = std::any_of(t.begin(), t.end(), [](float x) { return x != 0; });
    return octet::detail::choose_params(t, nonzero ? per_tensor().asymmetric() : given_params({1.0f, 0}), DType::i8);
  }

  void rewrite() {
    const std::vector<Node> old = std::move(g_.nodes);
    g_.nodes.clear();
    const std::size_t count = params_.size();
    quantized_.assign(count, Node::none);
    std::vector<int> outputs = g_.outputs;
    if (options_.integer_input)
      for (int v : g_.inputs)
        if (is_integer(v)) become_integer(v);
    for (Node n : old) {
      const IntegerForm form = n.op->integer_form();
      const bool integer = placement_.is_integer(n), weighted = form.weights >= 0;
      const std::vector<int> results = n.outputs;
      std::vector<double> means;
      if (integer && weighted && options_.correct_bias) means = mean_inputs(g_, n, &calibration_);
      for (std::size_t i = 0; i < n.inputs.size(); ++i) {
        const int v = n.inputs[i];
        if (v == Node::none || (integer && is_parameter(g_, n, i))) continue;
        n.inputs[i] = integer || (form.compares && is_integer(v)) ? as_integer(v) : as_float(v);
      }
      if (integer) {
        if (weighted) quantize_parameters(n, means);
        for (int& v : n.outputs) v = integer_result(v);
      }
      const std::vector<int> computed = n.outputs;
      nodes_.push_back(std::move(n));
      for (std::size_t i = 0; i < results.size(); ++i)
        if (computed[i] != results[i])
          nodes_.push_back(
              {g_.value(results[i]).name, make_operator(Convert(DType::f32)), {computed[i]}, {results[i]}});
    }
    g_.nodes = std::move(nodes_);
    g_.outputs = std::move(outputs);
    g_.remove_unused();
  }

  /// The value that an integer layer writes for its result v: v itself or, if v is a float output of the model, a new
  /// integer value that is then converted to v.
  int integer_result(int v) {
    if (!is_integer(v) || !params_[at(v)]) return v;
    if (!g_.is_output(v) || options_.integer_output) {
      become_integer(v);
    } else {
      const Value& x = g_.value(v);
      quantized_[at(v)] = g_.add_value({x.name + ".int8", DType::i8, x.shape, params_[at(v)], {}});
    }
    return quantized_[at(v)];
  }

  void become_integer(int v) {
    g_.value(v).dtype = DType::i8;
    g_.value(v).quant = params_[at(v)];
    quantized_[at(v)] = v;
  }

  int as_integer(int v) {
    if (quantized_[at(v)] != Node::none) return quantized_[at(v)];
    if (g_.value(v).is_constant()) {
      const QTensor<int8> q =
          quantize<int8>(View<const float>(to_float(g_.value(v).constant.ref())), given_params(params_[at(v)]));
      return quantized_[at(v)] = g_.add_constant(g_.value(v).name, q.data, q.params);
    }
    return quantized_[at(v)] = converter_.convert(v, DType::i8, params_[at(v)], ".int8");
  }
  int as_float(int v) {
    if (at(v) >= params_.size() || g_.value(v).dtype != DType::i8 || !g_.value(v).is_quantized()) return v;
    return converter_.to_float(v);
  }

  /// Quantizes the weights to int8 and the bias to int32 with scale input scale * weight scale. Where the bias is large
  /// relative to the weights of its channel (which may be almost zero), the weight scale is increased until it fits.
  void quantize_parameters(Node& n, const std::vector<double>& means) {
    const IntegerForm form = n.op->integer_form();
    const auto w_at = static_cast<std::size_t>(form.weights), b_at = static_cast<std::size_t>(form.bias);
    const Value& w = g_.value(n.inputs[w_at]);
    const AnyTensor constant = w.constant;  // a copy (shared): add_constant invalidates references to values
    const FloatElements weights(constant);
    const std::int64_t channels = constant.shape()[0];
    const auto input_scale = static_cast<double>(g_.value(n.inputs[0]).quant.scale[0]);
    int b = form.bias < 0 ? Node::none : input_of(n, b_at);
    std::vector<double> least;
    Tensor<float> bias;
    if (b != Node::none) {
      bias = to_float(g_.value(b).constant.ref());
      for (float x : bias) least.push_back(least_scale(x, input_scale));
    }
    const std::string w_name = w.name;
    const auto codes = learned_.largest_codes.find(w_name);
    QTensor<int8> q =
        quantize_weights(*weights, options_.per_channel, options_.weights, least,
                         codes == learned_.largest_codes.end() ? std::vector<std::int32_t>{} : codes->second);
    correct_bias(g_, n, *weights, means, q);
    b = form.bias < 0 ? Node::none : input_of(n, b_at);
    if (b != Node::none) {
      bias = to_float(g_.value(b).constant.ref());
      Tensor<std::int32_t> integers({channels});
      for (std::int64_t c = 0; c < channels; ++c) {
        const double s =
            input_scale * static_cast<double>(q.params.scale[options_.per_channel ? at(static_cast<int>(c)) : 0]);
        integers[c] = saturate_to<std::int32_t>(std::nearbyint(static_cast<double>(bias[c]) / s));
      }
      n.inputs[b_at] = g_.add_constant(g_.value(b).name, std::move(integers));
    }
    n.inputs[w_at] = g_.add_constant(w_name, std::move(q.data), std::move(q.params));
  }

  Graph g_;
  const Calibration& calibration_;
  const Int8Options& options_;
  const LearnedQuantization learned_;
  IntegerPlacement placement_;
  std::vector<Node> nodes_;  // of the integer graph
  Converter converter_;
  std::vector<QuantParams> params_;
  std::vector<int> quantized_;  // for each value: its integer version, itself, or none
};

}  // namespace detail
OCTET_END
