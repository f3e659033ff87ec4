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

OCTET_BEGIN
namespace detail {

OCTET_API LoweredGraph lower(OptimizedModel model, bool join) {
  Graph g = bound_activations(computed_activations(insert_float_fallbacks(std::move(model))));
  if (!join) return LoweredGraph(std::move(g));
  g = fuse_normalization(std::move(g));
  return LoweredGraph(fuse_pooling(fuse_chains(fuse_code_functions(move_extrema_to_codes(std::move(g))))));
}

OCTET_API LoweredGraph lower_as_read(Model model) {
  // Weights may be the result of a conversion, as in QDQ models.
  return LoweredGraph(computed_activations(insert_float_fallbacks(fold_constants(std::move(model), true))));
}

}  // namespace detail
OCTET_END
