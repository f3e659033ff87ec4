#pragma once
#include "declare.hpp"

OCTET_BEGIN

/// x / (bias + alpha / size * s)^beta, where s is the sum of squares of the `size` channels around x (last dimension).
class LocalResponseNormalization : public OperatorOf<LocalResponseNormalization> {
 public:
  static constexpr const char* type_name = "LocalResponseNormalization";  ///< see Operator::type
  std::int64_t size = 5;  ///< number of channels in the sum: (size - 1) / 2 before x, the rest from x on
  double alpha = 1e-4;    ///< factor of the mean square
  double beta = 0.75;     ///< exponent
  double bias = 1;        ///< keeps the base of the power positive

  void fields(FieldVisitor& v) override {
    v.field("size", size);
    v.field("alpha", alpha);
    v.field("beta", beta);
    v.field("bias", bias);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  bool by_image(const ShapeContext&) const override { return true; }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "local_response_normalization.inl"
#endif
