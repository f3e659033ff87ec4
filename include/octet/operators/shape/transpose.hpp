#pragma once
#include "../declare.hpp"

OCTET_BEGIN

/// Reorders dimensions: dimension i of the output is dimension perm[i] of the input. Without perm, they are reversed.
class Transpose : public OperatorOf<Transpose> {
 public:
  static constexpr const char* type_name = "Transpose";  ///< see Operator::type
  std::vector<std::int64_t> perm;                        ///< a permutation of 0 to rank - 1; empty: reversed

  Transpose() = default;
  /// Dimension i of the output is dimension p[i] of the input.
  explicit Transpose(std::vector<std::int64_t> p) : perm(std::move(p)) {}

  void fields(FieldVisitor& v) override { v.field("perm", perm); }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  bool passes_on(const Value&, const Value&, bool) const override {
    for (std::size_t i = 0; i < perm.size(); ++i)
      if (perm[i] != static_cast<std::int64_t>(i)) return false;
    return !perm.empty();
  }
  OCTET_API bool by_image(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override;
  OCTET_API IntegerForm integer_form() const override;

 private:
  OCTET_API std::vector<std::int64_t> order(int rank) const;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "transpose.inl"
#endif
