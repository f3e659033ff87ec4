#pragma once
#include "../operators/fully_connected.hpp"
#include "check_plan.hpp"
#include "weights.hpp"

/// The integers that a plan makes of a layer's weights.
OCTET_BEGIN
namespace detail {

inline std::string layer_text(const Node& n) { return concat("layer '", n.name, "' (", n.op->type(), "): "); }

inline bool has_blocks(const LayerPlan& layer) noexcept { return layer.weight_block != 0; }
inline WeightBlocks blocks_of(const LayerPlan& layer) noexcept {
  return {layer.weight_block, layer.block_multipliers.data()};
}

/// Throws Error unless the plan has as many scales, codes and multipliers as weights of that shape need.
inline void require_fits(const Node& n, const LayerPlan& layer, const Shape& shape) {
  const std::int64_t expected = layer.weights.per_channel() ? shape[0] : 1;
  require(layer.weights.channels() == expected, layer_text(n), "the plan has ", layer.weights.channels(),
          " scales of weights, expected ", expected,
          layer.weights.per_channel() ? ", one for each output channel" : "");
  require(layer.weight_codes.empty() || static_cast<std::int64_t>(layer.weight_codes.size()) == shape.elements(),
          layer_text(n), "the plan has ", layer.weight_codes.size(), " codes of weights, expected ", shape.elements());
  if (!has_blocks(layer)) return;
  require(as<FullyConnected>(*n.op) != nullptr, layer_text(n),
          "the plan has blocks of weights, which are for fully connected layers");
  const std::int64_t blocks = shape[0] * weight_blocks(shape[1], layer.weight_block);
  require(static_cast<std::int64_t>(layer.block_multipliers.size()) == blocks, layer_text(n), "the plan has ",
          layer.block_multipliers.size(), " multipliers of blocks of weights, expected ", blocks);
}

/// The codes that the plan has, or the nearest ones.
inline QTensor<int8> planned_codes(View<const float> w, const LayerPlan& layer) {
  if (layer.weight_codes.empty()) return quantize_weights(w, layer.weights, weight_format(layer), blocks_of(layer));
  return {Tensor<int8>(w.shape(), layer.weight_codes), layer.weights};
}

/// Codes as int8: times the multipliers of their blocks, if there are blocks.
inline QTensor<int8> as_int8(QTensor<int8> codes, const LayerPlan& layer) {
  if (has_blocks(layer)) codes.data = multiplied(codes.data, blocks_of(layer));
  return codes;
}

}  // namespace detail
OCTET_END
