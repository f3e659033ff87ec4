#pragma once
#include "../graph/graph.hpp"

OCTET_BEGIN

/// Everything that makes a model smaller or faster and leaves its results as they are (up to float rounding): what
/// calibrate, quantize and executors start from. Applying it twice changes nothing more.
Graph optimize(Graph g);

/// As far as that goes with a model that is to be trained: batch normalization stays behind its layers, and so do sums
/// and dropout. optimize makes the same of the result as of the model.
Graph optimize_for_training(Graph g);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "optimize.inl"
#endif
