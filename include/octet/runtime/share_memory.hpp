#pragma once
#include <numeric>

#include "../graph/graph.hpp"

OCTET_BEGIN
namespace detail {

/// Lets views, and results that are computed in place, use the memory of an input. Returns for each value the one whose
/// memory it uses, and extends the last use of those. `layer(i)` has is_view() and can_overwrite(input); `in_arena(v)`:
/// whether v is computed in the arena, so that it may be overwritten and may be anywhere. `bytes`: of each value.
template <class LayerOf, class InArena>
std::vector<int> share_memory(const Graph& g, const std::vector<std::size_t>& bytes, std::vector<int>& last_use,
                              const LayerOf& layer, const InArena& in_arena) {
  std::vector<int> roots(g.values.size());
  std::iota(roots.begin(), roots.end(), 0);
  for (int i = 0; i < static_cast<int>(g.nodes.size()); ++i) {
    const std::vector<int>& inputs = g.nodes[at(i)].inputs;
    const int out = g.nodes[at(i)].outputs[0];
    const auto& step = layer(i);
    const auto free = [&](int in) {
      const int root = roots[at(in)];
      bool all = in_arena(out) && in_arena(root) && bytes[at(in)] == bytes[at(out)] && last_use[at(root)] == i;
      for (std::size_t k = 0; k < inputs.size(); ++k)  // several inputs may be in that memory
        if (inputs[k] != Node::none && roots[at(inputs[k])] == root)
          all = all && step.can_overwrite(static_cast<int>(k));
      return all;
    };
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      const int in = inputs[k];
      if (in == Node::none || !((k == 0 && step.is_view()) || free(in))) continue;
      const int root = roots[at(out)] = roots[at(in)];
      last_use[at(root)] = std::max(last_use[at(root)], last_use[at(out)]);
      break;
    }
  }
  return roots;
}

}  // namespace detail
OCTET_END
