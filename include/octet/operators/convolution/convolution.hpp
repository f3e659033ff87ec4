#pragma once
#include "../activation_range.hpp"
#include "../weighted_layer.hpp"
#include "../window.hpp"
#include "dynamic.hpp"
#include "float.hpp"
#include "gradient.hpp"
#include "integer.hpp"

OCTET_BEGIN

/// Convolution of images [N, H, W, C] (or [N, W, C]) with weights [O, kh, kw, C / groups]; groups = C is depthwise.
/// Inputs: image, weights, bias [O] (optional), residual of the output's shape (optional), which is added before
/// the activation.
class Convolution : public detail::OperatorOf<Convolution> {
 public:
  static constexpr const char* type_name = "Convolution";
  Window window;
  std::int64_t groups = 1;
  ActivationRange activation;

  void fields(FieldVisitor& v) override {
    window.fields(v);
    v.field("groups", groups);
    activation.fields(v);
  }

  std::vector<Shape> shapes(const ShapeContext& c) const override {
    const Shape out = detail::convolution_output(c, window, groups);
    const std::int64_t channels = c.shape(1)[0];
    if (c.has(2))
      c.require(c.shape(2) == Shape{channels}, "bias has shape ", c.shape(2), ", expected [", channels, "]");
    if (c.has(3) && c.shape(3).known() && out.known())
      c.require(c.shape(3) == out, "the added tensor has shape ", c.shape(3), ", expected ", out);
    return {out};
  }

  std::unique_ptr<Step> prepare(const PrepareContext& c) const override { return prepare_convolution(c); }
  std::unique_ptr<detail::ConvolutionStep> prepare_convolution(const PrepareContext& c) const {
    switch (detail::weighted_form(c, "images")) {
      case detail::WeightedForm::dynamic:
        return std::make_unique<detail::DynamicConvolution>(c, window, groups, activation);
      case detail::WeightedForm::integer:
        return std::make_unique<detail::IntegerConvolution>(c, window, groups, activation);
      case detail::WeightedForm::floating: break;
    }
    return detail::with_weights(c, [&](auto type) -> std::unique_ptr<detail::ConvolutionStep> {
      return std::make_unique<detail::FloatConvolution<decltype(type)>>(c, window, groups, activation);
    });
  }
  void check(const PrepareContext& c) const override {
    detail::check_weighted(c, "images", activation, detail::ConvolutionStep::residual);
  }

  std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override {
    return std::make_unique<detail::ConvolutionGradient>(c, window, groups, activation);
  }
  Learning learning(int input) const override {
    return input == 1 || input == 2 ? Learning::by_gradient : Learning::none;
  }

  OperatorPtr clamped(double low, double high) const override { return detail::with_clamp(*this, low, high); }

  IntegerForm integer_form() const override {
    IntegerForm f;
    f.output = IntegerForm::Output::measured;
    f.weights = 1, f.weights_axis = 0, f.bias = 2;
    return f;
  }

  std::int64_t macs(const ShapeContext& c) const override {
    const Shape out = shapes(c)[0], w = c.shape(1);
    return out.elements() * w.product(1, w.rank());
  }
};

OCTET_END
