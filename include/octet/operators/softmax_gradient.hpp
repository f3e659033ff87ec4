#pragma once
#include <cmath>

#include "../core/rounded.hpp"
#include "axis_view.hpp"
#include "implement.hpp"

OCTET_BEGIN
namespace detail {

class SoftmaxGradient : public SameForward {
 public:
  SoftmaxGradient(std::unique_ptr<Step> forward, std::int64_t axis, double beta, bool log)
      : SameForward(std::move(forward)), axis_(axis), beta_(static_cast<float>(beta)), log_(log) {}
  bool reads_input(int) const noexcept override { return false; }
  bool gradient_can_overwrite(int input) const noexcept override { return input == 0; }
  void backward(const BackwardContext& c) noexcept override {
    c.pool->parallel(view_.outer, [&](std::int64_t o, int) {
      for (std::int64_t i = 0; i < view_.inner; ++i) {
        const std::int64_t at = o * view_.n * view_.inner + i;
        one(c.output() + at, c.output_gradient() + at, c.input_gradient(0) + at);
      }
    });
  }

 private:
  /// dx = beta y (dy - sum(y dy)); for the logarithm: beta (dy - exp(y) sum(dy)).
  void one(const float* y, const float* dy, float* dx) const noexcept {
    float sum = 0;
    for (std::int64_t k = 0; k < view_.n; ++k) sum += rounded((log_ ? 1 : y[k * view_.inner]) * dy[k * view_.inner]);
    for (std::int64_t k = 0; k < view_.n; ++k) {
      const std::int64_t at = k * view_.inner;
      dx[at] = beta_ * (log_ ? dy[at] - rounded(std::exp(y[at]) * sum) : y[at] * (dy[at] - sum));
    }
  }
  std::size_t plan_backward(const GradientPlanContext& c) override {
    view_ = {c.inputs[0].shape, normalize_axis(axis_, c.inputs[0].shape.rank())};
    return 0;
  }
  std::int64_t axis_;
  float beta_;
  bool log_;
  AxisView view_;
};

}  // namespace detail
OCTET_END
