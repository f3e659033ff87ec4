#pragma once
#include "declare.hpp"

OCTET_BEGIN

/// exp(beta x) / sum(exp(beta x)) along an axis, or its logarithm.
class Softmax : public OperatorOf<Softmax> {
 public:
  static constexpr const char* type_name = "Softmax";  ///< see Operator::type
  std::int64_t axis = -1;                              ///< in [-rank, rank)
  double beta = 1;                                     ///< factor of the inputs; 1 except in some TFLite models
  bool log = false;                                    ///< the logarithm of the results (LogSoftmax)

  void fields(FieldVisitor& v) override {
    v.field("axis", axis);
    v.field("beta", beta);
    v.field("log", log);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  bool by_image(const ShapeContext& c) const override { return c.beyond_first(axis); }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override;
  OCTET_API IntegerForm integer_form() const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "softmax.inl"
#endif
