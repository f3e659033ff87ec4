#pragma once
#include "../graph/graph.hpp"

OCTET_BEGIN

/// Applies all passes that make a model smaller or faster without changing its results (up to float rounding).
/// calibrate, quantize and executors use it. A second application changes nothing.
Graph optimize(Graph g);

/// The same for training: keeps batch normalization after layers, residual sums and dropout. optimize(result) equals
/// optimize(model).
Graph optimize_for_training(Graph g);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "optimize.inl"
#endif
