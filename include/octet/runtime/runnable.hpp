#pragma once
#include "../graph/graph.hpp"

OCTET_BEGIN

namespace detail {

/// The model as an executor runs it, but for layers that are joined.
Graph lower_to_run(const Model& model);

/// A layer writes elements of its own type, whatever is declared; integer layers may also give their sums as floats.
void require_declared_types(const Graph& g, const Node& n);

}  // namespace detail

/// Throws where a layer has no form for its types, scales or constants: what making an Executor of the model would
/// throw, found without packing its weights. What octet loads, quantizes and converts has passed this.
void require_runnable(const Model& model);

/// The model, of which that is true.
Model runnable(Model model);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "runnable.inl"
#endif
