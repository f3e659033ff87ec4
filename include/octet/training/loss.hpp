#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN

/// The function that training minimizes.
enum class Loss : std::uint8_t {
  cross_entropy,  ///< of the softmax of the outputs with the class; a softmax at the end of the model is then omitted
  mean_squared_error  ///< over all elements of outputs and targets of the same shape
};

OCTET_END
