#pragma once
#include "../core/bias.hpp"
#include "activation_params.hpp"
#include "bias_correction.hpp"
#include "error_feedback.hpp"
#include "float_model.hpp"
#include "node_by_node.hpp"
#include "planned_codes.hpp"
#include "planned_formats.hpp"
#include "rescale.hpp"
#include "round_weights.hpp"
#include "sample_layer.hpp"

OCTET_BEGIN
namespace detail {

/// Rounds the layers of a plan, one after the other.
class PlanRounder {
 public:
  PlanRounder(const Graph& g, QuantizationPlan& plan, const RoundingOptions& options, std::vector<std::string>* notes)
      : g_(g),
        plan_(plan),
        options_(options),
        notes_(notes),
        pool_(pool_for(options.executor.pool, options.executor.threads)),
        layers_(layer_plans(g, plan)),
        placement_(g, {not_integer(layers_), plan.integer_input, plan.integer_output}),
        formats_(planned_formats(g, placement_.links(), layers_)),
        params_(activation_params(g, placement_, int8_format,
                                  [&](int v) {
                                    const auto found = plan.activations.find(g.value(v).name);
                                    return found == plan.activations.end()
                                               ? QuantParams{}
                                               : QuantParams{found->second.scale, found->second.zero_point};
                                  })),
        exact_(g, options.inputs, executor_options(), memory / 2),
        quantized_(g, options.inputs, executor_options(), memory / 2,
                   [this](const Node& n, int v, Tensor<float>& x) { round(n, v, x); }) {}

  void run() {
    const std::vector<std::string> names = unique_layer_names(g_);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const Node& n = g_.nodes[i];
      LayerPlan& layer = plan_.layers.at(names[i]);
      std::map<int, AnyTensor> constants;
      if (layer.weights && has_float_weights(g_, n)) {
        require_fits(n, layer, g_.value(n.inputs[static_cast<std::size_t>(n.op->integer_form().weights)]).shape);
        with_place([&](const std::string& text) { return concat("layer '", names[i], "': ", text); },
                   [&] { constants = rounded_layer(i, layer); });
      }
      exact_.add(i);
      if (!options_.each_alone) quantized_.add(i, constants);
      if (options_.progress)
        options_.progress(static_cast<std::int64_t>(i + 1), static_cast<std::int64_t>(names.size()));
    }
  }

 private:
  static constexpr std::int64_t memory = std::int64_t{1} << 30;  // of activations
  static constexpr std::int64_t most_weights = 10000;            // of an output channel: two matrices of 400 MB

  ExecutorOptions executor_options() const {
    ExecutorOptions o = options_.executor;
    o.pool = pool_;
    o.same_floats = true;
    return o;
  }

  /// Quantizes activations, as the quantized model has them, and back. What 16 bits lose is too little to matter.
  void round(const Node& n, int v, Tensor<float>& x) const {
    const QuantParams& p = params_[static_cast<std::size_t>(v)];
    if (!p || !(placement_.is_integer(v) || placement_.is_integer(n))) return;
    if (formats_[at(n.outputs[0])] == &int16_format) return;
    const IntegerRange codes = integer_range(int8_format.activations);
    FakeQuantized f;
    f.x = x.data();
    f.y = x.data();
    f.count = x.size();
    f.scale = p.scale[0];
    f.low = static_cast<float>(codes.low - p.zero_point[0]);
    f.high = static_cast<float>(codes.high - p.zero_point[0]);
    float seen[2];
    kernels().gradient.fake_quantize(f, seen);
  }

  /// How many output pixels are taken of a layer with k weights for each output channel, and `row` inputs of a pixel in
  /// all groups: 16 for each weight, as long as they take at most 64 MB, or else 4.
  std::int64_t samples(std::int64_t k, std::int64_t row) const {
    const std::int64_t most = std::max((std::int64_t{1} << 24) / row, std::min(4 * k, 4 * options_.samples));
    return std::max(options_.samples, std::min(16 * k, most));
  }

  /// Samples of what the layer reads in both models, and of the residual.
  struct Samples {
    std::vector<float> exact, quantized;            // [P, taps, C]
    std::vector<float> residual, rounded_residual;  // [P, O]; empty if there is none
    std::int64_t rows = 0;

    bool is_finite() const {
      for (const auto* list : {&exact, &quantized, &residual, &rounded_residual})
        if (!std::all_of(list->begin(), list->end(), [](float x) { return std::isfinite(x); })) return false;
      return true;
    }
  };

  Samples sample(std::size_t at, const LayerSampler& from) {
    const Node& n = g_.nodes[at];
    const int x = n.inputs[0], r = residual_of(n);
    Samples s;
    const auto take = [&](NodeByNode& run, std::vector<float>& rows, std::vector<float>& residual) {
      run.inspect(at, [&](std::int64_t image, const NodeByNode::Tensors& tensors) {
        Tensor<float> in = to_float(tensors.at(x).ref());
        if (&run == &quantized_) round(n, x, in);
        const std::vector<std::int64_t> pixels = from.pixels(image, in.shape());
        from.gather(in, pixels, rows);
        if (r == Node::none) return;
        Tensor<float> added =
            g_.value(r).is_constant() ? to_float(g_.value(r).constant.ref()) : to_float(tensors.at(r).ref());
        if (&run == &quantized_) round(n, r, added);
        for (std::int64_t p : pixels)
          residual.insert(residual.end(), added.data() + p * from.outputs(), added.data() + (p + 1) * from.outputs());
      });
    };
    take(exact_, s.exact, s.residual);
    if (options_.each_alone) {
      s.quantized = s.exact;
      s.rounded_residual = s.residual;
    } else {
      take(quantized_, s.quantized, s.rounded_residual);
    }
    s.rows = static_cast<std::int64_t>(s.exact.size()) / std::max<std::int64_t>(from.row_size(), 1);
    return s;
  }

  /// Rounds the layer's weights. Returns what the quantized model has in place of weights and bias.
  std::map<int, AnyTensor> rounded_layer(std::size_t at, LayerPlan& layer) {
    const Node& n = g_.nodes[at];
    const IntegerForm form = n.op->integer_form();
    const Tensor<float> w = to_float(g_.value(n.inputs[static_cast<std::size_t>(form.weights)]).constant.ref());
    const bool products = n.op->traits().products == Traits::Products::all;
    const int b = form.bias < 0 ? Node::none : input_of(n, static_cast<std::size_t>(form.bias));
    if (!products || w.size() == 0) return {{form.weights, dequantize(nearest_int8(w, layer))}};
    Tensor<float> bias = b == Node::none ? Tensor<float>({w.shape()[0]}) : to_float(g_.value(b).constant.ref());
    const std::int64_t images = exact_.running(at), k = w.size() / w.shape()[0];
    if (k > most_weights)
      return nearest(
          n, layer, w, std::move(bias),
          concat("has ", k, " weights for each output channel, of which ", most_weights, " can be rounded otherwise"));
    const LayerSampler sampler(g_, n, images, samples(k, k * n.op->traits().groups),
                               SplitMix::seed_of(options_.seed, static_cast<std::int64_t>(at)));
    const Samples s = sample(at, sampler);
    if (!s.is_finite()) return nearest(n, layer, w, std::move(bias), "has inputs that are not finite");
    const std::int64_t groups = n.op->traits().groups, group_out = w.shape()[0] / groups;
    std::vector<RoundedGroup> done(static_cast<std::size_t>(groups));
    pool_->parallel(groups, [&](std::int64_t g, int) {
      done[static_cast<std::size_t>(g)] = ErrorFeedback(problem(n, layer, w, bias, s, sampler, g), *pool_).run();
    });
    if (!std::all_of(done.begin(), done.end(), is_usable))
      return nearest(n, layer, w, std::move(bias), "has inputs or results that are too large");
    layer.weight_codes.assign(static_cast<std::size_t>(w.size()), 0);
    layer.bias_shift.assign(static_cast<std::size_t>(w.shape()[0]), 0.0);
    layer.input_means.clear();
    for (std::int64_t g = 0; g < groups; ++g) {
      const RoundedGroup& r = done[static_cast<std::size_t>(g)];
      std::copy(r.codes.begin(), r.codes.end(), layer.weight_codes.begin() + g * group_out * k);
      for (std::int64_t o = 0; o < group_out; ++o) {
        const auto c = static_cast<std::size_t>(g * group_out + o);
        if (layer.weights.per_channel()) layer.weights.scale[c] = r.scales[static_cast<std::size_t>(o)];
        float& x = bias[g * group_out + o];
        const float shift = fitting_shift(n, layer, x, r.shifts[static_cast<std::size_t>(o)], c);
        layer.bias_shift[c] = static_cast<double>(shift);
        x += shift;
      }
    }
    return {{form.weights, dequantize(as_int8(planned_codes(w, layer), layer))}, {form.bias, bias}};
  }

  static QTensor<int8> nearest_int8(View<const float> w, const LayerPlan& layer) {
    return as_int8(quantize_weights(w, layer.weights, weight_format(layer), blocks_of(layer)), layer);
  }

  static bool is_usable(const RoundedGroup& r) {
    const auto usable = [](float s) { return is_usable_scale(static_cast<double>(s)); };
    return std::all_of(r.scales.begin(), r.scales.end(), usable) &&
           std::all_of(r.shifts.begin(), r.shifts.end(), [](float s) { return std::isfinite(s); });
  }

  /// A shift so that the bias fits into an int32 sum, which the scale of weights that are almost zero limits.
  float fitting_shift(const Node& n, const LayerPlan& layer, float bias, float shift, std::size_t channel) const {
    const QuantParams& input = params_[static_cast<std::size_t>(n.inputs[0])];
    if (layer.form != PlannedForm::integer || !input) return shift;
    const float scale = layer.weights.scale[layer.weights.index_of(static_cast<std::int64_t>(channel))];
    const auto most = static_cast<float>(0x1.8p30 * bias_unit(static_cast<double>(input.scale[0]), scale));
    const float sum = bias + shift, low = std::min(-most, bias), high = std::max(most, bias);
    return sum < low ? low - bias : sum > high ? high - bias : shift;
  }

  /// Leaves a layer as the plan has it, with weights rounded to nearest.
  std::map<int, AnyTensor> nearest(const Node& n, LayerPlan& layer, const Tensor<float>& w, Tensor<float> bias,
                                   const std::string& why) const {
    if (notes_) notes_->push_back(concat("layer '", n.name, "' ", why, ": its weights are rounded to nearest"));
    layer.weight_codes.clear();
    layer.bias_shift.clear();
    Tensor<float> real = dequantize(nearest_int8(w, layer));
    if (!layer.input_means.empty()) {
      const std::vector<double> error =
          mean_error(w, layer.input_means, [&](std::int64_t, std::int64_t i) { return real[i]; });
      for (std::int64_t o = 0; o < bias.size(); ++o)
        bias[o] = static_cast<float>(static_cast<double>(bias[o]) - error[static_cast<std::size_t>(o)]);
    }
    const IntegerForm form = n.op->integer_form();
    return {{form.weights, std::move(real)}, {form.bias, std::move(bias)}};
  }

  RoundingProblem problem(const Node& n, const LayerPlan& layer, const Tensor<float>& w, const Tensor<float>& bias,
                          const Samples& s, const LayerSampler& from, std::int64_t group) const {
    const std::int64_t groups = n.op->traits().groups, outputs = from.outputs() / groups, in = from.channels() / groups,
                       k = from.taps() * in;
    RoundingProblem p;
    p.largest = weight_format(layer).largest_weight();
    p.damping = static_cast<float>(options_.damping);
    p.choose_scales = layer.weights.per_channel() && layer.weight_bits < 8;
    p.weights = FloatMatrix(outputs, k);
    if (has_blocks(layer)) {  // of fully connected layers, which have one group
      p.block = layer.weight_block;
      FloatMatrix of_outputs(outputs, weight_blocks(k, p.block));
      std::copy(layer.block_multipliers.begin(), layer.block_multipliers.end(), of_outputs.elements.begin());
      p.multipliers = transposed(of_outputs);
    }
    std::copy_n(w.data() + group * outputs * k, outputs * k, p.weights.elements.data());
    const QuantParams& input = params_[static_cast<std::size_t>(n.inputs[0])];
    for (std::int64_t o = 0; o < outputs; ++o) {
      const std::int64_t c = group * outputs + o;
      p.scales.push_back(layer.weights.scale[layer.weights.index_of(c)]);
      // The bias may grow; twice the least scale is enough in practice, and the plan is checked when it is applied.
      p.least.push_back(input ? static_cast<float>(2 * least_scale(bias[c], static_cast<double>(input.scale[0])))
                              : 0.0f);
    }
    p.inputs = FloatMatrix(s.rows, k);
    FloatMatrix difference(s.rows, k);  // of the inputs
    for (std::int64_t r = 0; r < s.rows; ++r)
      for (std::int64_t t = 0; t < from.taps(); ++t)
        for (std::int64_t c = 0; c < in; ++c) {
          const auto i = static_cast<std::size_t>(r * from.row_size() + t * from.channels() + group * in + c);
          p.inputs.row(r)[t * in + c] = s.quantized[i];
          difference.row(r)[t * in + c] = s.exact[i] - s.quantized[i];
        }
    // W X = W X^ + W (X - X^)
    p.targets = FloatMatrix(s.rows, outputs);
    for (std::int64_t r = 0; r < s.rows && !s.residual.empty(); ++r)
      for (std::int64_t o = 0; o < outputs; ++o) {
        const auto i = static_cast<std::size_t>(r * from.outputs() + group * outputs + o);
        p.targets.row(r)[o] = s.residual[i] - s.rounded_residual[i];
      }
    const FloatMatrix columns = transposed(p.weights);
    for (std::int64_t r = 0; r < s.rows; ++r)
      for (std::int64_t i = 0; i < k; ++i) difference.row(r)[i] += p.inputs.row(r)[i];
    add_product(transposed(difference), columns, p.targets, *pool_);
    return p;
  }

  const Graph& g_;
  QuantizationPlan& plan_;
  const RoundingOptions& options_;
  std::vector<std::string>* const notes_;
  const std::shared_ptr<ThreadPool> pool_;
  const std::vector<const LayerPlan*> layers_;  // of each node
  const IntegerPlacement placement_;
  const std::vector<const IntegerFormat*> formats_;  // of each value
  const std::vector<QuantParams> params_;
  NodeByNode exact_, quantized_;
};

OCTET_API void round_plan(const OptimizedModel& model, QuantizationPlan& plan, RoundWeights algorithm,
                          const RoundingOptions& options, std::vector<std::string>* notes) {
  if (algorithm == RoundWeights::nearest) return;
  require(model.inputs.size() == 1 && model.value(model.inputs[0]).dtype == DType::f32,
          "weights are rounded by samples of the inputs for models with one input, which is float; model '", model.name,
          "' has ", model.inputs.size(), " inputs");
  require(!options.inputs.empty(), "the rounding of weights needs inputs of the model, found none");
  require(options.samples > 0 && options.samples <= std::int64_t{1} << 32, "RoundingOptions::samples is ",
          options.samples, ", expected 1 to 2^32");
  require(options.damping >= 0.001 && options.damping <= 100, "RoundingOptions::damping is ", options.damping,
          ", expected 0.001 to 100");
  require_valid(plan);
  Graph g = model;
  require_same_names(plan, g, unique_layer_names(g));
  rescale(g, plan.channel_exponents);
  PlanRounder(g, plan, options, notes).run();
}

}  // namespace detail

OCTET_API void round_weights(const Model& model, QuantizationPlan& plan, RoundWeights algorithm,
                             const RoundingOptions& options) {
  detail::round_plan(detail::optimize_for_weights(model), plan, algorithm, options, options.notes);
}

OCTET_END
