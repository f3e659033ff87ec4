#pragma once
#include "source.hpp"

/// Reshapes of tensors that are stored in an order other than the model's.
OCTET_BEGIN
namespace detail::onnx {

/// A dimension of the new shape: its size, if known, and the unchanged dimension of the old shape, if it is one.
struct Target {
  std::int64_t size = Shape::unknown;
  int from = -1;
};

/// Consecutive dimensions [in, in_end) of the old shape that become [out, out_end) of the new one. Their products of
/// sizes are equal.
struct Block {
  int in, in_end, out, out_end;
};

/// Splits a reshape into the smallest blocks. From an unknown size on, the rest is one block.
inline std::vector<Block> reshape_blocks(const Shape& in, const std::vector<Target>& out) {
  std::vector<Block> blocks;
  const int in_rank = in.rank(), out_rank = static_cast<int>(out.size());
  const auto target = [&](int j) { return out[static_cast<std::size_t>(j)]; };
  for (int i = 0, j = 0; i < in_rank || j < out_rank;) {
    Block b{i, i, j, j};
    if (i < in_rank && j < out_rank && target(j).from == i) {
      b.in_end = ++i;
      b.out_end = ++j;
      blocks.push_back(b);
      continue;
    }
    std::int64_t from = i < in_rank ? in[i++] : 1, to = j < out_rank ? target(j++).size : 1;
    while (from != to || from == Shape::unknown) {
      if (from == Shape::unknown || to == Shape::unknown) {
        i = in_rank;
        j = out_rank;
        break;
      }
      const bool grow = from < to;
      require<FormatError>(grow ? i < in_rank : j < out_rank, "a tensor of shape ", in,
                           " cannot be reshaped to the new shape");
      const std::int64_t next = grow ? in[i++] : target(j++).size;
      std::int64_t& product = grow ? from : to;
      product = next == Shape::unknown ? next : Shape{product, next}.elements();
    }
    b.in_end = i;
    b.out_end = j;
    blocks.push_back(b);
  }
  return blocks;
}

/// How to reshape: the order that the old tensor needs to have (its own if possible), and the order of the result.
struct ReshapePlan {
  Order before, after;
};

inline ReshapePlan plan_reshape(const Shape& in, const Order& stored, const std::vector<Target>& out) {
  const std::vector<Block> blocks = reshape_blocks(in, out);
  std::array<std::size_t, Shape::max_rank> block_of{};
  std::array<bool, Shape::max_rank> single{};  // always of size 1, so its position does not matter
  for (std::size_t b = 0; b < blocks.size(); ++b)
    for (int d = blocks[b].in; d < blocks[b].in_end; ++d) {
      const auto e = static_cast<std::size_t>(d);
      const bool kept = blocks[b].out < blocks[b].out_end && out[static_cast<std::size_t>(blocks[b].out)].from == d;
      block_of[e] = b;
      single[e] = in[d] == 1 && !kept;
    }
  // Blocks are in the order of their first dimensions in memory.
  std::vector<std::size_t> sequence;
  std::vector<bool> placed(blocks.size(), false);
  const auto place = [&](std::size_t b) {
    if (!placed[b]) sequence.push_back(b);
    placed[b] = true;
  };
  Order larger;  // the stored order of the dimensions that matter
  for (int k = 0; k < stored.rank(); ++k) {
    const auto e = static_cast<std::size_t>(stored[k]);
    if (!single[e]) {
      place(block_of[e]);
      larger.push_back(stored[k]);
    }
  }
  for (std::size_t b = 0; b < blocks.size(); ++b) place(b);
  ReshapePlan plan;
  Order wanted, wanted_larger;
  for (std::size_t b : sequence) {
    for (int d = blocks[b].in; d < blocks[b].in_end; ++d) {
      wanted.push_back(d);
      if (!single[static_cast<std::size_t>(d)]) wanted_larger.push_back(d);
    }
    for (int d = blocks[b].out; d < blocks[b].out_end; ++d) plan.after.push_back(d);
  }
  plan.before = wanted_larger == larger ? stored : wanted;
  return plan;
}

}  // namespace detail::onnx
OCTET_END
