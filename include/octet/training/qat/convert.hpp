#pragma once
#include "../../graph/graph.hpp"

OCTET_BEGIN

/// The integer model of one that prepare_qat made and that has been trained: on the rounded weights and the observed
/// or learned scales, as quantize<int8> makes it. Throws where an observer has seen nothing, or something infinite.
Model convert(const Model& model);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "convert.inl"
#endif
