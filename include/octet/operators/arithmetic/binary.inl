#pragma once
#include "binary.hpp"
#include "generic.hpp"
#include "gradient.hpp"
#include "int16.hpp"
#include "integer.hpp"

OCTET_BEGIN

OCTET_API std::vector<Shape> Binary::shapes(const ShapeContext& c) const {
  c.require(c.inputs() == 2, "expected two inputs, found ", c.inputs());
  return {c.broadcast(c.shape(0), c.shape(Binary::right))};
}

OCTET_API DType Binary::dtype(const ShapeContext& c, int) const {
  return is_comparison(kind) ? DType::boolean : c.dtype(0);
}

OCTET_API std::unique_ptr<Step> Binary::prepare(const PrepareContext& c) const {
  const Value &a = c.input(0), &b = c.input(Binary::right);
  if (detail::int8_format.computes(a.dtype) && a.is_quantized() && c.output().is_quantized() && has_integer_form()) {
    return detail::make_step<detail::IntegerBinary>(c, kind, activation);
  }
  if (detail::int16_format.computes(a.dtype) && a.is_quantized() && has_integer_form())
    return detail::make_step<detail::Int16Binary>(c, kind, activation);
  c.require(a.dtype == b.dtype, "expected inputs of one type, found ", name(a.dtype), " and ", name(b.dtype));
  const bool logic = kind == BinaryKind::min || kind == BinaryKind::max || is_comparison(kind);
  c.require(a.dtype != DType::boolean || logic, "no form for bool");
  return detail::make_generic_binary(c, kind, activation);
}

OCTET_API std::unique_ptr<GradientStep> Binary::prepare_gradient(const PrepareContext& c) const {
  return detail::make_step<detail::BinaryGradient>(c, prepare(c), kind, activation);
}

OCTET_API OperatorPtr Binary::clamped(double low, double high) const {
  return is_comparison(kind) ? nullptr : detail::with_clamp(*this, low, high);
}

OCTET_API std::string Binary::summary(const ShapeContext&) const {
  constexpr const char* names[] = {"Add",
                                   "Sub",
                                   "Mul",
                                   "Div",
                                   "Min",
                                   "Max",
                                   "Pow",
                                   "Less",
                                   "Less or equal",
                                   "Greater",
                                   "Greater or equal",
                                   "Equal",
                                   "Not equal",
                                   "Floor div",
                                   "Floor mod",
                                   "Remainder"};
  static_assert(std::size(names) == static_cast<std::size_t>(BinaryKind::last) + 1);
  return names[static_cast<std::size_t>(kind)];
}

OCTET_API Traits Binary::traits() const {
  Traits t;
  t.low = activation.low;
  t.high = activation.high;
  switch (kind) {
    case BinaryKind::add:
    case BinaryKind::sub: t.factors = Traits::Factors::summed; break;
    case BinaryKind::mul: t.factors = Traits::Factors::multiplied; break;
    case BinaryKind::div:
      t.factors = Traits::Factors::divided;
      t.relative = 1;
      break;
    default: break;
  }
  return t;
}

OCTET_API IntegerForm Binary::integer_form() const {
  IntegerForm f;
  if (has_integer_form()) f.output = IntegerForm::Output::measured;
  f.int16 = true;
  return f;
}

OCTET_END
