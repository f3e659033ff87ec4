#pragma once
#include "../operator_import.hpp"

/// SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND. Converters write a dilated convolution as a convolution between them.
OCTET_BEGIN
namespace detail::tflite {

/// Input 1: block sizes [M]; input 2: sizes before and after [M, 2]. x is [N, M spatial dimensions, ...].
struct BatchBlocks {
  std::vector<std::int64_t> block, before, after;
  int x = Node::none;

  BatchBlocks(OperatorImport& n) : block(n.integers(1)), x(n.value(0)) {
    const Shape in = n.graph_value(x).shape;
    const auto m = static_cast<std::int64_t>(block.size());
    n.require(m >= 1 && m < in.rank(), "expected block sizes for at most ", in.rank() - 1, " dimensions, found ", m);
    const std::vector<std::int64_t> both = n.matrix(2, m, 2);
    for (std::size_t d = 0; d < block.size(); ++d) {
      n.require(block[d] > 0 && block[d] < 65536 && both[2 * d] >= 0 && both[2 * d + 1] >= 0 &&
                    std::max(both[2 * d], both[2 * d + 1]) <= std::int64_t{1} << 40 && in[static_cast<int>(d) + 1] >= 0,
                "blocks of ", block[d], " with ", both[2 * d], " and ", both[2 * d + 1],
                " elements around do not fit an input of shape ", in);
      before.push_back(both[2 * d]);
      after.push_back(both[2 * d + 1]);
    }
  }
};

/// [N, H, W, C] to [block height * block width * N, H / block height, W / block width, C], after padding with zeros.
inline void import_space_to_batch(OperatorImport& n) {
  const BatchBlocks b(n);
  const Shape in = n.graph_value(b.x).shape;
  const int m = static_cast<int>(b.block.size());
  Pad pad;
  pad.before.assign(static_cast<std::size_t>(in.rank()), 0);
  pad.after = pad.before;
  std::vector<std::int64_t> divided{0}, joined{-1}, order;
  for (int d = 0; d < m; ++d) {
    const auto i = static_cast<std::size_t>(d);
    pad.before[i + 1] = b.before[i];
    pad.after[i + 1] = b.after[i];
    const std::int64_t size = in[d + 1] + b.before[i] + b.after[i];
    n.require(size % b.block[i] == 0, "blocks of ", b.block[i], " do not divide a padded size of ", size);
    divided.insert(divided.end(), {size / b.block[i], b.block[i]});
    joined.push_back(size / b.block[i]);
    order.push_back(2 + 2 * d);
  }
  order.push_back(0);
  for (int d = 0; d < m; ++d) order.push_back(1 + 2 * d);
  for (int d = m + 1; d < in.rank(); ++d) {
    divided.push_back(in[d]);
    joined.push_back(in[d]);
    order.push_back(d + m);
  }
  const int padded = n.step("padded", std::move(pad), {b.x});
  const int blocks = n.step("blocks", Reshape(divided), {padded});
  const int moved = n.step("moved", Transpose(order), {blocks});
  const int v = n.add(Reshape(joined), {moved});
  n.note_batches(v, {b.x, b.block, b.before, b.after});
}

/// If x is a convolution of SPACE_TO_BATCH_ND with the same blocks: adds the dilated convolution, and returns true.
inline bool import_dilated(OperatorImport& n, const BatchBlocks& b) {
  const Node* node = n.producer(b.x);
  const auto* convolution = node ? as<Convolution>(*node->op) : nullptr;
  if (!convolution || b.block.size() != 2) return false;
  const SpaceToBatch* space = n.batches(node->inputs[0]);
  const Window& w = convolution->window;
  const auto ones = [](const std::vector<std::int64_t>& v) {
    return std::all_of(v.begin(), v.end(), [](std::int64_t x) { return x == 1; });
  };
  if (!space || space->block != b.block || !ones(w.strides) || !ones(w.dilations) ||
      w.padding != Window::Padding::valid)
    return false;
  Convolution dilated = *convolution;
  dilated.window.padding = Window::Padding::given;
  dilated.window.dilations = b.block;
  dilated.window.pads_before.clear();
  dilated.window.pads_after.clear();
  for (std::size_t d = 0; d < 2; ++d) {
    dilated.window.pads_before.push_back(space->before[d] - b.before[d]);
    dilated.window.pads_after.push_back(space->after[d] - b.after[d]);
    if (dilated.window.pads_before[d] < 0 || dilated.window.pads_after[d] < 0) return false;
  }
  std::vector<int> in = node->inputs;
  in[0] = space->source;
  n.add(std::move(dilated), in);
  return true;
}

/// The inverse of SPACE_TO_BATCH_ND; cuts off instead of padding.
inline void import_batch_to_space(OperatorImport& n) {
  const BatchBlocks b(n);
  if (import_dilated(n, b)) return;
  const Shape in = n.graph_value(b.x).shape;
  const int m = static_cast<int>(b.block.size());
  std::vector<std::int64_t> divided(b.block), joined{-1}, order{m}, starts, ends, axes;
  divided.push_back(-1);
  for (int d = 0; d < m; ++d) {
    const auto i = static_cast<std::size_t>(d);
    const std::int64_t size = in[d + 1] * b.block[i];
    n.require(b.before[i] + b.after[i] < std::max<std::int64_t>(size, 1), "cannot cut off ", b.before[i], " and ",
              b.after[i], " elements of ", size);
    divided.push_back(in[d + 1]);
    joined.push_back(size);
    order.insert(order.end(), {m + 1 + d, d});
    starts.push_back(b.before[i]);
    ends.push_back(size - b.after[i]);
    axes.push_back(d + 1);
  }
  for (int d = m + 1; d < in.rank(); ++d) {
    divided.push_back(in[d]);
    joined.push_back(in[d]);
    order.push_back(d + m);
  }
  const int blocks = n.step("blocks", Reshape(divided), {b.x});
  const int moved = n.step("moved", Transpose(order), {blocks});
  const int whole = n.step("whole", Reshape(joined), {moved});
  n.add(Slice(starts, ends, axes), {whole});
}

}  // namespace detail::tflite
OCTET_END
