#pragma once
#include "../../passes/optimize.hpp"
#include "../../quantization/layer_names.hpp"
#include "../../quantization/weights.hpp"
#include "config.hpp"

/// Which layers of a prepared model stay float, and the metadata that records it.
OCTET_BEGIN
namespace detail {

constexpr const char* qat_kept_float = "qat.keep_float";  // metadata: names of layers, one per line

/// The first and the last layer with weights; null if there is none.
inline std::pair<const Node*, const Node*> first_and_last(const Graph& g) {
  std::pair<const Node*, const Node*> found{nullptr, nullptr};
  for (const Node& n : g.nodes)
    if (has_float_weights(g, n)) {
      if (!found.first) found.first = &n;
      found.second = &n;
    }
  return found;
}

/// Names of the layers that stay float.
inline std::vector<std::string> layers_kept_float(const OptimizedModel& g, const QatConfig& config) {
  for (const std::string& p : config.layers) require_used(p, g, "quantized");
  for (const std::string& p : config.keep_float) require_used(p, g, "kept float");
  const auto [first, last] = first_and_last(g);
  std::vector<std::string> names;
  for (const Node& n : g.nodes)
    if (kept(config.keep_float, g, n) || (!config.layers.empty() && !kept(config.layers, g, n)) ||
        (config.keep_first_float && &n == first) || (config.keep_last_float && &n == last))
      names.push_back(n.name);
  return names;
}

}  // namespace detail
OCTET_END
