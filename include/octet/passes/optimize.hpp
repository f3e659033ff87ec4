#pragma once
#include "fold_batch_norm.hpp"
#include "fuse.hpp"
#include "fuse_patterns.hpp"
#include "quantized_operators.hpp"
#include "simplify.hpp"

OCTET_BEGIN

/// Everything that makes a model smaller or faster and leaves its results as they are (up to float rounding): what
/// calibrate, quantize and executors start from. Applying it twice changes nothing more.
inline Graph optimize(Graph g) {
  g = fuse_patterns(fuse_activation(remove_identities(std::move(g))));
  g = fold_constants(fuse_quantized_operators(std::move(g)));
  g = fuse_bias(fold_batch_norm(std::move(g)));
  g = fuse_activation(fuse_padding(std::move(g)));
  return fuse_residual(std::move(g));
}

/// As far as that goes with a model that is to be trained: batch normalization stays behind its layers, and so do sums
/// and dropout. optimize makes the same of the result as of the model.
inline Graph optimize_for_training(Graph g) {
  g = fuse_patterns(fuse_activation(remove_identities(std::move(g), true)));
  g = fold_constants(fuse_quantized_operators(std::move(g)));
  g = fuse_bias(settle_batch_norm(std::move(g)));
  return fuse_activation(fuse_padding(std::move(g)));
}

OCTET_END
