#pragma once
#include "declare.hpp"

OCTET_BEGIN

/// Concatenates tensors along an axis. Quantized ones may have different scales.
class Concat : public OperatorOf<Concat> {
 public:
  static constexpr const char* type_name = "Concat";  ///< see Operator::type
  std::int64_t axis = 0;                              ///< in [-rank, rank)

  Concat() = default;
  /// Along axis a, in [-rank, rank).
  explicit Concat(std::int64_t a) : axis(a) {}

  void fields(FieldVisitor& v) override { v.field("axis", axis); }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  bool by_image(const ShapeContext& c) const override { return c.beyond_first(axis) && c.constants_shared(); }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  Traits traits() const override {
    Traits t;
    t.joins = true;
    return t;
  }
  OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override;
  OCTET_API IntegerForm integer_form() const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "concat.inl"
#endif
