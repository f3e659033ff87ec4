#pragma once
#include <cmath>

#include "../core/affine.hpp"
#include "implement.hpp"

OCTET_BEGIN
namespace detail {

/// Rounds weights [O, ...] to symmetric integers and back, each output channel by its own scale: a learned one, or the
/// one that makes its largest element the largest code.
class WeightRounding {
 public:
  WeightRounding(const Kernels& kernels, int bits) : simd_(&kernels), levels_((1 << (bits - 1)) - 1) {}

  void plan(const Shape& s) {
    channels_ = s[0], size_ = channels_ ? s.elements() / channels_ : 0;
    block_ =
        std::clamp<std::int64_t>(16384 / std::max<std::int64_t>(1, size_), 1, std::max<std::int64_t>(1, channels_));
  }
  std::int64_t elements() const noexcept { return channels_ * size_; }
  /// Largest code.
  int levels() const noexcept { return levels_; }

  /// NaN where the channel's elements are not finite.
  float scale(const float* w, const float* learned, std::int64_t channel) const noexcept {
    if (learned) return std::max(std::abs(learned[channel]), std::numeric_limits<float>::min());
    float low_high[2];
    simd_->minmax_f32(w + channel * size_, size_, low_high);
    return std::isnan(low_high[0]) ? low_high[0] : weight_scale({low_high[0], low_high[1]}, levels_);
  }

  void run(const float* w, const float* learned, float* y, ThreadPool& pool) const noexcept {
    each(pool, [&](std::int64_t o) {
      FakeQuantized f;
      f.x = w + o * size_, f.y = y + o * size_, f.count = size_;
      f.scale = scale(w, learned, o), f.low = static_cast<float>(-levels_), f.high = -f.low;
      float seen[2] = {f.scale, f.scale};
      if (!std::isnan(f.scale)) simd_->gradient.fake_quantize(f, seen);
      if (std::isnan(seen[0])) std::fill(f.y, f.y + size_, std::numeric_limits<float>::quiet_NaN());
    });
  }

  /// By weights and by learned scales (Esser et al. 2020): N of a scale are the weights of its channel. dy may be dw.
  void gradient(const float* w, const float* learned, const float* dy, float* dw, float* by_scale,
                ThreadPool& pool) const noexcept {
    const double share = 1 / std::sqrt(static_cast<double>(std::max<std::int64_t>(1, size_)) * levels_);
    each(pool, [&](std::int64_t o) {
      FakeQuantizedGradient g;
      g.x = w + o * size_, g.dy = dy + o * size_, g.dx = dw + o * size_, g.count = size_;
      g.scale = scale(w, learned, o), g.low = static_cast<float>(-levels_), g.high = -g.low;
      float sums[FakeQuantizedGradient::sums] = {};
      simd_->gradient.fake_quantize_gradient(g, sums);
      double sum = 0;
      for (float s : sums) sum += static_cast<double>(s);
      if (by_scale) by_scale[o] = static_cast<float>(sum * share * (learned[o] < 0 ? -1 : 1));
    });
  }

 private:
  template <class F>
  void each(ThreadPool& pool, const F& f) const noexcept {
    pool.parallel((channels_ + block_ - 1) / block_, [&](std::int64_t b, int) {
      for (std::int64_t o = b * block_; o < std::min(channels_, (b + 1) * block_); ++o) f(o);
    });
  }

  const Kernels* simd_;
  int levels_;
  std::int64_t channels_ = 0, size_ = 0, block_ = 1;
};

class FakeQuantizeWeightsStep : public Step {
 public:
  FakeQuantizeWeightsStep(const PrepareContext& c, int bits) : rounding_(c.kernels(), bits), scaled_(c.has(1)) {
    c.require(c.input(0).dtype == DType::f32, "no form for ", name(c.input(0).dtype));
  }
  std::size_t plan(const PlanContext& c) override {
    rounding_.plan(c.inputs[0].shape);
    return 0;
  }
  void run(const RunContext& c) noexcept override {
    rounding_.run(reinterpret_cast<const float*>(c.input(0)), scaled_ ? c.inputs[1].as<float>() : nullptr,
                  reinterpret_cast<float*>(c.output()), *c.pool);
  }

 private:
  WeightRounding rounding_;
  bool scaled_;
};

/// Without learned scales all weights are inside their range, and the gradient passes as it is.
class FakeQuantizeWeightsGradient : public GradientStep {
 public:
  FakeQuantizeWeightsGradient(const PrepareContext& c, int bits)
      : rounding_(c.kernels(), bits), forward_(c, bits), scaled_(c.has(1)) {}
  GradientMemory plan(const GradientPlanContext& c) override {
    rounding_.plan(c.inputs[0].shape);
    return {forward_.plan(c), 0};
  }
  void forward(const ForwardContext& c) noexcept override { forward_.run(c); }
  void backward(const BackwardContext& c) noexcept override {
    float *dy = c.output_gradient(), *dw = c.input_gradient(0);
    if (!scaled_) return move_elements(dy, dw, rounding_.elements(), *c.pool);
    rounding_.gradient(c.input(0), c.input(1), dy, dw ? dw : dy, c.input_gradient(1), *c.pool);
  }
  bool reads_input(int) const noexcept override { return scaled_; }
  bool reads_outputs() const noexcept override { return false; }
  bool gradient_can_overwrite(int input) const noexcept override { return input == 0; }

 private:
  WeightRounding rounding_;
  FakeQuantizeWeightsStep forward_;
  bool scaled_;
};

}  // namespace detail

/// Weights as their integers stand for them: rounded to 8 or 4 bits, symmetric, by output channel, and back. Inputs:
/// weights [O, ...], learned scales [O] (optional; else the largest element of a channel tells its scale).
class FakeQuantizeWeights : public detail::OperatorOf<FakeQuantizeWeights> {
 public:
  static constexpr const char* type_name = "FakeQuantizeWeights";
  int bits = 8;

  void fields(FieldVisitor& v) override { v.field("bits", bits); }
  std::vector<Shape> shapes(const ShapeContext& c) const override {
    const Shape& w = c.shape(0);
    c.require(bits == 8 || bits == 4, "rounds to 8 or 4 bits, not ", bits);
    c.require(w.rank() >= 1, "takes weights of output channels, found a scalar");
    if (c.has(1)) c.require(c.shape(1) == Shape{w[0]}, "scales have shape ", c.shape(1), ", expected [", w[0], "]");
    return {w};
  }
  std::unique_ptr<Step> prepare(const PrepareContext& c) const override {
    return std::make_unique<detail::FakeQuantizeWeightsStep>(c, bits);
  }
  std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override {
    return std::make_unique<detail::FakeQuantizeWeightsGradient>(c, bits);
  }
  Learning learning(int input) const override { return input <= 1 ? Learning::by_gradient : Learning::none; }
};

OCTET_END
