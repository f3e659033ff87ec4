#pragma once
#include "../passes/lower.hpp"
#include "bias_correction.hpp"

OCTET_BEGIN

/// Options of quantize<int8>(model, calibration).
struct Int8Options {
  bool per_channel = true;             // scales of weights
  bool symmetric_activations = false;  // zero points 0
  RangeMethod weights = RangeMethod::min_max;
  bool correct_bias = true;             // for the mean error of rounded weights, where the calibration has means
  std::vector<std::string> keep_float;  // names of layers, * for any text
  bool integer_input = false;           // the model takes int8 instead of float
  bool integer_output = false;          // ... and gives it
  Rounding rounding = Rounding::fp32;
};

namespace detail {

/// Turns an optimized float graph into one on int8: decides which layers become integer, gives every activation a
/// scale and zero point, quantizes weights and biases, and converts where float and integer layers meet.
class IntegerModel {
 public:
  IntegerModel(Graph g, const Calibration& calibration, const Int8Options& options)
      : g_(std::move(g)), calibration_(calibration), options_(options), links_(g_), converter_(g_, nodes_) {}

  Model build() {
    for (const std::string& p : options_.keep_float) require_used(p);
    g_.rounding = options_.rounding;
    decide();
    params_.resize(g_.values.size());
    for (int v : g_.inputs) want_measured(v);
    for (const Node& n : g_.nodes)
      if (is_integer(n.outputs[0])) choose_params(n);
    share_with_concat();
    rewrite();
    return std::move(g_);
  }

 private:
  using Output = IntegerForm::Output;
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  bool is_integer(int v) const { return integer_[at(v)]; }

  void require_used(const std::string& pattern) const {
    for (const Node& n : g_.nodes)
      if (kept({pattern}, g_, n)) return;
    fail("no layer matches '", pattern, "', which is to be kept float");
  }

  /// Which values are integers: results of layers that have an integer form and are not to be kept float, and what
  /// is computed from integers without a scale of its own.
  void decide() {
    integer_.assign(g_.values.size(), false);
    for (int v : g_.inputs) {
      const auto& users = links_.users(v);
      integer_[at(v)] = g_.value(v).dtype == DType::f32 &&
                        (options_.integer_input || std::any_of(users.begin(), users.end(), [&](int n) {
                           return form_of(g_.nodes[at(n)]).output != Output::none;
                         }));
    }
    for (const Node& n : g_.nodes) {
      const IntegerForm form = form_of(n);
      bool possible = form.output != Output::none && g_.value(n.outputs[0]).dtype == DType::f32;
      for (std::size_t i = 0; possible && i < n.inputs.size(); ++i) {
        const int v = n.inputs[i], k = static_cast<int>(i);
        if (v == Node::none) continue;
        if (k == form.weights || k == form.bias)
          possible = g_.value(v).is_constant() && is_floating(g_.value(v).dtype);
        else
          possible = g_.value(v).dtype == DType::f32 && (form.output != Output::as_input || is_integer(v));
      }
      if (form.weights >= 0) possible = possible && has_float_weights(g_, n);
      integer_[at(n.outputs[0])] = possible;
    }
  }

  IntegerForm form_of(const Node& n) const {
    return kept(options_.keep_float, g_, n) ? IntegerForm{} : n.op->integer_form();
  }

  /// The last layer of a float model adds up in integers and gives float at once, where it can.
  bool gives_float(const Node& n) const {
    const int out = n.outputs[0];
    return !options_.integer_output && g_.is_output(out) && links_.users(out).empty() &&
           (as<Convolution>(*n.op) || as<FullyConnected>(*n.op)) && input_of(n, 3) == Node::none;
  }

  void want_measured(int v) {
    if (is_integer(v)) params_[at(v)] = measured(g_.value(v).name);
  }
  QuantParams measured(const std::string& tensor) const {
    Range r = calibration_.range(tensor);
    if (!(r.high > r.low) && r.low == 0) r.high = 1;  // all zeros: any scale will do
    const QuantParams p = params_for(r, DType::i8, options_.symmetric_activations);
    require(p.scale[0] >= std::numeric_limits<float>::min() && std::isfinite(p.scale[0]), "tensor '", tensor,
            "' was calibrated to [", r.low, ", ", r.high, "], which no scale can represent");
    return p;
  }

  void choose_params(const Node& n) {
    const IntegerForm form = n.op->integer_form();
    const int out = n.outputs[0];
    for (int v : n.inputs)  // constants that are data, and float values entering
      if (v != Node::none && !params_[at(v)] && g_.value(v).dtype == DType::f32) enter(n, v);
    switch (form.output) {
      case Output::fixed: params_[at(out)] = form.params; break;
      case Output::as_input:
        // Means cover less of the range than what they were taken of.
        if (form.rescales)
          want_measured(out);
        else
          params_[at(out)] = params_[at(n.inputs[0])];
        break;
      default:
        if (!gives_float(n)) want_measured(out);
    }
  }
  void enter(const Node& n, int v) {
    for (std::size_t i = 0; i < n.inputs.size(); ++i)
      if (n.inputs[i] == v && is_parameter(g_, n, i)) return;
    if (g_.value(v).is_constant()) {
      const Tensor<float> t = to_float(g_.value(v).constant.ref());
      params_[at(v)] =
          octet::detail::choose_params(t, nonzero(t) ? per_tensor().asymmetric() : given_params({1.0f, 0}), DType::i8);
    } else {
      params_[at(v)] = measured(g_.value(v).name);
    }
  }
  static bool nonzero(const Tensor<float>& t) {
    return std::any_of(t.begin(), t.end(), [](float x) { return x != 0; });
  }

  /// What only a concat reads is computed in the concat's scale at once: one rounding instead of two.
  void share_with_concat() {
    for (std::size_t i = g_.nodes.size(); i-- > 0;) {
      const Node& n = g_.nodes[i];
      if (!as<Concat>(*n.op) || !is_integer(n.outputs[0])) continue;
      for (int v : n.inputs) {
        const int p = links_.producer(v);
        if (p == Node::none || !links_.used_once(v) || !is_integer(v)) continue;
        if (g_.nodes[at(p)].op->integer_form().output == Output::measured) params_[at(v)] = params_[at(n.outputs[0])];
      }
    }
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
      const int out = n.outputs[0];
      const bool integer = is_integer(out), weighted = n.op->integer_form().weights >= 0;
      std::vector<double> means;
      if (integer && weighted && options_.correct_bias) means = mean_inputs(g_, n, &calibration_);
      for (std::size_t i = 0; i < n.inputs.size(); ++i) {
        const int v = n.inputs[i];
        if (v == Node::none || (integer && is_parameter(g_, n, i))) continue;
        n.inputs[i] = integer ? as_integer(v) : as_float(v);
      }
      if (integer) {
        if (weighted) quantize_parameters(n, means);
        const bool border = g_.is_output(out) && !options_.integer_output && params_[at(out)];
        if (border) {  // the name stays with the float output; the integers get another one
          const Value& v = g_.value(out);
          quantized_[at(out)] = g_.add_value({v.name + ".int8", DType::i8, v.shape, params_[at(out)], {}});
          n.outputs[0] = quantized_[at(out)];
        } else if (params_[at(out)]) {
          become_integer(out);
        }
      }
      const bool border = integer && n.outputs[0] != out;
      const int q = n.outputs[0];
      nodes_.push_back(std::move(n));
      if (border) nodes_.push_back({g_.value(out).name, std::make_shared<const Convert>(DType::f32), {q}, {out}});
    }
    g_.nodes = std::move(nodes_);
    g_.outputs = std::move(outputs);
    g_.remove_unused();
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

  /// Weights as int8, the bias as int32 of scale input * weights. Where a bias is large beside the weights of its
  /// channel (which may be almost zero), the weights' scale grows until the bias fits.
  void quantize_parameters(Node& n, const std::vector<double>& means) {
    const IntegerForm form = n.op->integer_form();
    const auto w_at = static_cast<std::size_t>(form.weights), b_at = static_cast<std::size_t>(form.bias);
    const Value& w = g_.value(n.inputs[w_at]);
    const AnyTensor constant = w.constant;  // shared: values move when others are added
    const FloatElements weights(constant);
    const std::int64_t channels = constant.shape()[0];
    const auto input_scale = static_cast<double>(g_.value(n.inputs[0]).quant.scale[0]);
    int b = form.bias < 0 ? Node::none : input_of(n, b_at);
    std::vector<double> least;
    Tensor<float> bias;
    if (b != Node::none) {
      bias = to_float(g_.value(b).constant.ref());
      constexpr double largest_bias = 1 << 30;
      for (float x : bias) {
        require(std::isfinite(x), "layer '", n.name, "': tensor '", g_.value(b).name, "' has NaN or infinite elements");
        least.push_back(std::abs(static_cast<double>(x)) / (largest_bias * input_scale));
      }
    }
    const std::string w_name = w.name;
    QTensor<int8> q = quantize_weights(*weights, options_.per_channel, options_.weights, least);
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
  Links links_;
  std::vector<Node> nodes_;  // of the new graph
  Converter converter_;
  std::vector<bool> integer_;
  std::vector<QuantParams> params_;
  std::vector<int> quantized_;  // integer twin of each value, or itself, or none
};

}  // namespace detail
OCTET_END
