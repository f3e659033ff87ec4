#pragma once
#include "../graph/graph.hpp"
#include "../runtime/options.hpp"
#include "examples.hpp"
#include "loss.hpp"

OCTET_BEGIN

/// Loss and accuracy of one output of a model.
struct OutputEvaluation {
  double loss = 0;      ///< mean over all examples, without the weight of the output
  double accuracy = 0;  ///< share of correct classes, in [0, 1]; 0 unless the loss is cross entropy
};

/// Loss and accuracy of a model.
struct Evaluation {
  double loss = 0;                        ///< mean over all examples; with several outputs, the sum of weight * loss
  double accuracy = 0;                    ///< of the first output with cross entropy; 0 if there is none
  std::vector<OutputEvaluation> outputs;  ///< of each output
};

/// Options of evaluate.
struct EvaluationOptions {
  Loss loss = Loss::cross_entropy;  ///< what Evaluation::loss measures, unless `outputs` is not empty
  double label_smoothing = 0;       ///< in [0, 1): part of the target that all classes share, see TrainingOptions
  std::int64_t batch = 64;          ///< examples in a run, at least 1; changes speed and memory only
  ExecutorOptions executor;         ///< threads and memory of the runs
  std::vector<OutputLoss> outputs;  ///< the loss of each output, see TrainingOptions
};

/// Runs a model with float inputs and outputs on all examples, without augmentation. Larger images are cropped in
/// the middle. Throws Error if the examples do not match the model.
Evaluation evaluate(const Model& model, const Examples& examples, const EvaluationOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "evaluate.inl"
#endif
