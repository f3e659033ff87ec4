#pragma once
#include <limits>

#include "arithmetic/broadcast.hpp"

OCTET_BEGIN
namespace detail {

/// The gradient of a sum or mean over axes: each element gets the gradient of its result, divided by the count for a
/// mean.
class ReduceGradient : public SameForward {
 public:
  ReduceGradient(const PrepareContext& c, std::unique_ptr<Step> forward, std::vector<std::int64_t> axes, bool mean)
      : SameForward(std::move(forward)), simd_(&c.kernels()), axes_(std::move(axes)), mean_(mean) {}
  bool reads_input(int) const noexcept override { return false; }
  bool reads_outputs() const noexcept override { return false; }
  void backward(const BackwardContext& c) noexcept override {
    constexpr float inf = std::numeric_limits<float>::infinity();
    runs_.parallel(*c.pool, [&](std::int64_t from, std::int64_t to, std::int64_t n) {
      float* dx = c.input_gradient(0) + to;
      const float* dy = c.output_gradient() + from;
      if (runs_.moves(0))
        simd_->affine_f32(dy, dx, n, share_, 0, -inf, inf);
      else
        std::fill(dx, dx + n, *dy * share_);
    });
  }

 private:
  std::size_t plan_backward(const GradientPlanContext& c) override {
    const Shape& in = c.inputs[0].shape;
    Shape kept = in;  // with reduced dimensions as 1
    if (axes_.empty())
      for (int d = 0; d < in.rank(); ++d) kept[d] = 1;
    for (std::int64_t a : axes_) kept[normalize_axis(a, in.rank())] = 1;
    runs_ = BroadcastRunsOf<1>({&kept}, in);
    share_ = mean_ ? static_cast<float>(kept.elements()) / static_cast<float>(std::max<std::int64_t>(1, in.elements()))
                   : 1.0f;
    return 0;
  }
  const Kernels* simd_;
  std::vector<std::int64_t> axes_;
  bool mean_;
  BroadcastRunsOf<1> runs_;
  float share_ = 1;
};

}  // namespace detail
OCTET_END
