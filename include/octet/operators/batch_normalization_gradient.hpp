#pragma once
#include <cmath>

#include "../core/rounded.hpp"
#include "activation_range.hpp"
#include "channel_sums.hpp"
#include "implement.hpp"
#include "operands.hpp"

OCTET_BEGIN
namespace detail {

/// Batch normalization in training (Ioffe and Szegedy 2015). Normalizes by the mean and variance of the batch and
/// updates the running ones; normalizes by the running ones if the layer is frozen or the pass says so. Inputs: x,
/// gamma, beta, running mean, running variance.
class BatchNormalizationGradient : public GradientStep {
 public:
  BatchNormalizationGradient(const PrepareContext& c, double epsilon, const ActivationRange& range)
      : simd_(&c.kernels()), epsilon_(epsilon), range_(range) {
    c.require(c.input(0).dtype == DType::f32, "expected float32, found ", name(c.input(0).dtype));
  }

  GradientMemory plan(const GradientPlanContext& c) override {
    const Shape& in = c.inputs[0].shape;
    chunks_ = RowChunks(in.product(0, in.rank() - 1), in.back());
    learns_ = c.wanted[1] || c.wanted[2];
    const auto channels = static_cast<std::size_t>(in.back());
    return {(static_cast<std::size_t>(chunks_.count) * 2 + 2) * channels * sizeof(float), 4 * channels * sizeof(float)};
  }

  void forward(const ForwardContext& c) noexcept override {
    const Saved s = saved(c.saved);
    const auto* x = reinterpret_cast<const float*>(c.input(0));
    auto* variance = s.inverse;
    if (uses_batch(*c.pass)) {
      measure(x, s.mean, variance, reinterpret_cast<float*>(c.scratch), *c.pool);
      follow(c, s.mean, variance);
    } else {
      std::copy_n(reinterpret_cast<const float*>(c.input(NormalizationInputs::mean)), chunks_.channels, s.mean);
      std::copy_n(reinterpret_cast<const float*>(c.input(NormalizationInputs::variance)), chunks_.channels, variance);
    }
    const auto *gamma = reinterpret_cast<const float*>(c.input(NormalizationInputs::gamma)),
               *beta = reinterpret_cast<const float*>(c.input(NormalizationInputs::beta));
    for (std::int64_t i = 0; i < chunks_.channels; ++i) {
      const double inverse = 1 / std::sqrt(static_cast<double>(variance[i]) + epsilon_);
      const double scale = static_cast<double>(gamma[i]) * inverse;
      s.inverse[i] = static_cast<float>(inverse);
      s.scale[i] = static_cast<float>(scale);
      s.shift[i] = static_cast<float>(static_cast<double>(beta[i]) - rounded(static_cast<double>(s.mean[i]) * scale));
    }
    auto* y = reinterpret_cast<float*>(c.output());
    chunks_.parallel(*c.pool, [&](std::int64_t, std::int64_t first, std::int64_t rows) {
      simd_->gradient.normalize(part(s, x, nullptr, first, rows), y + first * chunks_.channels);
    });
  }

  void backward(const BackwardContext& c) noexcept override {
    const Saved s = saved(c.saved);
    const std::int64_t channels = chunks_.channels;
    auto* sums = reinterpret_cast<float*>(c.scratch);
    float* products = sums + chunks_.count * channels;
    float *mean_g = products + chunks_.count * channels, *factor = mean_g + channels;
    const bool batch = uses_batch(*c.pass);
    std::fill(mean_g, factor + channels, 0.0f);
    if (learns_) {
      chunks_.parallel(*c.pool, [&](std::int64_t i, std::int64_t first, std::int64_t rows) {
        std::fill(sums + i * channels, sums + (i + 1) * channels, 0.0f);
        std::fill(products + i * channels, products + (i + 1) * channels, 0.0f);
        simd_->gradient.normalized_sums(part(s, c.input(0), c.output_gradient(), first, rows), sums + i * channels,
                                        products + i * channels);
      });
      chunks_.parallel_channels(*c.pool, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t k = begin; k < end; ++k) {
          double sum = 0, product = 0;
          for (std::int64_t i = 0; i < chunks_.count; ++i) {
            sum += static_cast<double>(sums[i * channels + k]);
            product += static_cast<double>(products[i * channels + k]);
          }
          const double inverse = static_cast<double>(s.inverse[k]), n = static_cast<double>(chunks_.rows);
          if (float* gamma = c.input_gradient(NormalizationInputs::gamma))
            gamma[k] = static_cast<float>(product * inverse);
          if (float* beta = c.input_gradient(NormalizationInputs::beta)) beta[k] = static_cast<float>(sum);
          if (batch) {
            mean_g[k] = static_cast<float>(sum / n);
            factor[k] = static_cast<float>(product * inverse * inverse / n);
          }
        }
      });
    }
    if (float* dx = c.input_gradient(0))
      chunks_.parallel(*c.pool, [&](std::int64_t, std::int64_t first, std::int64_t rows) {
        simd_->gradient.normalized_gradient(part(s, c.input(0), c.output_gradient(), first, rows), mean_g, factor,
                                            dx + first * channels);
      });
  }

  bool reads_input(int input) const noexcept override { return input == 0; }
  bool reads_outputs() const noexcept override { return false; }
  bool gradient_can_overwrite(int input) const noexcept override { return input == 0; }

 private:
  struct Saved {
    float *mean, *inverse, *scale, *shift;  // inverse: 1 / sqrt(variance + epsilon)
  };
  Saved saved(std::byte* memory) const noexcept {
    auto* p = reinterpret_cast<float*>(memory);
    const std::int64_t n = chunks_.channels;
    return {p, p + n, p + 2 * n, p + 3 * n};
  }
  bool uses_batch(const TrainingPass& pass) const noexcept { return learns_ && pass.batch_statistics; }

  Normalized part(const Saved& s, const float* x, const float* gradient, std::int64_t first,
                  std::int64_t rows) const noexcept {
    Normalized n;
    n.in = {x + first * chunks_.channels, rows, chunks_.channels};
    n.scale = s.scale;
    n.shift = s.shift;
    n.mean = s.mean;
    n.low = static_cast<float>(range_.low);
    n.high = static_cast<float>(range_.high);
    n.clamps = !range_.none();
    n.gradient = gradient ? gradient + first * chunks_.channels : nullptr;
    return n;
  }

  /// The mean and variance of the batch, combined from those of chunks as in Chan et al. 1979.
  void measure(const float* x, float* mean, float* variance, float* scratch, ThreadPool& pool) const noexcept {
    const std::int64_t channels = chunks_.channels;
    float *means = scratch, *squares = scratch + chunks_.count * channels;
    chunks_.parallel(pool, [&](std::int64_t i, std::int64_t first, std::int64_t rows) {
      const ChannelRows part{x + first * channels, rows, channels};
      float *m = means + i * channels, *s = squares + i * channels;
      std::fill(m, m + channels, 0.0f);
      std::fill(s, s + channels, 0.0f);
      simd_->gradient.channel_sums(part, m);
      for (std::int64_t k = 0; k < channels; ++k) m[k] /= static_cast<float>(rows);
      simd_->gradient.channel_squares(part, m, s);
    });
    chunks_.parallel_channels(pool, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k) {
        double n = 0, m = 0, s = 0;
        for (std::int64_t i = 0; i < chunks_.count; ++i) {
          const auto rows = static_cast<double>(std::min(chunks_.chunk, chunks_.rows - i * chunks_.chunk));
          const double apart = static_cast<double>(means[i * channels + k]) - m, all = n + rows;
          m += apart * rows / all;
          s += static_cast<double>(squares[i * channels + k]) + apart * apart * n * rows / all;
          n = all;
        }
        mean[k] = static_cast<float>(m);
        variance[k] = static_cast<float>(n > 0 ? s / n : 0);
      }
    });
  }

  /// Updates the running statistics, with the unbiased variance.
  void follow(const ForwardContext& c, const float* mean, const float* variance) const noexcept {
    auto *running_mean = c.inputs[NormalizationInputs::mean].as<float>(),
         *running_variance = c.inputs[NormalizationInputs::variance].as<float>();
    const float m = c.pass->momentum, n = static_cast<float>(chunks_.rows), unbiased = n > 1 ? n / (n - 1) : 1;
    for (std::int64_t i = 0; i < chunks_.channels; ++i) {
      running_mean[i] += rounded(m * (mean[i] - running_mean[i]));
      running_variance[i] += rounded(m * (rounded(variance[i] * unbiased) - running_variance[i]));
    }
  }

  const Kernels* simd_;
  double epsilon_;
  ActivationRange range_;
  bool learns_ = false;
  RowChunks chunks_;
};

}  // namespace detail
OCTET_END
