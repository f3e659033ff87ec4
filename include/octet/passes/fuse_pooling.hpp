#pragma once
#include "join.hpp"

OCTET_BEGIN
namespace detail {

inline bool halves(const Window& w) {
  using Sizes = std::vector<std::int64_t>;
  return w.kernel == Sizes{2, 2} && w.strides == Sizes{2, 2} && w.dilations == Sizes{1, 1} &&
         (w.padding != Window::Padding::given || (w.pads_before == Sizes{0, 0} && w.pads_after == Sizes{0, 0}));
}

inline bool suits_winograd(const Graph& g, const Node& n) {
  const auto& c = *as<Convolution>(*n.op);
  const Shape& w = g.value(n.inputs[1]).shape;
  return c.window.rank() == 2 && suits_winograd(kernel_window(c.window), c.groups, w.back(), w[0]);
}

}  // namespace detail

/// Joins maximum poolings of 2x2 pixels to the 3x3 convolutions whose outputs they alone read. Only for running.
inline Graph fuse_pooling(Graph graph) {
  using namespace detail;
  Joiner joiner(graph);
  for (int last = 0; last < static_cast<int>(graph.nodes.size()); ++last) {
    const Node& n = joiner.node(last);
    const auto* pool = as<MaxPool>(*n.op);
    if (!pool || n.outputs.size() != 1 || !halves(pool->window)) continue;
    const int first = joiner.before(n);
    if (first == Node::none || !suits_winograd(graph, joiner.node(first)) ||
        graph.value(n.inputs[0]).dtype != graph.value(n.outputs[0]).dtype ||
        !(graph.value(n.inputs[0]).quant == graph.value(n.outputs[0]).quant))
      continue;
    joiner.join<PooledConvolution>({first, last});
  }
  joiner.finish();
  return graph;
}

OCTET_END
