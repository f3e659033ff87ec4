#pragma once
#include "activation_range.hpp"
#include "operands.hpp"

OCTET_BEGIN

/// (x - mean) / sqrt(variance + epsilon) * gamma + beta for each channel (the last dimension), followed by a clamp.
/// Inputs: x [..., C]; gamma, beta, mean, variance [C].
class BatchNormalization : public OperatorOf<BatchNormalization>, public detail::NormalizationInputs {
 public:
  static constexpr const char* type_name = "BatchNormalization";  ///< see Operator::type
  double epsilon = 1e-5;                                          ///< added to the variance
  ActivationRange activation;                                     ///< clamps the results

  void fields(FieldVisitor& v) override {
    v.field("epsilon", epsilon);
    activation.fields(v);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  bool by_image(const ShapeContext& c) const override { return c.constant_from(gamma); }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override;
  OCTET_API Learning learning(int input) const override;
  OCTET_API OperatorPtr clamped(double low, double high) const override;
  OCTET_API Traits traits() const override;
  OCTET_API std::string summary(const ShapeContext&) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "batch_normalization.inl"
#endif
