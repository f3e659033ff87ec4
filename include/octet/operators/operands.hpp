#pragma once
#include "../core/config.hpp"

/// What the inputs of operators are, where files beside that of the operator itself, or several operators, name them.
OCTET_BEGIN
namespace detail {

/// Of layers with weights; the bias is optional.
struct LayerInputs {
  enum Operand : int { image, weights, bias };
};
/// Of a convolution; bias and residual are optional.
struct ConvolutionInputs : LayerInputs {
  static constexpr int residual = 3;
};
/// Of a batch normalization.
struct NormalizationInputs {
  enum Operand : int { image, gamma, beta, mean, variance };
};
/// Of QuantizeLinear and DequantizeLinear; the zero point is optional.
struct LinearInputs {
  enum Operand : int { image, scale, zero_point };
};

}  // namespace detail
OCTET_END
