#pragma once
#include "declare.hpp"

OCTET_BEGIN

/// Converts between types: quantizes, dequantizes or requantizes with the values' parameters; casts between plain types
/// (toward zero, saturating). Reports NaN and infinities that would become integers to the executor (see NotFinite).
class Convert : public OperatorOf<Convert> {
 public:
  static constexpr const char* type_name = "Convert";  ///< see Operator::type
  DType to = DType::f32;  ///< of the output, whose scale and zero point are those of its value

  Convert() = default;
  /// Converts to type t.
  explicit Convert(DType t) : to(t) {}

  void fields(FieldVisitor& v) override { v.field("to", to, last_dtype); }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  bool passes_on(const Value& input, const Value& output, bool) const override {
    return input.dtype == to && input.quant == output.quant;
  }
  DType dtype(const ShapeContext&, int) const override { return to; }

  bool by_image(const ShapeContext&) const override { return true; }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  Traits traits() const override {
    Traits t;
    t.converts = true;
    return t;
  }
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "convert.inl"
#endif
