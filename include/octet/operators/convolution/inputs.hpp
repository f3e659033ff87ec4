#pragma once
#include "../../core/config.hpp"

OCTET_BEGIN
namespace detail {

/// Indices of the inputs of a convolution. Bias and residual are optional.
struct ConvolutionInputs {
  static constexpr int image = 0, weights = 1, bias = 2, residual = 3;
};

}  // namespace detail
OCTET_END
