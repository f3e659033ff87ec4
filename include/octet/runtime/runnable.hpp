#pragma once
#include "../graph/graph.hpp"

OCTET_BEGIN

namespace detail {

/// Throws ShapeError unless the type that the layer writes is the declared one. Integer layers may also write their
/// sums as floats.
void require_declared_types(const Graph& g, const Node& n);

}  // namespace detail

/// Throws Error if a layer cannot run with its types, scales or constants. The constructor of Executor would throw the
/// same; this does not pack the weights. All models that octet loads, quantizes or converts have passed it.
void require_runnable(const Model& model);

/// Returns the model after checking it with require_runnable.
Model runnable(Model model);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "runnable.inl"
#endif
