#pragma once
#include "activation_range.hpp"
#include "operands.hpp"

OCTET_BEGIN

/// y = x W^T + b over the last dimension. Inputs: x [..., K], weights [O, K], bias [O] (optional). int4 weights may
/// have blocks of inputs, each with a multiplier of its own: then input 3 is these, uint8 [O, K / block], rounded up,
/// and a weight is scale * multiplier * code. Products of multipliers and codes are in int8.
class FullyConnected : public OperatorOf<FullyConnected>, public detail::RowInputs {
 public:
  static constexpr const char* type_name = "FullyConnected";  ///< see Operator::type
  ActivationRange activation;                                 ///< clamps the results
  std::int64_t block = 0;  ///< inputs of a block of weights: 32, 64, 128 or 256; 0: there are no blocks

  void fields(FieldVisitor& v) override {
    activation.fields(v);
    v.field("block", block);
  }

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
