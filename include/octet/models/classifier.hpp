#pragma once
#include "../graph/graph.hpp"

OCTET_BEGIN

/// The model with another last layer, for so many classes, whose weights are small random numbers: what transfer
/// learning begins with. The last layer has to be fully connected.
Model with_new_classifier(const Model& model, std::int64_t classes, std::uint64_t seed = 1);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "classifier.inl"
#endif
