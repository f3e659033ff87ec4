#pragma once
#include "../weighted_layer.hpp"
#include "dynamic.hpp"
#include "float.hpp"
#include "integer.hpp"
#include "transposed_convolution.hpp"
#include "transposed_gradient.hpp"
#include "transposed_products.hpp"
#include "transposed_step.hpp"

OCTET_BEGIN

OCTET_API detail::TransposedAxis TransposedConvolution::axis(std::size_t i, std::int64_t in) const {
  detail::TransposedAxis a;
  a.in = in;
  a.kernel = window.kernel[i];
  a.stride = window.strides[i];
  a.dilation = window.dilations[i];
  a.out = output_size.empty() ? Shape::unknown : output_size[i];
  if (in == Shape::unknown) return a;
  const std::int64_t full =
      a.stride * (in - 1) + (output_padding.empty() ? 0 : output_padding[i]) + (a.kernel - 1) * a.dilation + 1;
  const auto padding = window.padding;
  const bool same = padding == Window::Padding::same_upper || padding == Window::Padding::same_lower;
  if (output_size.empty() && !same) {
    const bool given = padding == Window::Padding::given;
    a.before = given ? window.pads_before[i] : 0;
    a.out = full - a.before - (given ? window.pads_after[i] : 0);
    return a;
  }
  if (output_size.empty()) a.out = in * a.stride;
  const std::int64_t total = std::max<std::int64_t>(0, full - a.out);
  a.before = padding == Window::Padding::valid        ? 0
             : padding == Window::Padding::same_upper ? total / 2
                                                      : total - total / 2;
  return a;
}

OCTET_API std::array<detail::TransposedAxis, 2> TransposedConvolution::axes(const Shape& in) const {
  std::array<detail::TransposedAxis, 2> r;
  const std::size_t n = window.kernel.size();
  for (std::size_t i = 0; i < n; ++i) r[2 - n + i] = axis(i, in[static_cast<int>(i) + 1]);
  return r;
}

template <class Form>
std::unique_ptr<Step> TransposedConvolution::step(const PrepareContext& c) const {
  const auto self = std::make_shared<const TransposedConvolution>(*this);
  const detail::TransposedConvolutionStep::Make make =
      [](const PrepareContext& phase, const Window& w, std::int64_t n,
         const ActivationRange& range) -> std::unique_ptr<detail::ConvolutionStep> {
    return std::make_unique<Form>(phase, w, n, range);
  };
  return detail::make_step<detail::TransposedConvolutionStep>(
      c, axes(c.input(0).shape), [self](const Shape& in) { return self->axes(in); }, groups, activation, self, make);
}

OCTET_API std::vector<Shape> TransposedConvolution::shapes(const ShapeContext& c) const {
  const Shape &x = c.shape(0), &w = c.shape(LayerInputs::weights);
  const std::size_t n = window.kernel.size();
  const bool given = window.padding == Window::Padding::given;
  c.require(c.inputs() <= 3, "expected image, weights and bias, found ", c.inputs(), " inputs");
  c.require((n == 1 || n == 2) && window.strides.size() == n && window.dilations.size() == n &&
                (!given || !output_size.empty() || (window.pads_before.size() == n && window.pads_after.size() == n)) &&
                (output_padding.empty() || output_padding.size() == n) &&
                (output_size.empty() || output_size.size() == n),
            "kernel, strides, dilations, pads and output sizes have to have one entry for each of 1 or 2 spatial "
            "dimensions");
  c.require(x.rank() == static_cast<int>(n) + 2, "expected a tensor [N, ..., C] with ", n,
            " spatial dimensions, found ", x);
  bool fits = w.rank() == static_cast<int>(n) + 2 && groups >= 1 && w[0] % groups == 0 && w.back() >= 1;
  for (std::size_t i = 0; fits && i < n; ++i) fits = w[static_cast<int>(i) + 1] == window.kernel[i];
  c.require(fits, "weights of shape ", w, " do not match ", groups, " groups and the kernel");
  c.require(x.back() == Shape::unknown || x.back() == w.back() * groups, "expected an input with ", w.back() * groups,
            " channels (weights ", w, ", ", groups, " groups), found ", x);
  detail::require_bias(c, w[0]);
  Shape out{x[0]};
  for (std::size_t i = 0; i < n; ++i) {
    constexpr std::int64_t limit = 1 << 20;
    for (const std::vector<std::int64_t>* v : {&window.kernel, &window.strides, &window.dilations})
      c.require((*v)[i] >= 1 && (*v)[i] <= limit, "expected kernel, stride and dilation in 1 .. ", limit, ", found ",
                (*v)[i]);
    for (const std::vector<std::int64_t>* v :
         {&window.pads_before, &window.pads_after, &output_padding, &output_size}) {
      const std::int64_t size = v->size() > i ? (*v)[i] : 0;
      c.require(size >= 0 && size <= limit, "expected padding and sizes in 0 .. ", limit, ", found ", size);
    }
    const std::int64_t in = x[static_cast<int>(i) + 1];
    c.require(in != 0, "expected images of at least one pixel, found ", x);
    out.push_back(axis(i, in).out);
    c.require(in == Shape::unknown || out.back() >= 0, "the padding is larger than the output of ", x);
  }
  out.push_back(w[0]);
  return {out};
}

OCTET_API std::unique_ptr<Step> TransposedConvolution::prepare(const PrepareContext& c) const {
  const detail::WeightedForm form = detail::weighted_form(c, "images");
  if (form == detail::WeightedForm::dynamic) return step<detail::DynamicConvolution>(c);
  const bool integer = form == detail::WeightedForm::integer;
  const Shape& w = c.input(LayerInputs::weights).shape;
  if (groups == 1 && detail::TapProducts<float>::pays(axes(c.input(0).shape), w.back(), w[0]) &&
      (!integer || detail::IntegerTransposedProducts::suits(c))) {
    const auto self = std::make_shared<const TransposedConvolution>(*this);
    const auto rule = [self](const Shape& in) { return self->axes(in); };
    if (integer)
      return detail::make_step<detail::IntegerTransposedProducts>(c, axes(c.input(0).shape), rule, activation);
    return detail::make_step<detail::FloatTransposedProducts>(c, axes(c.input(0).shape), rule, activation);
  }
  if (integer) return step<detail::IntegerConvolution>(c);
  return step<detail::FloatConvolution<float>>(c);
}

OCTET_API void TransposedConvolution::check(const PrepareContext& c) const {
  detail::check_weighted(c, "images", activation, -1);
}

OCTET_API std::unique_ptr<GradientStep> TransposedConvolution::prepare_gradient(const PrepareContext& c) const {
  const auto self = std::make_shared<const TransposedConvolution>(*this);
  return detail::make_step<detail::TransposedGradient>(
      c, [self](const Shape& in) { return self->axes(in); }, groups, activation);
}

OCTET_API OperatorPtr TransposedConvolution::clamped(double low, double high) const {
  return detail::with_clamp(*this, low, high);
}

OCTET_API Traits TransposedConvolution::traits() const {
  Traits t;
  t.products = Traits::Products::some;
  t.groups = groups;
  t.low = activation.low;
  t.high = activation.high;
  return t;
}

OCTET_API IntegerForm TransposedConvolution::integer_form() const { return detail::weighted_integer_form(false); }

OCTET_API std::int64_t TransposedConvolution::macs(const ShapeContext& c) const {
  const Shape &x = c.shape(0), &w = c.shape(LayerInputs::weights);
  return x.product(0, x.rank() - 1) * w.elements();
}

OCTET_END
