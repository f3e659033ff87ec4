#pragma once
#include "declare.hpp"

OCTET_BEGIN

/// condition ? a : b for each element. Inputs with broadcasting: condition (bool), a, b (of one type).
class Where : public OperatorOf<Where> {
 public:
  static constexpr const char* type_name = "Where";  ///< see Operator::type
  /// Indices of the inputs.
  enum Operand : int { condition, if_true, if_false };

  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API DType dtype(const ShapeContext& c, int) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "where.inl"
#endif
