#pragma once
#include "../operators/convolution/pooled.hpp"
#include "join.hpp"

OCTET_BEGIN

/// Joins 2x2 max pooling with the 3x3 convolution before it, if there are no other readers. Only for execution.
inline Graph fuse_pooling(Graph graph) {
  using namespace detail;
  Joiner joiner(graph);
  for (int last = 0; last < static_cast<int>(graph.nodes.size()); ++last) {
    const Node& n = joiner.node(last);
    const int first = joiner.before(n);
    if (first == Node::none || !PooledConvolution::suits(graph, joiner.node(first), n)) continue;
    joiner.join<PooledConvolution>({first, last});
  }
  joiner.finish();
  return graph;
}

OCTET_END
