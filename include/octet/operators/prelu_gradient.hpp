#pragma once
#include <optional>

#include "arithmetic/broadcast.hpp"
#include "generic_reduce.hpp"

OCTET_BEGIN
namespace detail {

/// Training of PRelu (He et al. 2015): dx = dy where x >= 0, else slope dy; the gradient of a slope is the sum of x dy
/// over the elements x < 0 that it multiplies.
class PReluGradient : public GradientStep {
 public:
  explicit PReluGradient(const PrepareContext& c) {
    for (int i : {0, 1})
      c.require(c.input(i).dtype == DType::f32, "only float layers can be trained, but '", c.input(i).name, "' is ",
                name(c.input(i).dtype));
  }

  GradientMemory plan(const GradientPlanContext& c) override {
    const Shape &out = c.outputs[0].shape, &slopes = c.inputs[1].shape;
    runs_ = BroadcastRuns({&c.inputs[0].shape, &slopes}, out);
    wants_slopes_ = c.wanted[1];
    sum_.reset();
    if (!wants_slopes_ || slopes.elements() == out.elements()) return {};
    std::vector<std::int64_t> axes;  // over which a slope is repeated
    for (int d = 0; d < out.rank(); ++d) {
      const int at = d - (out.rank() - slopes.rank());
      if (out[d] != 1 && (at < 0 || slopes[at] == 1)) axes.push_back(d);
    }
    copies_ = {c.outputs[0]};
    result_ = {c.inputs[1]};
    sum_.emplace(ReduceKind::sum, axes);
    sum_->plan({copies_, result_, c.threads});
    return {static_cast<std::size_t>(out.elements()) * sizeof(float), 0};
  }

  void forward(const ForwardContext& c) noexcept override {
    const auto *x = reinterpret_cast<const float*>(c.input(0)), *slopes = reinterpret_cast<const float*>(c.input(1));
    auto* y = reinterpret_cast<float*>(c.output());
    each(*c.pool, [&](std::int64_t i, std::int64_t s) { y[i] = x[i] < 0 ? x[i] * slopes[s] : x[i]; });
  }

  void backward(const BackwardContext& c) noexcept override {
    const float *x = c.input(0), *slopes = c.input(1), *dy = c.output_gradient();
    if (float* d = c.input_gradient(1)) {
      float* products = sum_ ? reinterpret_cast<float*>(c.scratch) : d;
      each(*c.pool, [&](std::int64_t i, std::int64_t) { products[i] = x[i] < 0 ? x[i] * dy[i] : 0; });
      if (sum_) {
        copies_[0].data = c.scratch;
        result_[0].data = reinterpret_cast<std::byte*>(d);
        sum_->run({copies_, result_, nullptr, c.pool});
      }
    }
    if (float* dx = c.input_gradient(0))
      each(*c.pool, [&](std::int64_t i, std::int64_t s) { dx[i] = x[i] < 0 ? dy[i] * slopes[s] : dy[i]; });
  }

  bool gradient_can_overwrite(int input) const noexcept override { return input == 0; }
  bool reads_outputs() const noexcept override { return false; }

 private:
  /// Calls f(element, its slope) for all elements.
  template <class F>
  void each(ThreadPool& pool, const F& f) const noexcept {
    const std::int64_t step = runs_.moves(1);
    runs_.parallel(pool, [&](std::int64_t, std::int64_t s, std::int64_t o, std::int64_t n) {
      for (std::int64_t i = 0; i < n; ++i) f(o + i, s + i * step);
    });
  }

  BroadcastRuns runs_;
  std::optional<GenericReduce<float>> sum_;  // over the elements with the same slope
  std::vector<TensorRef> copies_, result_;
  bool wants_slopes_ = false;
};

}  // namespace detail
OCTET_END
