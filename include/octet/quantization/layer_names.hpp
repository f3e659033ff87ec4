#pragma once
#include <map>
#include <set>

#include "../passes/layer_patterns.hpp"
#include "../passes/rewrite.hpp"

/// Layers by name.
OCTET_BEGIN
namespace detail {

/// The names of layers in plans. Of several with the same name, the second becomes NAME#2.
inline std::vector<std::string> unique_layer_names(const Graph& g) {
  std::vector<std::string> names;
  std::set<std::string> used;
  std::map<std::string, int> count;
  for (const Node& n : g.nodes) used.insert(n.name);
  for (const Node& n : g.nodes) {
    std::string unique = n.name;
    int& earlier = count[n.name];
    if (earlier++ > 0)
      for (int k = earlier; !used.insert(unique = n.name + "#" + std::to_string(k)).second;) ++k;
    names.push_back(std::move(unique));
  }
  return names;
}

/// For each node: whether a pattern matches its name. Throws Error if a pattern matches none; `purpose`: see
/// require_used.
inline std::vector<bool> matching_layers(const Graph& g, const std::vector<std::string>& patterns,
                                         const char* purpose) {
  for (const std::string& p : patterns) require_used(p, g, purpose);
  std::vector<bool> matching;
  for (const Node& n : g.nodes) matching.push_back(kept(patterns, g, n));
  return matching;
}

}  // namespace detail
OCTET_END
