#pragma once
#include <cmath>

#include "../core/integer_format.hpp"
#include "fake_quantize_weights.hpp"
#include "weight_rounding.hpp"

OCTET_BEGIN
namespace detail {

class FakeQuantizeWeightsStep : public Step {
 public:
  FakeQuantizeWeightsStep(const PrepareContext& c, int bits)
      : rounding_(c.kernels(), bits), scaled_(c.has(FakeQuantizeWeights::scales)) {
    c.require(c.input(0).dtype == DType::f32, "expected float32, found ", name(c.input(0).dtype));
  }
  std::size_t plan(const PlanContext& c) override {
    rounding_.plan(c.inputs[0].shape);
    return 0;
  }
  void run(const RunContext& c) noexcept override {
    rounding_.run(reinterpret_cast<const float*>(c.input(0)),
                  scaled_ ? c.inputs[FakeQuantizeWeights::scales].as<float>() : nullptr,
                  reinterpret_cast<float*>(c.output()), *c.pool);
  }

 private:
  WeightRounding rounding_;
  bool scaled_;
};

/// Without learned scales, all weights are inside their range, so the gradient passes unchanged.
class FakeQuantizeWeightsGradient : public GradientStep {
 public:
  FakeQuantizeWeightsGradient(const PrepareContext& c, int bits)
      : rounding_(c.kernels(), bits), forward_(c, bits), scaled_(c.has(FakeQuantizeWeights::scales)) {}
  GradientMemory plan(const GradientPlanContext& c) override {
    rounding_.plan(c.inputs[0].shape);
    return {forward_.plan(c), 0};
  }
  void forward(const ForwardContext& c) noexcept override { forward_.run(c); }
  void backward(const BackwardContext& c) noexcept override {
    float *dy = c.output_gradient(), *dw = c.input_gradient(0);
    const float* scales = scaled_ ? c.input(FakeQuantizeWeights::scales) : nullptr;
    if (scaled_)
      rounding_.gradient(c.input(0), scales, dy, dw ? dw : dy, c.input_gradient(FakeQuantizeWeights::scales), *c.pool);
    else
      move_elements(dy, dw, rounding_.elements(), *c.pool);
    if (dw && c.pass->damping > 0) rounding_.add_damping(c.input(0), scales, c.pass->damping, dw, *c.pool);
  }
  bool reads_outputs() const noexcept override { return false; }
  bool gradient_can_overwrite(int input) const noexcept override { return input == 0; }

 private:
  WeightRounding rounding_;
  FakeQuantizeWeightsStep forward_;
  bool scaled_;
};

}  // namespace detail

OCTET_API std::vector<Shape> FakeQuantizeWeights::shapes(const ShapeContext& c) const {
  const Shape& w = c.shape(0);
  c.require(detail::has_codes(bits), "expected ", detail::bits_of_codes, " bits, found ", bits);
  c.require(w.rank() >= 1, "expected weights [O, ...], found a scalar");
  if (c.has(FakeQuantizeWeights::scales))
    c.require(c.shape(FakeQuantizeWeights::scales) == Shape{w[0]}, "scales have shape ",
              c.shape(FakeQuantizeWeights::scales), ", expected [", w[0], "]");
  return {w};
}

OCTET_API std::unique_ptr<Step> FakeQuantizeWeights::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::FakeQuantizeWeightsStep>(c, bits);
}

OCTET_API std::unique_ptr<GradientStep> FakeQuantizeWeights::prepare_gradient(const PrepareContext& c) const {
  return detail::make_step<detail::FakeQuantizeWeightsGradient>(c, bits);
}

OCTET_END
