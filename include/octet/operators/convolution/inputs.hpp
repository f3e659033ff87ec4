#pragma once
#include "../../core/config.hpp"

OCTET_BEGIN
namespace detail {

/// What the inputs of a convolution are; bias and residual are optional.
struct ConvolutionInputs {
  static constexpr int image = 0, weights = 1, bias = 2, residual = 3;
};

}  // namespace detail
OCTET_END
