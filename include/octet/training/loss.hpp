#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN

/// What a training makes small.
enum class Loss : std::uint8_t {
  cross_entropy,      // of the softmax of the outputs and a class; a softmax at the end of the model is taken into it
  mean_squared_error  // of the outputs and targets of the same shape, over all elements
};

OCTET_END
