#pragma once
#include "../graph/graph.hpp"
#include "../runtime/options.hpp"
#include "examples.hpp"
#include "loss.hpp"

OCTET_BEGIN

/// Loss and accuracy of a model.
struct Evaluation {
  double loss = 0, accuracy = 0;  // means over all examples; accuracy in [0, 1], 0 unless the loss is cross entropy
};

struct EvaluationOptions {
  Loss loss = Loss::cross_entropy;
  double label_smoothing = 0;
  std::int64_t batch = 64;
  ExecutorOptions executor;
};

/// Runs a model with one float input and one output on all examples, without augmentation. Larger images are cropped in
/// the middle. Throws Error if the examples do not match the model.
Evaluation evaluate(const Model& model, const Examples& examples, const EvaluationOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "evaluate.inl"
#endif
