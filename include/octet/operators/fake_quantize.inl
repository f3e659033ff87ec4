#pragma once
#include "../core/rounded.hpp"
#include "../kernels/half.hpp"
#include "fake_quantize.hpp"
#include "fake_quantize_step.hpp"

OCTET_BEGIN
namespace detail {

/// Inference: rounds by the observed range; returns x if nothing was observed.
class FakeQuantizeStep : public Step {
 public:
  FakeQuantizeStep(const PrepareContext& c, int bits, bool rounds) : rounding_(c.kernels(), bits) {
    const Tensor<float> r = to_float(c.constant(FakeQuantize::range).ref());
    const ObservedRange range{r[0], r[1], r[2]};
    c.require(FakeQuantization::is_finite({range.low, range.high}), "the range of '", c.input(0).name, "' is [",
              range.low, ", ", range.high, "]");
    observed_ = rounds && range.batches > 0;
    const Tensor<float> scale =
        c.has(FakeQuantize::scale) ? to_float(c.constant(FakeQuantize::scale).ref()) : Tensor<float>();
    const Tensor<float> lowest =
        c.has(FakeQuantize::lowest) ? to_float(c.constant(FakeQuantize::lowest).ref()) : Tensor<float>();
    params_ = rounding_.params(range, c.has(FakeQuantize::scale) ? scale.data() : nullptr,
                               c.has(FakeQuantize::lowest) ? lowest.data() : nullptr);
  }
  std::size_t plan(const PlanContext& c) override { return rounding_.plan(c.inputs[0].shape.elements()); }
  bool is_view() const noexcept override { return !observed_; }
  bool can_overwrite(int input) const noexcept override { return input == 0; }
  void run(const RunContext& c) noexcept override {
    rounding_.run(reinterpret_cast<const float*>(c.input(0)), reinterpret_cast<float*>(c.output()), params_, nullptr,
                  c.scratch, *c.pool);
  }

 private:
  FakeQuantization rounding_;
  ScaleAndZero params_;
  bool observed_ = false;
};

/// Training: observes, rounds, and passes the gradient straight through where x is inside the range (Jacob et al.
/// 2018). A batch is rounded by the range of the batches before it, so that it is read only once; the first one by its
/// own range.
class FakeQuantizeGradient : public GradientStep {
 public:
  FakeQuantizeGradient(const PrepareContext& c, int bits, double decay, bool rounds)
      : rounding_(c.kernels(), bits),
        decay_(decay),
        rounds_(rounds),
        scaled_(c.has(FakeQuantize::scale)),
        shifted_(c.has(FakeQuantize::lowest)) {
    c.require(c.input(0).dtype == DType::f32, "expected float32, found ", name(c.input(0).dtype));
  }

  GradientMemory plan(const GradientPlanContext& c) override {
    const Shape& in = c.inputs[0].shape;
    observes_ = c.follows[1];
    masks_ = c.wanted[0] && !scaled_ && rounds_;
    wants_scale_ = scaled_ && c.wanted[FakeQuantize::scale];
    wants_lowest_ = shifted_ && c.wanted[FakeQuantize::lowest];
    features_ = in.rank() > 1 && in[0] > 0 ? in.elements() / in[0] : in.elements();
    const std::size_t scratch = rounding_.plan(in.elements());
    return {scratch, masks_ ? rounding_.inside_bytes() : 0};
  }

  void forward(const ForwardContext& c) noexcept override {
    const auto* x = reinterpret_cast<const float*>(c.input(0));
    auto* y = reinterpret_cast<float*>(c.output());
    auto* range = c.inputs[FakeQuantize::range].as<ObservedRange>();
    auto* scale = scaled_ ? c.inputs[FakeQuantize::scale].as<float>() : nullptr;
    auto* lowest = shifted_ ? c.inputs[FakeQuantize::lowest].as<float>() : nullptr;
    auto* inside = masks_ ? reinterpret_cast<std::uint8_t*>(c.saved) : nullptr;
    const bool observes = observes_ && c.pass->observe, first = range->batches == 0;
    if (!rounds_) {
      const Range r = observes ? rounding_.measure(x, c.scratch, *c.pool) : Range{};
      if (observes && FakeQuantization::is_finite(r)) first ? void(*range = {r.low, r.high, 1}) : follow(*range, r);
      return move_elements(x, y, rounding_.size(), *c.pool);
    }
    if (first) {
      const Range r = observes ? rounding_.measure(x, c.scratch, *c.pool) : Range{};
      if (!observes || !FakeQuantization::is_finite(r)) {  // values that are not finite show in the loss
        if (inside) std::memset(inside, 0xff, rounding_.inside_bytes());
        return move_elements(x, y, rounding_.size(), *c.pool);
      }
      *range = {r.low, r.high, 1};
      if (scale) begin(x, *range, *scale, lowest);
    }
    const Range r = rounding_.run(x, y, rounding_.params(*range, scale, lowest), inside, c.scratch, *c.pool);
    if (!first && observes && !scale && FakeQuantization::is_finite(r)) follow(*range, r);
  }

  void backward(const BackwardContext& c) noexcept override {
    float *dy = c.output_gradient(), *dx = c.input_gradient(0);
    if (!rounds_) return dx ? move_elements(dy, dx, rounding_.size(), *c.pool) : void();
    if (!scaled_) {
      if (dx) rounding_.pass_inside(reinterpret_cast<const std::uint8_t*>(c.saved), dy, dx, *c.pool);
      return;
    }
    const ObservedRange range = *c.inputs[FakeQuantize::range].as<ObservedRange>();
    const float* scale = c.input(FakeQuantize::scale);
    const ScaleAndZero p = rounding_.params(range, scale, shifted_ ? c.input(FakeQuantize::lowest) : nullptr);
    FakeQuantization::LearnedGradient by;
    if (range.batches == 0)
      move_elements(dy, dx ? dx : dy, rounding_.size(), *c.pool);
    else
      by = rounding_.gradient(c.input(0), dy, dx ? dx : dy, p, shifted_, c.scratch, *c.pool);
    const double largest = static_cast<double>(shifted_ ? rounding_.high(p) - rounding_.low(p) : rounding_.high(p));
    const double share = 1 / std::sqrt(static_cast<double>(features_) * largest);
    if (wants_scale_)
      *c.input_gradient(FakeQuantize::scale) = static_cast<float>(by.scale * share * (*scale < 0 ? -1 : 1));
    if (wants_lowest_) *c.input_gradient(FakeQuantize::lowest) = static_cast<float>(by.lowest * share);
  }

  bool can_overwrite(int input) const noexcept override { return input == 0 && !scaled_; }
  bool gradient_can_overwrite(int input) const noexcept override { return input == 0; }
  bool reads_input(int input) const noexcept override { return input != 0 || scaled_; }
  bool reads_outputs() const noexcept override { return false; }

 private:
  /// Updates the moving averages, which are plain means for the first batches.
  void follow(ObservedRange& range, const Range& batch) const noexcept {
    range.batches += 1;  // saturates at 2^24
    const auto share = static_cast<float>(std::max(1 - decay_, 1 / static_cast<double>(range.batches)));
    range.low += rounded(share * (batch.low - range.low));
    range.high += rounded(share * (batch.high - range.high));
  }

  /// The first batch: the range becomes the one that learning begins with.
  void begin(const float* x, ObservedRange& range, float& scale, float* lowest) const noexcept {
    const ScaleAndZero p = rounding_.begin_scale(x, range, lowest != nullptr);
    range.low = rounding_.low(p) * p.scale;
    range.high = rounding_.high(p) * p.scale;
    scale = p.scale;
    if (lowest) *lowest = range.low;
  }

  FakeQuantization rounding_;
  double decay_;
  bool rounds_, scaled_, shifted_, observes_ = false, masks_ = false, wants_scale_ = false, wants_lowest_ = false;
  std::int64_t features_ = 1;  // elements of one example
};

}  // namespace detail

OCTET_API std::vector<Shape> FakeQuantize::shapes(const ShapeContext& c) const {
  c.require(detail::has_codes(bits), "expected ", detail::bits_of_codes, " bits, found ", bits);
  c.require(decay >= 0 && decay < 1, "expected a decay of averages in [0, 1), found ", decay);
  c.require(c.shape(FakeQuantize::range) == Shape{3}, "a range has shape ", c.shape(FakeQuantize::range),
            ", expected [3]");
  if (c.has(FakeQuantize::scale))
    c.require(c.shape(FakeQuantize::scale) == Shape{1}, "a scale has shape ", c.shape(FakeQuantize::scale),
              ", expected [1]");
  c.require(c.has(FakeQuantize::scale) || !c.has(FakeQuantize::lowest),
            "expected a learned scale together with the lowest number");
  if (c.has(FakeQuantize::lowest))
    c.require(c.shape(FakeQuantize::lowest) == Shape{1}, "the lowest number has shape ", c.shape(FakeQuantize::lowest),
              ", expected [1]");
  c.require(rounds || !c.has(FakeQuantize::scale), "has a scale, but does not round");
  return {c.shape(0)};
}

OCTET_API std::unique_ptr<Step> FakeQuantize::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::FakeQuantizeStep>(c, bits, rounds);
}

OCTET_API std::unique_ptr<GradientStep> FakeQuantize::prepare_gradient(const PrepareContext& c) const {
  return detail::make_step<detail::FakeQuantizeGradient>(c, bits, decay, rounds);
}

OCTET_API Learning FakeQuantize::learning(int input) const {
  if (input == FakeQuantize::range && observes) return Learning::by_statistics;
  if (input == FakeQuantize::scale) return Learning::in_proportion;
  return input == FakeQuantize::lowest ? Learning::by_gradient : Learning::none;
}

OCTET_END
