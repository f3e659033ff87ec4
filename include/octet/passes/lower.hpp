#pragma once
#include "optimize.hpp"

OCTET_BEGIN
namespace detail {

/// The last stage of a model: the layers that an executor prepares and runs. Operators without an integer form are
/// between conversions to float and back, and activations have the types that kernels compute with. Only the functions
/// below make it.
class LoweredGraph : public Graph {
 private:
  explicit LoweredGraph(Graph g) : Graph(std::move(g)) {}
  friend LoweredGraph lower(OptimizedModel model, bool join);
  friend LoweredGraph lower_as_read(Model model);
};

/// `join`: several layers may become one step. Otherwise each layer of the model has its own.
LoweredGraph lower(OptimizedModel model, bool join = true);

/// Without optimization, so that every tensor of the model is computed.
LoweredGraph lower_as_read(Model model);

}  // namespace detail
OCTET_END

#if !defined(OCTET_COMPILED)
#  include "lower.inl"
#endif
