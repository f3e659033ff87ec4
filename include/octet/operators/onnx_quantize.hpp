#pragma once
#include "declare.hpp"
#include "operands.hpp"

OCTET_BEGIN

/// saturate(round_half_even(x / scale) + zero_point). Inputs: x, scale (scalar, one for each index along `axis`, or of
/// x's shape with `axis` divided by block_size), zero point (optional, of the scale's shape). For 8-bit
/// floats, numbers that are too large become the largest number or, without `saturate`, infinity or NaN.
class QuantizeLinear : public OperatorOf<QuantizeLinear>, public detail::LinearInputs {
 public:
  static constexpr const char* type_name = "QuantizeLinear";  ///< see Operator::type
  std::int64_t axis = 1;                                      ///< of the scales; in [-rank, rank)
  std::int64_t block_size = 0;                                ///< indices along `axis` with one scale; 0: no blocks
  DType to = DType::u8;                                       ///< an integer of up to 32 bits or a float of up to 8
  bool saturate = true;                                       ///< only of 8-bit floats; integers always saturate

  void fields(FieldVisitor& v) override {
    v.field("axis", axis);
    v.field("block_size", block_size);
    v.field("to", to, last_dtype);
    v.field("saturate", saturate);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  DType dtype(const ShapeContext&, int) const override { return to; }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

/// (x - zero_point) * scale. Inputs: x, scale, zero point (optional), as for QuantizeLinear.
class DequantizeLinear : public OperatorOf<DequantizeLinear>, public detail::LinearInputs {
 public:
  static constexpr const char* type_name = "DequantizeLinear";  ///< see Operator::type
  std::int64_t axis = 1;                                        ///< of the scales; in [-rank, rank)
  std::int64_t block_size = 0;                                  ///< indices along `axis` with one scale; 0: no blocks
  DType to = DType::f32;                                        ///< a floating-point type

  void fields(FieldVisitor& v) override {
    v.field("axis", axis);
    v.field("block_size", block_size);
    v.field("to", to, last_dtype);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  DType dtype(const ShapeContext&, int) const override { return to; }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

/// Quantizes a float tensor to uint8 by its own range, widened to contain 0. Outputs: uint8, scale (float scalar), zero
/// point (uint8 scalar).
class DynamicQuantizeLinear : public OperatorOf<DynamicQuantizeLinear> {
 public:
  static constexpr const char* type_name = "DynamicQuantizeLinear";  ///< see Operator::type

  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  DType dtype(const ShapeContext&, int output) const override { return output == 1 ? DType::f32 : DType::u8; }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "onnx_quantize.inl"
#endif
