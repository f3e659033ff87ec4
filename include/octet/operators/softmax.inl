#pragma once
#include <array>

#include "../core/element.hpp"
#include "../core/rounded.hpp"
#include "activation_codes.hpp"
#include "axis_view.hpp"
#include "implement.hpp"
#include "int16_softmax.hpp"
#include "softmax.hpp"

OCTET_BEGIN
namespace detail {

class FloatSoftmax : public Step {
 public:
  FloatSoftmax(std::int64_t axis, double beta, bool log) : axis_(axis), beta_(static_cast<float>(beta)), log_(log) {}
  std::size_t plan(const PlanContext& c) override {
    view_ = {c.inputs[0].shape, normalize_axis(axis_, c.inputs[0].shape.rank())};
    return 0;
  }
  bool can_overwrite(int input) const noexcept override { return input == 0; }
  void run(const RunContext& c) noexcept override {
    c.pool->parallel(view_.outer, [&](std::int64_t o, int) {
      for (std::int64_t i = 0; i < view_.inner; ++i) {
        const std::int64_t at = o * view_.n * view_.inner + i;
        one(reinterpret_cast<const float*>(c.input(0)) + at, reinterpret_cast<float*>(c.output()) + at);
      }
    });
  }

 private:
  void one(const float* in, float* out) const noexcept {
    float largest = -std::numeric_limits<float>::infinity(), sum = 0;
    for (std::int64_t k = 0; k < view_.n; ++k) largest = std::max(largest, in[k * view_.inner]);
    for (std::int64_t k = 0; k < view_.n; ++k) {
      const float x = (in[k * view_.inner] - largest) * beta_, e = std::exp(x);
      out[k * view_.inner] = log_ ? x : e;
      sum += e;
    }
    const float log_sum = std::log(sum), inverse = 1.0f / sum;
    for (std::int64_t k = 0; k < view_.n; ++k) {
      float& y = out[k * view_.inner];
      y = log_ ? y - log_sum : y * inverse;
    }
  }
  std::int64_t axis_;
  float beta_;
  bool log_;
  AxisView view_;
};

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

/// Softmax of uint8, by a table of the exponentials of all differences to the largest input, as in TFLite.
class IntegerSoftmax : public Step {
 public:
  IntegerSoftmax(const PrepareContext& c, std::int64_t axis, double beta) : axis_(axis) {
    const Value &x = c.input(0), &y = c.output();
    c.require(int8_format.computes(x.dtype) && int8_format.computes(y.dtype) && x.is_quantized() && y.is_quantized(),
              "expected quantized uint8 input and output, found ", name(x.dtype), " and ", name(y.dtype));
    for (std::size_t d = 0; d < exp_.size(); ++d)
      exp_[d] = static_cast<float>(std::exp(-static_cast<double>(x.quant.scale[0]) * beta * static_cast<double>(d)));
    scale_ = y.quant.scale[0];
    zero_point_ = y.quant.zero_point[0];
  }
  std::size_t packed_bytes() const noexcept override { return sizeof exp_; }
  std::size_t plan(const PlanContext& c) override {
    view_ = {c.inputs[0].shape, normalize_axis(axis_, c.inputs[0].shape.rank())};
    return 0;
  }
  void run(const RunContext& c) noexcept override {
    c.pool->parallel(view_.outer, [&](std::int64_t o, int) {
      for (std::int64_t i = 0; i < view_.inner; ++i) {
        const std::int64_t at = o * view_.n * view_.inner + i;
        one(reinterpret_cast<const std::uint8_t*>(c.input(0)) + at, reinterpret_cast<std::uint8_t*>(c.output()) + at);
      }
    });
  }

 private:
  void one(const std::uint8_t* in, std::uint8_t* out) const noexcept {
    std::uint8_t largest = 0;
    float sum = 0;
    for (std::int64_t k = 0; k < view_.n; ++k) largest = std::max(largest, in[k * view_.inner]);
    for (std::int64_t k = 0; k < view_.n; ++k) sum += exp_[static_cast<std::size_t>(largest - in[k * view_.inner])];
    const float inverse = 1.0f / (sum * scale_);
    for (std::int64_t k = 0; k < view_.n; ++k) {
      const float p = exp_[static_cast<std::size_t>(largest - in[k * view_.inner])] * inverse;
      // The order of arguments turns NaN (from a beta that is not finite) into 0.
      const float x = std::min(std::max(0.0f, p), 512.0f);
      const auto below = static_cast<std::int32_t>(x);  // rounded half up; the difference is exact
      const std::int32_t q = below + (x - static_cast<float>(below) >= 0.5f) + zero_point_;
      out[k * view_.inner] = static_cast<std::uint8_t>(std::clamp(q, 0, 255));
    }
  }
  std::int64_t axis_;
  std::array<float, 256> exp_;
  float scale_ = 1;
  std::int32_t zero_point_ = 0;
  AxisView view_;
};

}  // namespace detail

OCTET_API std::vector<Shape> Softmax::shapes(const ShapeContext& c) const {
  normalize_axis(axis, c.rank(0));
  return {c.shape(0)};
}

OCTET_API std::unique_ptr<Step> Softmax::prepare(const PrepareContext& c) const {
  if (c.input(0).dtype == DType::f32) return detail::make_step<detail::FloatSoftmax>(axis, beta, log);
  c.require(!log, "log-softmax is not supported for quantized tensors");
  if (detail::int16_format.computes(c.input(0).dtype)) return detail::make_step<detail::Int16Softmax>(c, axis, beta);
  return detail::make_step<detail::IntegerSoftmax>(c, axis, beta);
}

OCTET_API std::unique_ptr<GradientStep> Softmax::prepare_gradient(const PrepareContext& c) const {
  return detail::make_step<detail::SoftmaxGradient>(prepare(c), axis, beta, log);
}

OCTET_API IntegerForm Softmax::integer_form() const {
  IntegerForm f;
  if (!log) {
    f.output = IntegerForm::Output::fixed;
    f.range = {0, 1};
    f.int16 = true;
  }
  return f;
}

OCTET_END
