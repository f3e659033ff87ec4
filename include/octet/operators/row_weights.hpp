#pragma once
#include "../core/weight_blocks.hpp"
#include "../core/with_place.hpp"
#include "../graph/graph.hpp"
#include "operands.hpp"

OCTET_BEGIN
namespace detail {

/// Throws unless the blocks of weights, if there are any, have suitable multipliers; `m` is null without such an input.
template <class Context>
void require_blocks(const Context& c, std::int64_t block, const Value& w, const Value* m) {
  c.require(block != 0 || !m, "it has multipliers of blocks of weights, but no blocks");
  if (block == 0) return;
  c.require(is_weight_block(block), "it has blocks of ", block, " weights, expected ", weight_block_sizes);
  c.require(m, "it has blocks of ", block, " weights, but no multipliers of blocks");
  const bool packed = has_packed_codes(w.dtype) && is_signed(w.dtype);
  c.require(w.is_constant() && m->is_constant() && packed && w.shape.rank() == 2,
            "blocks are for constant int4 weights [O, K] with constant multipliers, found ", name(w.dtype), " ",
            w.shape);
  const Shape &shape = w.shape, expected{shape[0], weight_blocks(shape[1], block)};
  c.require(m->constant.dtype() == dtype_of<std::uint8_t> && m->constant.shape() == expected,
            "expected uint8 multipliers of shape ", expected, " (weights ", shape, " in blocks of ", block, "), found ",
            name(m->constant.dtype()), " ", m->constant.shape());
  for (std::int32_t z : w.quant.zero_point)
    c.require(z == 0, "expected symmetric weights in blocks, found zero point ", z);
}

/// Codes of weights in blocks as int8. Errors name the layer.
inline AnyTensor whole_weights(const std::string& layer, const AnyTensor& codes, const AnyTensor& multipliers,
                               std::int64_t block) {
  return with_place(
      [&](const std::string& text) { return concat("layer '", layer, "' (FullyConnected): ", text); },
      [&] {
        return multiplied(whole_bytes(codes).view<std::int8_t>(), {block, multipliers.view<std::uint8_t>().data()});
      });
}

/// The weights of a layer that multiplies rows, as its forms read them.
struct RowWeights {
  AnyTensor elements;   // the constant; in blocks: int8
  WeightBlocks blocks;  // of the context's graph

  /// Of a layer that has no blocks, such as a convolution.
  explicit RowWeights(const PrepareContext& c) : elements(c.constant(LayerInputs::weights)) {}
  /// Throws Error if the multipliers of blocks do not fit.
  RowWeights(const PrepareContext& c, std::int64_t block) : RowWeights(c) {
    const bool given = c.has(RowInputs::multipliers);
    require_blocks(c, block, c.input(LayerInputs::weights), given ? &c.input(RowInputs::multipliers) : nullptr);
    if (block == 0) return;
    const AnyTensor& multipliers = c.constant(RowInputs::multipliers);
    elements = whole_weights(c.name(), elements, multipliers, block);
    blocks = {block, multipliers.view<std::uint8_t>().data()};
  }
};

}  // namespace detail
OCTET_END
