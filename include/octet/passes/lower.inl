#pragma once
#include "bound_activations.hpp"
#include "code_extrema.hpp"
#include "computed_activations.hpp"
#include "float_fallbacks.hpp"
#include "fuse_chains.hpp"
#include "fuse_code_functions.hpp"
#include "fuse_normalization.hpp"
#include "fuse_pooling.hpp"
#include "lower.hpp"
#include "simplify.hpp"
#include "transpose_codes.hpp"

OCTET_BEGIN
namespace detail {

OCTET_API LoweredGraph lower(OptimizedModel model, bool join) {
  Graph g = bound_activations(computed_activations(insert_float_fallbacks(std::move(model))));
  if (!join) return LoweredGraph(std::move(g));
  g = transpose_codes(fuse_normalization(std::move(g)));
  return LoweredGraph(fuse_pooling(fuse_chains(fuse_code_functions(move_extrema_to_codes(std::move(g))))));
}

/// Of each value, whether a layer has it as weights or bias, or such are computed from it.
inline std::vector<bool> leads_to_weights(const Graph& g) {
  std::vector<bool> leads(g.values.size(), false);
  for (auto n = g.nodes.rbegin(); n != g.nodes.rend(); ++n) {
    const IntegerForm form = n->op->integer_form();
    const bool all = std::any_of(n->outputs.begin(), n->outputs.end(), [&](int v) { return v >= 0 && leads[at(v)]; });
    for (std::size_t i = 0; i < n->inputs.size(); ++i) {
      const int v = n->inputs[i], k = static_cast<int>(i);
      if (v != Node::none && (all || k == form.weights || k == form.bias)) leads[at(v)] = true;
    }
  }
  return leads;
}

OCTET_API LoweredGraph lower_as_read(Model model) {
  // Weights may be computed from constants, as in QDQ models.
  const std::vector<bool> weights = leads_to_weights(model);
  return LoweredGraph(computed_activations(insert_float_fallbacks(fold_constants(std::move(model), &weights))));
}

}  // namespace detail
OCTET_END
