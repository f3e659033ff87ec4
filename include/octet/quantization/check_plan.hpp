#pragma once
#include <limits>
#include <set>

#include "../core/affine.hpp"
#include "../core/weight_blocks.hpp"
#include "../core/with_place.hpp"
#include "layer_names.hpp"
#include "plan.hpp"
#include "rescale.hpp"
#include "unsummed.hpp"

/// Checks of plans: by themselves, and for a model.
OCTET_BEGIN
namespace detail {

inline void require_valid(const ActivationPlan& a) {
  require(is_usable_scale(static_cast<double>(a.scale)), "the scale is ", a.scale,
          ", expected a positive finite number of at least ", std::numeric_limits<float>::min());
  const IntegerRange codes = integer_range(format_of(PlannedForm::integer)->activations);
  require(a.zero_point >= codes.low && a.zero_point <= codes.high, "the zero point is ", a.zero_point,
          ", expected a number from ", codes.low, " to ", codes.high);
}

/// The number format of the layer's weights, if they are integers.
inline IntegerFormat weight_format(const LayerPlan& layer) noexcept {
  const IntegerFormat* of_form = format_of(layer.form);
  IntegerFormat format = of_form ? *of_form : int8_format;
  format.bits = layer.weight_bits;
  return format;
}

inline void require_valid_blocks(const LayerPlan& layer, int largest_code) {
  require(layer.weight_block != 0 || layer.block_multipliers.empty(), "the plan has ", layer.block_multipliers.size(),
          " multipliers of blocks of weights, but no blocks");
  if (layer.weight_block == 0) return;
  require(is_weight_block(layer.weight_block), "blocks have ", layer.weight_block, " weights, expected ",
          weight_block_sizes);
  require(layer.weight_bits <= most_block_bits, "weights of ", layer.weight_bits, " bits are in blocks, expected ",
          most_block_bits, " bits or less");
  const int most = largest_multiplier(largest_code);
  for (int m : layer.block_multipliers)
    require(m >= 1 && m <= most, "the multiplier of a block of weights is ", m, ", expected 1 to ", most, " for ",
            layer.weight_bits, " bits");
}

inline void require_valid(const LayerPlan& layer) {
  const QuantParams& w = layer.weights;
  require(w.axis == -1 || w.axis == 0, "the weights' scales have the axis ", w.axis,
          ", expected 0 (one for each output channel) or -1 (one for all)");
  require(w.axis == 0 || w.scale.size() <= 1, "one scale is expected for all weights, found ", w.scale.size());
  require(w.zero_point.size() == w.scale.size(), w.scale.size(), " scales of weights and ", w.zero_point.size(),
          " zero points; as many were expected");
  for (std::size_t c = 0; c < w.scale.size(); ++c) {
    require(is_usable_scale(static_cast<double>(w.scale[c])), "the weights' scale ", c, " is ", w.scale[c],
            ", expected a positive finite number of at least ", std::numeric_limits<float>::min());
    require(w.zero_point[c] == 0, "the weights' zero point ", c, " is ", w.zero_point[c], ", expected 0");
  }
  const IntegerFormat format = weight_format(layer);
  require(format.bits >= 2 && format.bits <= bits(format.weights), "weights have ", format.bits,
          " bits, expected 2 to ", bits(format.weights));
  const int largest = format.largest_weight();
  require_valid_blocks(layer, largest);
  for (int code : layer.weight_codes)
    require(code >= -largest && code <= largest, "a weight has the code ", code, ", expected ", -largest, " to ",
            largest, " for ", layer.weight_bits, " bits");
  for (double m : layer.input_means)
    require(std::isfinite(m), "a mean of the input is ", m, ", expected a finite number");
  for (double s : layer.bias_shift)
    require(std::abs(s) <= static_cast<double>(std::numeric_limits<float>::max()), "a shift of the bias is ", s,
            ", expected a finite number that float32 can hold");
}

/// Calls f for each entry of a map. Errors start with what the entry is and its name.
template <class Map, class F>
void for_each_named(const Map& entries, const char* what, F f) {
  for (const auto& entry : entries)
    with_place([&](const std::string& text) { return concat(what, " '", entry.first, "': ", text); },
               [&] { f(entry.second); });
}

inline void require_valid(const QuantizationPlan& plan) {
  for_each_named(plan.activations, "tensor", [](const ActivationPlan& a) { require_valid(a); });
  for_each_named(plan.layers, "layer", [](const LayerPlan& l) { require_valid(l); });
  for_each_named(plan.channel_exponents, "tensor", [](const std::vector<int>& exponents) {
    for (int e : exponents)
      require(e >= -largest_channel_exponent && e <= largest_channel_exponent, "the exponent of a channel is ", e,
              ", expected a number from ", -largest_channel_exponent, " to ", largest_channel_exponent);
  });
}

/// Throws unless the layers and tensors of the plan are those of the model.
inline void require_same_names(const QuantizationPlan& plan, const Graph& g, const std::vector<std::string>& names) {
  std::set<std::string> known;
  for (std::size_t i = 0; i < names.size(); ++i) {
    require(plan.layers.count(names[i]) != 0, "the plan has no layer '", names[i], "' (", g.nodes[i].op->type(),
            "), but model '", g.name, "' has");
    known.insert(names[i]);
  }
  for (const auto& entry : plan.layers)
    require(known.count(entry.first) != 0, "the plan has the layer '", entry.first, "', which model '", g.name,
            "' does not have");
  known.clear();
  for (const Value& v : g.values) known.insert(v.name);
  for (const Node& n : g.nodes)
    if (has_residual(n)) known.insert(unsummed_name(g, n));
  const auto require_known = [&](const std::string& tensor) {
    require(known.count(tensor) != 0, "the plan has the tensor '", tensor, "', which model '", g.name,
            "' does not have");
  };
  for (const auto& entry : plan.activations) require_known(entry.first);
  for (const auto& entry : plan.channel_exponents) require_known(entry.first);
}

}  // namespace detail
OCTET_END
