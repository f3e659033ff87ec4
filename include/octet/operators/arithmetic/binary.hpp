#pragma once
#include "../activation_range.hpp"
#include "kind.hpp"

OCTET_BEGIN

/// Elementwise arithmetic of two tensors with NumPy broadcasting, followed by a clamp (float and quantized results).
/// Comparisons return bool.
class Binary : public OperatorOf<Binary> {
 public:
  static constexpr const char* type_name = "Binary";  ///< see Operator::type
  /// Indices of the inputs, which are broadcast to each other.
  enum Operand : int { left, right };
  BinaryKind kind = BinaryKind::add;  ///< what is computed
  ActivationRange activation;         ///< clamps the results; not of comparisons

  Binary() = default;
  /// The operation k, followed by a clamp.
  explicit Binary(BinaryKind k, const ActivationRange& a = {}) : kind(k), activation(a) {}

  void fields(FieldVisitor& v) override {
    v.field("kind", kind, BinaryKind::last);
    activation.fields(v);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API DType dtype(const ShapeContext& c, int) const override;

  bool by_image(const ShapeContext& c) const override {
    const bool one_constant = c.value(left).is_constant() || c.value(right).is_constant();
    return c.constants_shared() && (one_constant || c.rank(left) == c.rank(right));
  }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;

  OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override;

  OCTET_API Traits traits() const override;

  OCTET_API OperatorPtr clamped(double low, double high) const override;

  OCTET_API IntegerForm integer_form() const override;
  OCTET_API std::string summary(const ShapeContext&) const override;

 private:
  bool has_integer_form() const noexcept {
    return kind == BinaryKind::add || kind == BinaryKind::sub || kind == BinaryKind::mul;
  }
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "binary.inl"
#endif
