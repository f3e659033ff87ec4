#pragma once
#include <cmath>

#include "../core/rounded.hpp"
#include "../kernels/half.hpp"
#include "batch_normalization.hpp"
#include "batch_normalization_gradient.hpp"

OCTET_BEGIN
namespace detail {

class BatchNormalizationStep : public Step {
 public:
  BatchNormalizationStep(const PrepareContext& c, float epsilon, const ActivationRange& range) : simd_(&c.kernels()) {
    c.require(c.input(0).dtype == DType::f32, "expected float32, found ", name(c.input(0).dtype));
    const Tensor<float> gamma = to_float(c.constant(NormalizationInputs::gamma).ref()),
                        beta = to_float(c.constant(NormalizationInputs::beta).ref()),
                        mean = to_float(c.constant(NormalizationInputs::mean).ref()),
                        variance = to_float(c.constant(NormalizationInputs::variance).ref());
    scale_ = Tensor<float>(gamma.shape());
    shift_ = Tensor<float>(gamma.shape());
    for (std::int64_t i = 0; i < gamma.size(); ++i) {
      const double s =
          static_cast<double>(gamma[i]) / std::sqrt(static_cast<double>(variance[i]) + static_cast<double>(epsilon));
      scale_[i] = static_cast<float>(s);
      shift_[i] = static_cast<float>(static_cast<double>(beta[i]) - rounded(static_cast<double>(mean[i]) * s));
    }
    of_.scale = scale_.data();
    of_.shift = shift_.data();
    of_.low = static_cast<float>(range.low);
    of_.high = static_cast<float>(range.high);
  }
  std::size_t packed_bytes() const noexcept override { return 2 * scale_.size_bytes(); }
  std::size_t plan(const PlanContext& c) override {
    const Shape& in = c.inputs[0].shape;
    chunks_ = RowChunks(in.product(0, in.rank() - 1), in.back());
    return 0;
  }
  bool can_overwrite(int input) const noexcept override { return input == 0; }
  void run(const RunContext& c) noexcept override {
    chunks_.parallel(*c.pool, [&](std::int64_t, std::int64_t first, std::int64_t rows) {
      Normalized part = of_;
      const std::int64_t at = first * chunks_.channels;
      part.in = {reinterpret_cast<const float*>(c.input(0)) + at, rows, chunks_.channels};
      simd_->gradient.normalize(part, reinterpret_cast<float*>(c.output()) + at);
    });
  }

 private:
  const Kernels* simd_;
  Tensor<float> scale_, shift_;
  Normalized of_;
  RowChunks chunks_;
};

}  // namespace detail

OCTET_API std::vector<Shape> BatchNormalization::shapes(const ShapeContext& c) const {
  const Shape& x = c.shape(0);
  c.require(x.rank() >= 1, "expected channels in the last dimension, found a scalar");
  for (int i = gamma; i <= variance; ++i)
    c.require(c.rank(i) == 1 && (x.back() == Shape::unknown || c.shape(i)[0] == x.back()), "input ", i, " has shape ",
              c.shape(i), ", expected one value for each channel of ", x);
  return {x};
}

OCTET_API std::unique_ptr<Step> BatchNormalization::prepare(const PrepareContext& c) const {
  return detail::make_step<detail::BatchNormalizationStep>(c, static_cast<float>(epsilon), activation);
}

OCTET_API std::unique_ptr<GradientStep> BatchNormalization::prepare_gradient(const PrepareContext& c) const {
  return detail::make_step<detail::BatchNormalizationGradient>(c, epsilon, activation);
}

OCTET_API Learning BatchNormalization::learning(int input) const {
  if (input == NormalizationInputs::gamma || input == NormalizationInputs::beta) return Learning::by_gradient;
  return input == NormalizationInputs::mean || input == NormalizationInputs::variance ? Learning::by_statistics
                                                                                      : Learning::none;
}

OCTET_API Traits BatchNormalization::traits() const {
  Traits t;
  t.normalizes = true;
  t.low = activation.low;
  t.high = activation.high;
  return t;
}

OCTET_API std::string BatchNormalization::summary(const ShapeContext&) const { return "BatchNorm"; }

OCTET_API OperatorPtr BatchNormalization::clamped(double low, double high) const {
  return detail::with_clamp(*this, low, high);
}

OCTET_END
