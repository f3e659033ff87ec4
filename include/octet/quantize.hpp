#pragma once
/// Only quantization of tensors: Tensor, QTensor, Calib, quantize, dequantize, fake_quantize.
#include "core/tensor.hpp"
#include "quantization/quantize.hpp"
