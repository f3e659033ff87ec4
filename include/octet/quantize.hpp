#pragma once
/// Quantization of tensors alone: Tensor, QTensor, Calib, quantize, dequantize, fake_quantize.
#include "core/tensor.hpp"
#include "quantization/quantize.hpp"
