#pragma once
#include "../passes/layer_patterns.hpp"
#include "../passes/rewrite.hpp"

/// Layers by name.
OCTET_BEGIN
namespace detail {

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
