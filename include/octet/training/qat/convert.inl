#pragma once

#include "../../core/bias.hpp"
#include "../../operators/fake_quantize.hpp"
#include "../../operators/fake_quantize_step.hpp"
#include "../../operators/fake_quantize_weights.hpp"
#include "../../operators/unary.hpp"
#include "../../operators/weight_rounding.hpp"
#include "../../passes/optimize.hpp"
#include "../../quantization/apply_plan.hpp"
#include "../../quantization/make_plan.hpp"
#include "../../runtime/runnable.hpp"
#include "convert.hpp"
#include "kept_layers.hpp"

OCTET_BEGIN

namespace detail {

/// Removes fake quantization from a graph and collects what it has learned.
class QatConverter {
 public:
  explicit QatConverter(const Model& model) : g_(model) {
    bool any = false;
    for (const Node& n : g_.nodes) any = any || n.op->traits().fake_quantizes;
    require(any, "model '", g_.name, "' has no fake quantization; expected a model from prepare_qat");
  }

  /// The model with rounded weights instead.
  Model take() {
    g_ = rewrite_until_stable(std::move(g_), [this](Graph& g, std::size_t n, Links& links) {
      const OperatorPtr op = g.nodes[n].op;
      if (const auto* weights = as<FakeQuantizeWeights>(*op)) return take_weights(g, n, links, *weights);
      if (const auto* activation = as<FakeQuantize>(*op)) return take_activation(g, n, links, *activation);
      return op->traits().fake_quantizes && bypass(g, n, links);
    });
    take_kept_float();
    return std::move(g_);
  }

  /// The plan for that model.
  QuantizationPlan plan(const OptimizedModel& optimized) const {
    Int8Options options;
    options.correct_bias = false;  // training has compensated for the mean error
    options.keep_float = kept_float_;
    return Int8Planner(optimized, Calibration(), options, learned_).plan();
  }

 private:
  void take_kept_float() {
    std::string& all = g_.metadata[qat_kept_float];
    for (std::size_t from = 0, to; (to = all.find('\n', from)) != std::string::npos; from = to + 1)
      kept_float_.push_back(all.substr(from, to - from));
    g_.metadata.erase(qat_kept_float);
  }

  /// Replaces the weights by the rounded ones. Folding does not change their largest codes.
  bool take_weights(Graph& g, std::size_t n, Links& links, const FakeQuantizeWeights& op) {
    const Node node = g.nodes[n];
    const Value& w = g.value(node.inputs[FakeQuantizeWeights::weights]);
    const auto exact = w.constant.view<float>();
    const int s = input_of(node, FakeQuantizeWeights::scales);
    const Tensor<float> scales = s == Node::none ? Tensor<float>() : to_float(g.value(s).constant.ref());
    const float* learned = s == Node::none ? nullptr : scales.data();
    WeightRounding rounding(kernels(), op.bits);
    rounding.plan(exact.shape());
    Tensor<float> rounded = Tensor<float>::uninitialized(exact.shape());
    rounding.run(exact.data(), learned, rounded.data(), *default_pool());
    const std::int64_t channels = exact.shape()[0], size = exact.size() / std::max<std::int64_t>(1, channels);
    LearnedQuantization::Weights& learned_weights = learned_.weights[w.name];
    learned_weights = {{}, op.bits};
    for (std::int64_t o = 0; o < channels; ++o) {
      const float scale = rounding.scale(exact.data(), learned, o);
      float largest = 0;
      for (std::int64_t i = o * size; i < (o + 1) * size; ++i) {
        require(std::isfinite(rounded[i]), "layer '", node.name, "': weights '", w.name, "' or the scale of channel ",
                o, " are not finite");
        largest = std::max(largest, std::abs(rounded[i]));
      }
      learned_weights.largest_codes.push_back(largest_code(largest, scale));
    }
    Value& out = g.value(node.outputs[0]);
    out.name = w.name;
    out.constant = std::move(rounded);
    links.remove(g, n);
    return true;
  }

  static std::string without_unsummed(const std::string& name) {
    return name.substr(0, name.size() - std::min(name.size(), unsummed_name(std::string()).size()));
  }

  /// Clamps activations of fewer bits than integer layers have to their range, in the layer before them if possible.
  bool take_activation(Graph& g, std::size_t n, Links& links, const FakeQuantize& op) {
    const Node node = g.nodes[n];
    const int in = node.inputs[FakeQuantize::x], out = node.outputs[0];
    const Tensor<float> r = to_float(g.value(node.inputs[FakeQuantize::range]).constant.ref());
    if (!op.rounds) {
      const ScaleAndZero q = activation_scale({r[0], r[1]}, format_of(PlannedForm::integer)->activations, false);
      if (r[2] > 0 && is_usable_scale(static_cast<double>(q.scale)))
        learned_.unsummed[without_unsummed(node.name)] = QuantParams(q.scale, q.zero_point);
      return bypass(g, n, links);
    }
    const std::string where =
        concat("layer '", node.name, "' (", op.type(), "): the observer of '", g.value(in).name, "' ");
    require(r[2] > 0, where, "has seen no data; train the model, or run at least one batch through it");
    require(std::isfinite(r[0]) && std::isfinite(r[1]) && r[0] <= r[1], where, "has the range [", r[0], ", ", r[1],
            "], expected finite numbers");
    const int s = input_of(node, FakeQuantize::scale);
    const Tensor<float> scale = s == Node::none ? Tensor<float>() : to_float(g.value(s).constant.ref());
    if (s != Node::none)
      require(std::isfinite(scale[0]), where, "has the learned scale ", scale[0], ", expected a finite number");
    const int l = input_of(node, FakeQuantize::lowest);
    const Tensor<float> lowest = l == Node::none ? Tensor<float>() : to_float(g.value(l).constant.ref());
    if (l != Node::none)
      require(std::isfinite(lowest[0]), where, "has the learned lowest number ", lowest[0],
              ", expected a finite number");
    const FakeQuantization rounding(kernels(), op.bits);
    const ScaleAndZero p = rounding.params({r[0], r[1], r[2]}, s == Node::none ? nullptr : scale.data(),
                                           l == Node::none ? nullptr : lowest.data());
    for (int v : {in, out}) learned_.activations[g.value(v).name] = QuantParams(p.scale, p.zero_point);
    if (codes_of_bits(op.bits) == format_of(PlannedForm::integer)->activations)
      if (bypass(g, n, links)) return true;
    const double unit = static_cast<double>(p.scale);
    const Unary clip(UnaryKind::clip, static_cast<double>(rounding.low(p)) * unit,
                     static_cast<double>(rounding.high(p)) * unit);
    links.replace(g, n, {node.name, make_operator(clip), {in}, node.outputs});
    return true;
  }

  Graph g_;
  LearnedQuantization learned_;
  std::vector<std::string> kept_float_;  // names of layers
};

}  // namespace detail

OCTET_API Model convert(const Model& model) {
  detail::QatConverter converter(model);
  OptimizedModel g = optimize(converter.take());
  const QuantizationPlan plan = converter.plan(g);
  return runnable(detail::PlannedModel(std::move(g), plan).build());
}

OCTET_API LearnedPlan learned_plan(const Model& model) {
  detail::QatConverter converter(model);
  Model floating = converter.take();
  QuantizationPlan plan = converter.plan(optimize(floating));
  return {std::move(floating), std::move(plan)};
}

OCTET_END
