#pragma once
#include <string>

#include "../core/any_tensor.hpp"
#include "../core/quant_params.hpp"

OCTET_BEGIN

/// How integer and dynamic-range layers round. A property of the whole model.
enum class Rounding : std::uint8_t {
  fp32,           ///< multiply in float, round half to even: the default, as in XNNPACK and ONNX
  tflite_double,  ///< TFLite's reference kernels: fixed point, rounded twice, half up and then half away from zero
  tflite_single,  ///< TFLite built with single rounding
  litert,         ///< as each of LiteRT's own kernels: tflite_single or tflite_double, by operator
  /// As fp32, but products of scales are not rounded to float, and sums and products of two tensors are rounded before
  /// the zero point is added, so that ties go elsewhere: what fp32 was in .octet files of version 2.
  fp32_centered,
  /// As LiteRT with XNNPACK, which it uses unless told otherwise: fp32 for layers with weights, XNNPACK's formulas for
  /// sums, products, means, conversions and activations that are quantized at run time (dynamic range), and litert for
  /// what XNNPACK leaves to LiteRT's own kernels.
  xnnpack
};

/// A tensor of a graph: constant (weights), or computed in every run.
struct Value {
  std::string name;          ///< should be unique: calibrations, plans and messages use it
  DType dtype = DType::f32;  ///< of the elements, also of the codes of quantized tensors
  Shape shape;               ///< as declared; sizes may be unknown
  QuantParams quant;         ///< of quantized tensors
  AnyTensor constant;        ///< empty for computed tensors

  /// Whether the tensor is part of the model.
  bool is_constant() const noexcept { return static_cast<bool>(constant); }
  /// Whether elements are codes with scale and zero point.
  bool is_quantized() const noexcept { return static_cast<bool>(quant); }
  /// Whether elements are codes with one scale and zero point for the whole tensor.
  bool has_one_scale() const noexcept { return is_quantized() && !quant.per_channel(); }
};

OCTET_END
