#pragma once
#include "declare.hpp"

OCTET_BEGIN

/// x < 0 ? slope x : x. Inputs: x, slope (constant, broadcast to x's trailing dimensions; float or quantized).
class PRelu : public OperatorOf<PRelu> {
 public:
  static constexpr const char* type_name = "PRelu";  ///< see Operator::type
  /// Indices of the inputs.
  enum Operand : int { image, slopes };

  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  bool by_image(const ShapeContext& c) const override { return c.constant_from(slopes) && c.constants_shared(); }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API IntegerForm integer_form() const override;
  OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override;
  Traits traits() const override {
    Traits t;
    t.factors = Traits::Factors::passed;
    return t;
  }
  Learning learning(int input) const override { return input == slopes ? Learning::by_gradient : Learning::none; }
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "prelu.inl"
#endif
