#pragma once
#include "../activation_range.hpp"
#include "generic.hpp"
#include "gradient.hpp"
#include "integer.hpp"

OCTET_BEGIN

/// Elementwise arithmetic of two tensors that broadcast as in numpy, then a clamp (float and quantized results).
/// Comparisons give bool.
class Binary : public detail::OperatorOf<Binary> {
 public:
  static constexpr const char* type_name = "Binary";
  BinaryKind kind = BinaryKind::add;
  ActivationRange activation;

  Binary() = default;
  explicit Binary(BinaryKind k, const ActivationRange& a = {}) : kind(k), activation(a) {}

  void fields(FieldVisitor& v) override {
    v.field("kind", kind, BinaryKind::last);
    activation.fields(v);
  }
  std::vector<Shape> shapes(const ShapeContext& c) const override {
    c.require(c.inputs() == 2, "takes two tensors, found ", c.inputs());
    return {broadcast(c.shape(0), c.shape(1))};
  }
  DType dtype(const ShapeContext& c, int) const override { return is_comparison(kind) ? DType::boolean : c.dtype(0); }

  std::unique_ptr<Step> prepare(const PrepareContext& c) const override {
    const Value &a = c.input(0), &b = c.input(1);
    if (a.dtype == DType::u8 && a.is_quantized() && c.output().is_quantized() && has_integer_form()) {
      return std::make_unique<detail::IntegerBinary>(c, kind, activation);
    }
    c.require(a.dtype == b.dtype, "both tensors have to be of one type, found ", name(a.dtype), " and ", name(b.dtype));
    return detail::make_generic_binary(c, kind, activation);
  }

  std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override {
    return std::make_unique<detail::BinaryGradient>(c, prepare(c), kind, activation);
  }

  OperatorPtr clamped(double low, double high) const override {
    return is_comparison(kind) ? nullptr : detail::with_clamp(*this, low, high);
  }

  IntegerForm integer_form() const override {
    IntegerForm f;
    if (has_integer_form()) f.output = IntegerForm::Output::measured;
    return f;
  }

 private:
  bool has_integer_form() const noexcept {
    return kind == BinaryKind::add || kind == BinaryKind::sub || kind == BinaryKind::mul;
  }
};

OCTET_END
