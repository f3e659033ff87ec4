#pragma once
#include "../model_file/graph_description.hpp"
#include "../passes/optimize.hpp"
#include "../runtime/runnable.hpp"

OCTET_BEGIN
namespace detail {

/// The graph that is written: the model as it is or, if it has integer activations, or on demand, as it is executed:
/// with integer operators in place of float operators between conversions, and batch normalization folded.
inline Graph prepared_model(const Model& model, bool optimized) {
  check_graph(model);
  require_runnable(model);
  const bool quantized =
      std::any_of(model.values.begin(), model.values.end(), [](const Value& v) { return v.is_quantized(); });
  return optimized || quantized ? Graph(optimize(model)) : model;
}

}  // namespace detail
OCTET_END
