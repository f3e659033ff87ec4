#pragma once
#include "../graph/graph.hpp"
#include "../runtime/options.hpp"
#include "examples.hpp"
#include "loss.hpp"

OCTET_BEGIN

/// How a model does on examples.
struct Evaluation {
  double loss = 0, accuracy = 0;  // means over all examples; accuracy in [0, 1], of classifiers only
};

struct EvaluationOptions {
  Loss loss = Loss::cross_entropy;
  double label_smoothing = 0;
  std::int64_t batch = 64;
  ExecutorOptions executor;
};

/// Runs a model of one float input on all examples, as they are (larger images are cropped in the middle).
Evaluation evaluate(const Model& model, const Examples& examples, const EvaluationOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "evaluate.inl"
#endif
