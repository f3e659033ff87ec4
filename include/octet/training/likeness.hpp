#pragma once
#include "evaluate.hpp"

OCTET_BEGIN

/// How alike two models classify.
struct Likeness {
  double agreement = 0;   ///< share of the examples that both give the same class
  double divergence = 0;  ///< mean of sum_c q_c (log q_c - log p_c), with the probabilities p and q that the model and
                          ///< the exact one give to the classes (Kullback-Leibler divergence)
};

/// Compares how a model and an exact one, such as the float model it was made from, classify examples, which need no
/// labels. Where the exact model knows the training examples by heart, others tell more: of a quantized model, also
/// images of other things than its classes. Both have one input and one output, logits or a softmax of them. Of the
/// options, batch and executor are used.
Likeness likeness(const Model& model, const Model& exact, const Examples& examples,
                  const EvaluationOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "likeness.inl"
#endif
