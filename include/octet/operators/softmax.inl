#pragma once
#include "float_softmax.hpp"
#include "int16_softmax.hpp"
#include "integer_softmax.hpp"
#include "softmax.hpp"
#include "softmax_gradient.hpp"

OCTET_BEGIN

OCTET_API std::vector<Shape> Softmax::shapes(const ShapeContext& c) const {
  normalize_axis(axis, c.rank(0));
  return {c.shape(0)};
}

OCTET_API std::unique_ptr<Step> Softmax::prepare(const PrepareContext& c) const {
  if (c.input(0).dtype == DType::f32) return detail::make_step<detail::FloatSoftmax>(c, axis, beta, log);
  c.require(!log, "log-softmax is not supported for quantized tensors");
  if (detail::int16_format.computes(c.input(0).dtype)) return detail::make_step<detail::Int16Softmax>(c, axis, beta);
  return detail::make_step<detail::IntegerSoftmax>(c, axis, beta);
}

OCTET_API std::unique_ptr<GradientStep> Softmax::prepare_gradient(const PrepareContext& c) const {
  return detail::make_step<detail::SoftmaxGradient>(prepare(c), axis, beta, log);
}

OCTET_API IntegerForm Softmax::integer_form() const {
  IntegerForm f;
  if (!log) {
    f.output = IntegerForm::Output::fixed;
    f.range = {0, 1};
    f.int16 = true;
  }
  return f;
}

OCTET_END
