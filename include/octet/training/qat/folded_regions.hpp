#pragma once
#include <algorithm>
#include <map>
#include <set>

#include "../../passes/rewrite.hpp"

OCTET_BEGIN
namespace detail {

/// Finds the layers of a folded and fused graph in the graph that it was made from: each corresponds to a region, the
/// nodes between its inputs and its output. Values have the same names in both graphs.
class FoldedRegions {
 public:
  /// Both graphs must outlive the object. If g changes, nodes_of must no longer be called; the rest describes g as it
  /// was.
  FoldedRegions(const Graph& g, const Graph& folded) : g_(g), folded_(folded), links_(g) {
    for (int v = 0; v < static_cast<int>(g.values.size()); ++v)
      if (!g.value(v).is_constant())
        require(values_.emplace(g.value(v).name, v).second, "model '", g.name, "' has two tensors named '",
                g.value(v).name, "'; their ranges cannot be distinguished");
    for (int v = 0; v < static_cast<int>(folded.values.size()); ++v)
      if (!folded.value(v).is_constant()) borders_.insert(value_of(v));
  }

  /// Producers and users of the values of g, as it was.
  const Links& links() const noexcept { return links_; }

  /// The value of g for value v of the folded graph.
  int value_of(int v) const {
    const auto it = values_.find(folded_.value(v).name);
    require(it != values_.end(), "tensor '", folded_.value(v).name, "' exists only in the folded model");
    return it->second;
  }

  /// The nodes of g that make up a layer of the folded graph, in order.
  std::vector<std::size_t> nodes_of(const Node& folded) const {
    std::vector<std::size_t> nodes;
    std::vector<int> open{value_of(folded.outputs[0])};
    while (!open.empty()) {
      const int n = links_.producer(open.back());
      open.pop_back();
      if (n == Node::none || std::count(nodes.begin(), nodes.end(), at(n))) continue;
      nodes.push_back(at(n));
      for (int v : g_.nodes[at(n)].inputs)
        if (v != Node::none && !borders_.count(v)) open.push_back(v);
    }
    std::sort(nodes.begin(), nodes.end());
    return nodes;
  }

 private:
  const Graph& g_;
  const Graph& folded_;
  const Links links_;
  std::map<std::string, int> values_;  // values of g that are not constant, by name
  std::set<int> borders_;              // values of g that also exist in the folded graph
};

}  // namespace detail
OCTET_END
