#pragma once
#include "../operators/convolution/chain.hpp"
#include "join.hpp"

OCTET_BEGIN
/// Joins depthwise convolutions with the convolutions around them, if there are no other readers: expand -> depthwise
/// -> project of inverted residuals, depthwise -> pointwise of separable convolutions. Only for execution.
inline Graph fuse_chains(Graph graph) {
  using namespace detail;
  Joiner joiner(graph);
  for (int last = 0; last < static_cast<int>(graph.nodes.size()); ++last) {
    if (!ConvolutionChain::can_end_with(joiner.node(last))) continue;
    const int middle = joiner.before(joiner.node(last));
    if (middle == Node::none || !is_depthwise(graph, joiner.node(middle))) continue;
    std::vector<int> members{middle, last};
    const int first = joiner.before(joiner.node(middle));
    if (first != Node::none && !is_depthwise(graph, joiner.node(first))) members.insert(members.begin(), first);
    joiner.join<ConvolutionChain>(members);
  }
  joiner.finish();
  return graph;
}

OCTET_END
