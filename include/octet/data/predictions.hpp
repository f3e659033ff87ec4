#pragma once
#include <string>
#include <vector>

#include "../core/tensor.hpp"
#include "labels.hpp"

OCTET_BEGIN

/// A class and its probability.
struct Prediction {
  std::int64_t index = 0;  ///< of the output
  std::string name;        ///< of the class, see Labels::name
  double probability = 0;  ///< in [0, 1]
};

/// Whether outputs are probabilities: within [0, 1] and with a sum of about 1 (quantization changes it).
bool are_probabilities(View<const float> outputs);

/// The k most probable classes of one image, best first. `outputs`: [classes], probabilities or logits, to which
/// softmax is applied. Equal ones are in order of their index.
std::vector<Prediction> decode_predictions(View<const float> outputs, const Labels& labels = {}, int k = 5);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "predictions.inl"
#endif
