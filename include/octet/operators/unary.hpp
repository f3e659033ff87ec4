#pragma once
#include "declare.hpp"
#include "unary_kind.hpp"

OCTET_BEGIN

/// An elementwise function: activations and elementary functions.
class Unary : public OperatorOf<Unary> {
 public:
  static constexpr const char* type_name = "Unary";  ///< see Operator::type
  UnaryKind kind = UnaryKind::clip;                  ///< the function
  double a = 0;                                      ///< first parameter, see UnaryKind
  double b = 0;                                      ///< second parameter

  Unary() = default;
  /// The function k with its parameters, see UnaryKind.
  explicit Unary(UnaryKind k, double first = 0, double second = 0) : kind(k), a(first), b(second) {}

  void fields(FieldVisitor& v) override {
    v.field("kind", kind, UnaryKind::last);
    v.field("a", a);
    v.field("b", b);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  bool by_image(const ShapeContext&) const override { return true; }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override;
  OCTET_API IntegerForm integer_form() const override;
  Traits traits() const override {
    Traits t;
    if (kind == UnaryKind::sqrt || kind == UnaryKind::rsqrt || kind == UnaryKind::log || kind == UnaryKind::reciprocal)
      t.relative = 0;
    if (kind == UnaryKind::leaky_relu) t.factors = Traits::Factors::passed;
    if (kind == UnaryKind::clip) {
      t.low = a;
      t.high = b;
      if (a <= 0 && b >= 0) t.factors = Traits::Factors::passed;
    }
    return t;
  }
  OCTET_API bool passes_on(const Value& input, const Value& output, bool training) const override;
  OCTET_API std::string summary(const ShapeContext&) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "unary.inl"
#endif
