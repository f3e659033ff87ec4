#pragma once
#include "window.hpp"

OCTET_BEGIN

/// Convolution of plain integers to int32. Inputs: image (int8 or uint8, as Convolution), weights [O, kh, kw,
/// C / groups], zero point of the image (scalar, optional), of the weights (scalar or [O], optional).
class ConvInteger : public OperatorOf<ConvInteger> {
 public:
  static constexpr const char* type_name = "ConvInteger";  ///< see Operator::type
  /// Indices of the inputs.
  enum Operand : int { image, weights, image_zero, weights_zero };
  Window window;  ///< kernel size, strides, dilations and padding; pixels in the padding are the image's zero point
  std::int64_t groups = 1;  ///< of channels; C and O are multiples of it

  void fields(FieldVisitor& v) override {
    window.fields(v);
    v.field("groups", groups);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  DType dtype(const ShapeContext&, int) const override { return DType::i32; }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API std::int64_t macs(const ShapeContext& c) const override;
};

/// Matrix product of plain integers to int32, shapes as MatMul. Inputs: a, b (int8 or uint8), zero point of a (scalar
/// or one per row, optional), of b (scalar or one per column, optional).
class MatMulInteger : public OperatorOf<MatMulInteger> {
 public:
  static constexpr const char* type_name = "MatMulInteger";  ///< see Operator::type
  /// Indices of the inputs.
  enum Operand : int { left, right, left_zero, right_zero };

  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  DType dtype(const ShapeContext&, int) const override { return DType::i32; }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API std::int64_t macs(const ShapeContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "onnx_integer.inl"
#endif
