#pragma once
#include <algorithm>

#include "../core/nearest.hpp"
#include "../graph/graph.hpp"

/// Layers that are named by patterns.
OCTET_BEGIN
namespace detail {

/// Whether one of the patterns matches the text. * matches any text.
inline bool matches_any(const std::vector<std::string>& patterns, const std::string& text) {
  const auto matches = [&](const std::string& p) {
    std::size_t i = 0, t = 0, star = std::string::npos, retry = 0;
    while (t < text.size()) {
      if (i < p.size() && p[i] == '*') {
        star = i++;
        retry = t;
      } else if (i < p.size() && p[i] == text[t]) {
        ++i;
        ++t;
      } else if (star != std::string::npos) {
        i = star + 1;
        t = ++retry;
      } else {
        return false;
      }
    }
    while (i < p.size() && p[i] == '*') ++i;
    return i == p.size();
  };
  return std::any_of(patterns.begin(), patterns.end(), matches);
}

/// Whether a pattern matches the name of the layer or of one of its results.
inline bool kept(const std::vector<std::string>& patterns, const Graph& g, const Node& n) {
  return matches_any(patterns, n.name) ||
         std::any_of(n.outputs.begin(), n.outputs.end(), [&](int v) { return matches_any(patterns, g.value(v).name); });
}

/// Throws Error if the pattern matches no layer. `purpose` completes "no layer to be ... matches".
inline void require_used(const std::string& pattern, const Graph& g, const char* purpose) {
  for (const Node& n : g.nodes)
    if (kept({pattern}, g, n)) return;
  std::vector<std::string> names;
  for (const Node& n : g.nodes) names.push_back(n.name);
  std::string text = pattern;
  text.erase(std::remove(text.begin(), text.end(), '*'), text.end());
  fail("no layer to be ", purpose, " matches '", pattern, "'", suggestions(text, names));
}

}  // namespace detail
OCTET_END
