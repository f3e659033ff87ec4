#pragma once
#include <cmath>

#include "../core/rounded.hpp"
#include "implement.hpp"
#include "local_response_normalization.hpp"

OCTET_BEGIN
namespace detail {

class LocalResponseStep : public Step {
 public:
  LocalResponseStep(std::int64_t size, double alpha, double beta, double bias)
      : before_((size - 1) / 2),
        after_(size / 2),
        factor_(static_cast<float>(alpha / static_cast<double>(size))),
        beta_(static_cast<float>(beta)),
        bias_(static_cast<float>(bias)) {}

  std::size_t plan(const PlanContext& c) override {
    const Shape& in = c.inputs[0].shape;
    channels_ = in.back();
    pixels_ = in.product(0, in.rank() - 1);
    return 0;
  }
  void run(const RunContext& c) noexcept override {
    const std::int64_t tasks = std::min<std::int64_t>(pixels_, 4 * c.pool->size());
    c.pool->parallel(tasks, [&](std::int64_t t, int) {
      for (std::int64_t p = pixels_ * t / tasks; p < pixels_ * (t + 1) / tasks; ++p)
        one(reinterpret_cast<const float*>(c.input(0)) + p * channels_,
            reinterpret_cast<float*>(c.output()) + p * channels_);
    });
  }

 private:
  void one(const float* in, float* out) const noexcept {
    for (std::int64_t k = 0; k < channels_; ++k) {
      float sum = 0;
      const std::int64_t end = std::min(channels_ - 1, k + after_);
      for (std::int64_t i = std::max<std::int64_t>(0, k - before_); i <= end; ++i) sum += rounded(in[i] * in[i]);
      out[k] = in[k] / std::pow(bias_ + rounded(factor_ * sum), beta_);
    }
  }
  std::int64_t before_, after_;
  float factor_, beta_, bias_;
  std::int64_t channels_ = 1, pixels_ = 1;
};

}  // namespace detail

OCTET_API std::vector<Shape> LocalResponseNormalization::shapes(const ShapeContext& c) const {
  c.require(c.rank(0) >= 1, "expected channels in the last dimension, found a scalar");
  constexpr std::int64_t limit = 1 << 20;
  c.require(size >= 1 && size <= limit, "expected a size in 1 .. ", limit, ", found ", size);
  return {c.shape(0)};
}

OCTET_API std::unique_ptr<Step> LocalResponseNormalization::prepare(const PrepareContext& c) const {
  c.require(c.input(0).dtype == DType::f32, "expected float32, found ", name(c.input(0).dtype));
  return detail::make_step<detail::LocalResponseStep>(size, alpha, beta, bias);
}

OCTET_END
