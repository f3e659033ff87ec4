#pragma once
#include "../passes/optimize.hpp"
#include "finite_weights.hpp"

/// What can be quantized.
OCTET_BEGIN
namespace detail {

inline void require_float(const Graph& g) {
  for (const Value& v : g.values)
    require(!v.is_quantized(), "the model is already quantized: tensor '", v.name, "' is ", name(v.dtype));
  for (const Node& n : g.nodes)
    require(!n.op->traits().fake_quantizes, "the model has fake quantization (use convert to quantize it): layer '",
            n.name, "' is ", n.op->type());
}

/// Checks that the model can be quantized, and returns it optimized.
inline OptimizedModel optimize_for_weights(const Model& model) {
  require_finite_weights(model);
  OptimizedModel g = optimize(model);
  require_float(g);
  require_finite_weights(g);
  return g;
}

}  // namespace detail
OCTET_END
