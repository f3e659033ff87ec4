#pragma once
#include "shape/views.hpp"

OCTET_BEGIN
/// In training, drops elements with probability `rate` and scales the others by 1 / (1 - rate) (Srivastava et al.
/// 2014); in inference, returns its input.
class Dropout : public detail::ViewOperator<Dropout> {
 public:
  static constexpr const char* type_name = "Dropout";  ///< see Operator::type
  double rate = 0.5;                                   ///< in [0, 1)

  Dropout() = default;
  /// Drops elements with probability r, in [0, 1).
  explicit Dropout(double r) : rate(r) {}
  void fields(FieldVisitor& v) override { v.field("rate", rate); }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  bool passes_on(const Value&, const Value&, bool training) const override { return !training; }
  OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "dropout.inl"
#endif
