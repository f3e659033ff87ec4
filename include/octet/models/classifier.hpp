#pragma once
#include "../graph/graph.hpp"

OCTET_BEGIN
namespace detail {

/// The last layer of a model, which has to be fully connected and have a bias.
const Node& classifier_of(const Model& model);
/// The model without that layer: it gives features.
Model backbone_of(const Model& model);

}  // namespace detail

/// The model with another last layer, for so many classes, whose weights are small random numbers: what transfer
/// learning begins with. The last layer has to be fully connected.
Model with_new_classifier(const Model& model, std::int64_t classes, std::uint64_t seed = 1);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "classifier.inl"
#endif
