#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN

/// The function that training minimizes.
enum class Loss : std::uint8_t {
  cross_entropy,  ///< of the softmax of the outputs with the class; a softmax at the end of the model is then omitted
  mean_squared_error  ///< over all elements of outputs and targets of the same shape
};

/// What one output of a model contributes to the loss of training.
struct OutputLoss {
  Loss loss = Loss::cross_entropy;  ///< of this output
  double weight = 1;  ///< factor of the loss, >= 0; with 0, examples need no class or target for the output
};

OCTET_END
