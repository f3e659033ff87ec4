#pragma once
#include "../core/bias.hpp"
#include "../core/packed_codes.hpp"
#include "../runtime/not_finite.hpp"
#include "bias_correction.hpp"
#include "planned_codes.hpp"

OCTET_BEGIN
namespace detail {

/// Replaces weights and biases of layers by those of a plan.
class PlannedWeights {
 public:
  explicit PlannedWeights(Graph& g) : g_(g) {}

  /// Quantizes the weights to int8 and the bias to the format's sums, with the scale input * weights.
  void make_integer(Node& n, const LayerPlan& layer, const IntegerFormat& format) {
    const IntegerForm form = n.op->integer_form();
    const float input_scale = g_.value(n.inputs[0]).quant.scale[0];
    const bool wide = format.sums == int16_format.sums;
    const double most = wide ? 0x1p46 : 0x1p31;
    require_bias_fits(n, layer, input_scale, most);
    const QTensor<int8> codes = corrected_codes(n, layer);
    if (!layer.bias_shift.empty()) require_bias_fits(n, layer, input_scale, most);
    const auto b_at = static_cast<std::size_t>(form.bias);
    const int b = form.bias < 0 ? Node::none : input_of(n, b_at);
    if (b != Node::none) {
      const Tensor<float> bias = to_float(g_.value(b).constant.ref());
      AnyTensor sums = wide ? AnyTensor(bias_codes<std::int64_t>(bias, input_scale, codes.params))
                            : AnyTensor(bias_codes(bias, input_scale, codes.params));
      n.inputs[b_at] = g_.add_constant(g_.value(b).name, std::move(sums));
    }
    store_weights(n, layer, codes);
  }

  /// int8 weights of a layer with float inputs, which it quantizes as it runs.
  void make_dynamic(Node& n, const LayerPlan& layer) { store_weights(n, layer, corrected_codes(n, layer)); }

  /// Weights in half precision, which executors expand to float when they pack them. Biases stay float.
  template <class Half>
  void make_half(Node& n, const LayerPlan& layer) {
    const int v = n.inputs[at(n.op->integer_form().weights)];
    const AnyTensor constant = g_.value(v).constant;
    const auto exact = constant.view<float>();
    const AnyTensor half = quantize<Half>(exact);
    const View<const Half> rounded = half.view<Half>();
    require(all_finite(half.ref()), layer_text(n), "tensor '", g_.value(v).name,
            "' has an element that is too large for ", name(dtype_of<Half>));
    correct_bias(g_, n, exact, means_of(n, layer),
                 [&](std::int64_t, std::int64_t e) { return static_cast<float>(rounded[e]); });
    const auto key = std::make_pair(v, dtype_of<Half>);
    if (!halves_.count(key)) halves_[key] = g_.add_constant(g_.value(v).name, half);
    replace_weights(n, halves_[key]);
  }

 private:
  /// The layer's weights as codes; corrects its bias.
  QTensor<int8> corrected_codes(Node& n, const LayerPlan& layer) {
    const AnyTensor constant =
        weights_of(n).constant;  // a copy (shared): add_constant invalidates references to values
    const FloatElements exact(constant);
    require_fits(n, layer, constant.shape());
    QTensor<int8> codes = planned_codes(*exact, layer);
    correct_bias(g_, n, *exact, means_of(n, layer), as_int8(codes, layer));
    add_shift(n, layer, constant.shape()[0]);
    return codes;
  }

  const Value& weights_of(const Node& n) const { return g_.value(n.inputs[at(n.op->integer_form().weights)]); }
  void store_weights(Node& n, const LayerPlan& layer, QTensor<int8> codes) {
    const bool packed = n.op->traits().products != Traits::Products::none;
    const int stored = packed ? layer.weight_bits : octet::bits(weight_format(layer).weights);
    const std::string name = weights_of(n).name;
    replace_weights(n, g_.add_constant(name, stored_weights(std::move(codes.data), stored), std::move(codes.params)));
    if (has_blocks(layer)) store_blocks(n, layer, name);
  }
  void store_blocks(Node& n, const LayerPlan& layer, const std::string& weights) {
    const Shape& shape = weights_of(n).shape;
    Tensor<std::uint8_t> multipliers({shape[0], weight_blocks(shape[1], layer.weight_block)}, layer.block_multipliers);
    set_input(n, RowInputs::multipliers, g_.add_constant(weights + ".multipliers", std::move(multipliers)));
    FullyConnected op = *as<FullyConnected>(*n.op);
    op.block = layer.weight_block;
    n.op = make_operator(std::move(op));
  }
  static void replace_weights(Node& n, int value) { n.inputs[at(n.op->integer_form().weights)] = value; }

  void add_shift(Node& n, const LayerPlan& layer, std::int64_t outputs) {
    if (layer.bias_shift.empty()) return;
    require(n.op->traits().products == Traits::Products::all, layer_text(n),
            "the plan has a shift of its bias, which cannot be changed");
    require(static_cast<std::int64_t>(layer.bias_shift.size()) == outputs, layer_text(n), "the plan has ",
            layer.bias_shift.size(), " shifts of the bias, expected ", outputs, ", one for each output channel");
    shift_bias(g_, n, layer.bias_shift);
  }

  /// Increased scales of weights (see Int8Planner) may have been edited, or the input's scale.
  void require_bias_fits(const Node& n, const LayerPlan& layer, float input_scale, double most) const {
    const IntegerForm form = n.op->integer_form();
    require_fits(n, layer, weights_of(n).shape);
    const int b = form.bias < 0 ? Node::none : input_of(n, static_cast<std::size_t>(form.bias));
    if (b == Node::none) return;
    std::int64_t c = 0;
    for (float x : to_float(g_.value(b).constant.ref())) {
      const float scale = layer.weights.scale[layer.weights.index_of(c)];
      const auto in = static_cast<double>(input_scale);
      require(std::abs(static_cast<double>(x)) / bias_unit(in, scale) < most, layer_text(n), "the weights' scale ",
              scale, " of channel ", c, " is too small for the bias ", x, ": expected at least ", least_scale(x, in));
      ++c;
    }
  }

  /// The means that the bias is corrected with; empty where it is not.
  std::vector<double> means_of(const Node& n, const LayerPlan& layer) const {
    if (layer.input_means.empty()) return {};
    const Traits traits = n.op->traits();
    require(traits.products == Traits::Products::all, layer_text(n),
            "the plan has means of its input, but its bias cannot "
            "be corrected");
    const std::int64_t channels = weights_of(n).shape.back() * traits.groups;
    require(static_cast<std::int64_t>(layer.input_means.size()) == channels, layer_text(n), "the plan has ",
            layer.input_means.size(), " means of its input, expected ", channels, ", one for each channel");
    return layer.input_means;
  }

  Graph& g_;
  std::map<std::pair<int, DType>, int> halves_;  // weights in half precision, which layers may share
};

}  // namespace detail
OCTET_END
