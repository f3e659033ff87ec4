#pragma once
#include "../weighted_layer.hpp"
#include "convolution.hpp"
#include "dynamic.hpp"
#include "dynamic_pixels.hpp"
#include "float.hpp"
#include "gradient.hpp"
#include "int16.hpp"
#include "integer.hpp"

OCTET_BEGIN

OCTET_API std::vector<Shape> Convolution::shapes(const ShapeContext& c) const {
  const Shape out = detail::convolution_output(c, window, groups);
  detail::require_bias(c, c.shape(ConvolutionInputs::weights)[0]);
  if (c.has(ConvolutionInputs::residual) && c.shape(ConvolutionInputs::residual).known() && out.known())
    c.require(c.shape(ConvolutionInputs::residual) == out, "the added tensor has shape ",
              c.shape(ConvolutionInputs::residual), ", expected ", out);
  return {out};
}

OCTET_API std::unique_ptr<Step> Convolution::prepare(const PrepareContext& c) const { return prepare_convolution(c); }

OCTET_API std::unique_ptr<detail::ConvolutionStep> Convolution::prepare_convolution(const PrepareContext& c) const {
  using namespace detail;
  if (has_int16_activations(c))
    return make_step<Int16Convolution, ConvolutionStep>(c, window, groups, activation, as_depthwise);
  switch (weighted_form(c, "images")) {
    case WeightedForm::dynamic:
      if (c.as_xnnpack() && DynamicPixels::fits(window, groups))
        return make_step<DynamicPixels, ConvolutionStep>(c, window, activation);
      return make_step<DynamicConvolution, ConvolutionStep>(c, window, groups, activation, as_depthwise);
    case WeightedForm::integer:
      return make_step<IntegerConvolution, ConvolutionStep>(c, window, groups, activation, as_depthwise);
    case WeightedForm::floating: break;
  }
  return with_weights(c, [&](auto type) -> std::unique_ptr<ConvolutionStep> {
    return make_step<FloatConvolution<decltype(type)>, ConvolutionStep>(c, window, groups, activation);
  });
}

OCTET_API void Convolution::check(const PrepareContext& c) const {
  if (detail::has_int16_activations(c)) return detail::check_int16(c, residual);
  detail::check_weighted(c, "images", activation, residual);
}

OCTET_API std::unique_ptr<GradientStep> Convolution::prepare_gradient(const PrepareContext& c) const {
  return detail::make_step<detail::ConvolutionGradient>(c, window, groups, activation);
}

OCTET_API Learning Convolution::learning(int input) const {
  return input == ConvolutionInputs::weights || input == ConvolutionInputs::bias ? Learning::by_gradient
                                                                                 : Learning::none;
}

OCTET_API OperatorPtr Convolution::clamped(double low, double high) const {
  return detail::with_clamp(*this, low, high);
}

OCTET_API OperatorPtr Convolution::padded(const std::vector<std::int64_t>& before,
                                          const std::vector<std::int64_t>& after, double value) const {
  auto op = std::make_shared<Convolution>(*this);
  return value == 0 && op->window.widen(before, after) ? op : nullptr;
}

OCTET_API Traits Convolution::traits() const {
  Traits t;
  t.products = Traits::Products::all;
  t.groups = groups;
  t.pads = window.pads();
  t.residual = residual;
  t.low = activation.low;
  t.high = activation.high;
  t.exchanges_codes = true;
  return t;
}

OCTET_API std::string Convolution::summary(const ShapeContext& c) const {
  const bool depthwise = groups > 1 && c.shape(weights)[0] == groups;
  const std::string by_group = groups > 1 && !depthwise ? " g" + std::to_string(groups) : "";
  return (depthwise ? "Depthwise " : "Conv ") + window.summary() + by_group;
}

OCTET_API IntegerForm Convolution::integer_form() const { return detail::weighted_integer_form(true); }

OCTET_API std::int64_t Convolution::macs(const ShapeContext& c) const {
  const Shape out = shapes(c)[0], w = c.shape(weights);
  return out.elements() * w.product(1, w.rank());
}

OCTET_END
