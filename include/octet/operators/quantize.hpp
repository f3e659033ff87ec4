#pragma once
#include "declare.hpp"

OCTET_BEGIN

/// Converts between types: quantizes, dequantizes or requantizes with the values' parameters; casts between plain types
/// (toward zero, saturating). Reports NaN and infinities that would become integers to the executor (see NotFinite).
class Convert : public detail::OperatorOf<Convert> {
 public:
  static constexpr const char* type_name = "Convert";
  DType to = DType::f32;

  Convert() = default;
  explicit Convert(DType t) : to(t) {}

  void fields(FieldVisitor& v) override { v.field("to", to, last_dtype); }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  DType dtype(const ShapeContext&, int) const override { return to; }

  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "quantize.inl"
#endif
