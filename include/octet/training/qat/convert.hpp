#pragma once
#include "../../graph/graph.hpp"

OCTET_BEGIN

/// Converts a trained model from prepare_qat to an integer model, as quantize<int8> would make it, with the rounded
/// weights and the observed or learned scales. Throws Error, naming the layer, if an observer has seen no data, or
/// numbers that are not finite.
Model convert(const Model& model);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "convert.inl"
#endif
