#pragma once
#include "activation_range.hpp"
#include "operands.hpp"

OCTET_BEGIN

/// y = x W^T + b over the last dimension. Inputs: x [..., K], weights [O, K], bias [O] (optional).
class FullyConnected : public OperatorOf<FullyConnected>, public detail::LayerInputs {
 public:
  static constexpr const char* type_name = "FullyConnected";  ///< see Operator::type
  ActivationRange activation;                                 ///< clamps the results

  void fields(FieldVisitor& v) override { activation.fields(v); }

  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;

  bool by_image(const ShapeContext& c) const override { return c.rank(0) > 1 && c.constant_from(weights); }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API void check(const PrepareContext& c) const override;

  OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override;
  OCTET_API Learning learning(int input) const override;

  OCTET_API OperatorPtr clamped(double low, double high) const override;

  OCTET_API IntegerForm integer_form() const override;
  OCTET_API Traits traits() const override;
  OCTET_API std::string summary(const ShapeContext&) const override;

  OCTET_API std::int64_t macs(const ShapeContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "fully_connected.inl"
#endif
