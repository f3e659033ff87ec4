#pragma once
#include <octet/operators/all.hpp>
#include "table.hpp"

/// Descriptions of layers for tables and charts.
namespace report {
using namespace octet;
/// A short description of a layer: "Conv 3x3/2" (stride 2), "Depthwise 3x3", "ReLU6", "Add".
inline std::string layer_kind(const Graph& g, const Node& n) { return n.op->summary(g.shape_context(n, nullptr)); }

/// Names for a table: the first of the names that TensorFlow joins with ';', without the leading folders (up to '/')
/// that all names with a '/' share.
inline std::vector<std::string> short_names(std::vector<std::string> names) {
  std::string shared;
  bool first = true;
  for (std::string& n : names) {
    n = n.substr(0, n.find(';'));
    const std::string folder = n.substr(0, n.rfind('/') + 1);  // npos + 1 is 0
    if (folder.empty()) continue;
    if (first) shared = folder;
    first = false;
    const std::size_t most = std::min(shared.size(), folder.size());
    const auto same = std::mismatch(shared.begin(), shared.begin() + static_cast<std::ptrdiff_t>(most), folder.begin());
    shared.erase(same.first, shared.end());
    shared.erase(shared.rfind('/') + 1);
  }
  for (std::string& n : names)
    if (n.compare(0, shared.size(), shared) == 0) n.erase(0, shared.size());
  return names;
}

}  // namespace report
