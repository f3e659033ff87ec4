#pragma once
#include "../window.hpp"

OCTET_BEGIN

/// Mean of each window over the elements inside the input, optionally including padding (as zeros). Input
/// [N, spatial ..., C] with one to three spatial dimensions.
class AveragePool : public OperatorOf<AveragePool> {
 public:
  static constexpr const char* type_name = "AveragePool";  ///< see Operator::type
  Window window;                                           ///< size, strides and padding
  bool include_padding = false;                            ///< whether the divisor is the whole window, also at borders
  bool int8_ties = false;  ///< for TFLite's rounding: the values were int8, so "away from zero" is away from 128

  void fields(FieldVisitor& v) override {
    window.fields(v);
    v.field("include_padding", include_padding);
    v.field("int8_ties", int8_ties);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  bool by_image(const ShapeContext&) const override { return true; }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override;
  Traits traits() const override {
    Traits t;
    t.factors = Traits::Factors::passed;
    return t;
  }
  OCTET_API OperatorPtr padded(const std::vector<std::int64_t>& before, const std::vector<std::int64_t>& after,
                               double value) const override;
  OCTET_API OperatorPtr for_shifted_codes() const override;
  OCTET_API IntegerForm integer_form() const override;
  OCTET_API std::string summary(const ShapeContext&) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "average_pool.inl"
#endif
