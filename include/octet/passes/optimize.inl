#pragma once

#include "fold_batch_norm.hpp"
#include "fuse.hpp"
#include "fuse_patterns.hpp"
#include "optimize.hpp"
#include "quantized_operators.hpp"
#include "simplify.hpp"

OCTET_BEGIN

OCTET_API OptimizedModel optimize(Model model) {
  Model g = fuse_patterns(fuse_activation(remove_identities(std::move(model))));
  g = fold_constants(fuse_quantized_operators(std::move(g)));
  g = fuse_bias(fold_batch_norm(std::move(g)));
  g = fuse_activation(fuse_padding(std::move(g)));
  return OptimizedModel(fuse_residual(std::move(g)));
}

OCTET_API Model optimize_for_training(Model model) {
  Model g = fuse_patterns(fuse_activation(remove_identities(std::move(model), true)));
  g = fold_constants(fuse_quantized_operators(std::move(g)));
  g = fuse_bias(settle_batch_norm(std::move(g)));
  return fuse_activation(fuse_padding(std::move(g)));
}

OCTET_END
