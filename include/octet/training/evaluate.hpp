#pragma once
#include "../graph/graph.hpp"
#include "../runtime/options.hpp"
#include "examples.hpp"
#include "loss.hpp"

OCTET_BEGIN

/// Loss and accuracy of a model.
struct Evaluation {
  double loss = 0;      ///< mean over all examples
  double accuracy = 0;  ///< share of correct classes, in [0, 1]; 0 unless the loss is cross entropy
};

/// Options of evaluate.
struct EvaluationOptions {
  Loss loss = Loss::cross_entropy;  ///< what Evaluation::loss measures
  double label_smoothing = 0;       ///< in [0, 1): part of the target that all classes share, see TrainingOptions
  std::int64_t batch = 64;          ///< examples in a run, at least 1; changes speed and memory only
  ExecutorOptions executor;         ///< threads and memory of the runs
};

/// Runs a model with one float input and one output on all examples, without augmentation. Larger images are cropped in
/// the middle. Throws Error if the examples do not match the model.
Evaluation evaluate(const Model& model, const Examples& examples, const EvaluationOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "evaluate.inl"
#endif
