#pragma once
#include "../graph/graph.hpp"
#include "augmentation.hpp"
#include "examples.hpp"

OCTET_BEGIN

/// Options of reestimate_batch_norm.
struct ReestimationOptions {
  std::int64_t batch = 64;         ///< examples in a batch, at least 2 for useful statistics
  std::int64_t most_examples = 0;  ///< 0: all of them
  /// As in the training of the weights: statistics of images that are not shifted, for example, can be so different
  /// that they cost several points of accuracy.
  Augmentation augmentation;
  std::uint64_t seed = 1;  ///< of the augmentation
  int threads = 0;         ///< 0: the shared default pool with one thread per processor
};

/// Recomputes the running statistics of all batch normalizations, as means over batches of the examples, so that they
/// match the current weights. Nothing else changes. Throws Error if the model has no batch normalization.
Model reestimate_batch_norm(const Model& model, const Examples& examples, const ReestimationOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "reestimate_batch_norm.inl"
#endif
