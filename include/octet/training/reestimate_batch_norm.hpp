#pragma once
#include "../graph/graph.hpp"
#include "examples.hpp"

OCTET_BEGIN

struct ReestimationOptions {
  std::int64_t batch = 64, most_examples = 0;  // 0: all of them
  int threads = 0;                             // 0: the shared default pool, one thread a processor
};

/// The model with the running statistics of its batch normalizations measured anew, as means over batches of the
/// examples: what the weights are now, not what they were while the averages were followed. Nothing else changes.
Model reestimate_batch_norm(const Model& model, const Examples& examples, const ReestimationOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "reestimate_batch_norm.inl"
#endif
