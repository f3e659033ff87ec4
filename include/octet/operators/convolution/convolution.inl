#pragma once
#include "../weighted_layer.hpp"
#include "convolution.hpp"
#include "dynamic.hpp"
#include "float.hpp"
#include "gradient.hpp"
#include "integer.hpp"

OCTET_BEGIN

OCTET_API std::vector<Shape> Convolution::shapes(const ShapeContext& c) const {
  const Shape out = detail::convolution_output(c, window, groups);
  const std::int64_t channels = c.shape(1)[0];
  if (c.has(2)) c.require(c.shape(2) == Shape{channels}, "bias has shape ", c.shape(2), ", expected [", channels, "]");
  if (c.has(3) && c.shape(3).known() && out.known())
    c.require(c.shape(3) == out, "the added tensor has shape ", c.shape(3), ", expected ", out);
  return {out};
}

OCTET_API std::unique_ptr<Step> Convolution::prepare(const PrepareContext& c) const { return prepare_convolution(c); }

OCTET_API std::unique_ptr<detail::ConvolutionStep> Convolution::prepare_convolution(const PrepareContext& c) const {
  switch (detail::weighted_form(c, "images")) {
    case detail::WeightedForm::dynamic:
      return detail::make_step<detail::DynamicConvolution, detail::ConvolutionStep>(c, window, groups, activation);
    case detail::WeightedForm::integer:
      return detail::make_step<detail::IntegerConvolution, detail::ConvolutionStep>(c, window, groups, activation);
    case detail::WeightedForm::floating: break;
  }
  return detail::with_weights(c, [&](auto type) -> std::unique_ptr<detail::ConvolutionStep> {
    return detail::make_step<detail::FloatConvolution<decltype(type)>, detail::ConvolutionStep>(c, window, groups,
                                                                                                activation);
  });
}

OCTET_API void Convolution::check(const PrepareContext& c) const {
  detail::check_weighted(c, "images", activation, residual);
}

OCTET_API std::unique_ptr<GradientStep> Convolution::prepare_gradient(const PrepareContext& c) const {
  return detail::make_step<detail::ConvolutionGradient>(c, window, groups, activation);
}

OCTET_API Learning Convolution::learning(int input) const {
  return input == 1 || input == 2 ? Learning::by_gradient : Learning::none;
}

OCTET_API OperatorPtr Convolution::clamped(double low, double high) const {
  return detail::with_clamp(*this, low, high);
}

OCTET_API IntegerForm Convolution::integer_form() const {
  IntegerForm f;
  f.output = IntegerForm::Output::measured;
  f.weights = 1, f.bias = 2;
  return f;
}

OCTET_API std::int64_t Convolution::macs(const ShapeContext& c) const {
  const Shape out = shapes(c)[0], w = c.shape(1);
  return out.elements() * w.product(1, w.rank());
}

OCTET_END
