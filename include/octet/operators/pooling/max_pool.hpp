#pragma once
#include "../window.hpp"

OCTET_BEGIN

/// Largest element of each window. Input [N, spatial ..., C] with one to three spatial dimensions. The optional second
/// output is the positions of the maxima as int64 indices into [N, C, spatial ...].
class MaxPool : public OperatorOf<MaxPool> {
 public:
  static constexpr const char* type_name = "MaxPool";  ///< see Operator::type
  Window window;                                       ///< size, strides, dilations and padding
  bool indices = false;                                ///< second output
  bool columns_first = false;                          ///< indices are column-major

  void fields(FieldVisitor& v) override {
    window.fields(v);
    v.field("indices", indices);
    v.field("columns_first", columns_first);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API DType dtype(const ShapeContext& c, int output) const override;
  bool by_image(const ShapeContext&) const override { return !indices; }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override;
  OCTET_API IntegerForm integer_form() const override;
  Traits traits() const override {
    Traits t;
    if (!indices) t.factors = Traits::Factors::passed;
    return t;
  }
  OCTET_API OperatorPtr padded(const std::vector<std::int64_t>& before, const std::vector<std::int64_t>& after,
                               double value) const override;
  OCTET_API std::string summary(const ShapeContext&) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "max_pool.inl"
#endif
