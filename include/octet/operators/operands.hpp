#pragma once
#include "../core/config.hpp"

/// Names of the inputs of operators, where several operators, or files other than the operator's own, use them.
OCTET_BEGIN
namespace detail {

/// Inputs of layers with weights; the bias is optional.
struct LayerInputs {
  enum Operand : int { image, weights, bias };
};
/// Inputs of a convolution; bias and residual are optional.
struct ConvolutionInputs : LayerInputs {
  static constexpr int residual = 3;
};
/// Inputs of a fully connected layer; the bias, and the multipliers of blocks of weights, are optional.
struct RowInputs : LayerInputs {
  static constexpr int multipliers = 3;
};
/// Inputs of a batch normalization.
struct NormalizationInputs {
  enum Operand : int { image, gamma, beta, mean, variance };
};
/// Inputs of QuantizeLinear and DequantizeLinear; the zero point is optional.
struct LinearInputs {
  enum Operand : int { image, scale, zero_point };
};

}  // namespace detail
OCTET_END
