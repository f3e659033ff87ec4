#pragma once
#include "../graph/graph.hpp"

OCTET_BEGIN
namespace detail {

/// The last layer of a model. Throws Error unless it is fully connected with a bias.
const Node& classifier_of(const Model& model);
/// The model without that layer. Its output is the features [N, K].
Model backbone_of(const Model& model);

}  // namespace detail

/// Replaces the last layer by one for `classes` classes with small random weights, for transfer learning. Throws Error
/// unless the last layer is fully connected with a bias.
Model with_new_classifier(const Model& model, std::int64_t classes, std::uint64_t seed = 1);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "classifier.inl"
#endif
