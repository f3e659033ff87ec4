#pragma once
#include <cmath>
#include <limits>

#include "../core/affine.hpp"
#include "../core/rounded.hpp"
#include "implement.hpp"

OCTET_BEGIN
namespace detail {

/// Rounds weights [O, ...] to symmetric integers and back, with one scale per output channel: a learned one, or the one
/// that maps its largest element to the largest code.
class WeightRounding {
 public:
  WeightRounding(const Kernels& kernels, int bits) : simd_(&kernels), levels_((1 << (bits - 1)) - 1) {}

  void plan(const Shape& s) {
    channels_ = s[0];
    size_ = channels_ ? s.elements() / channels_ : 0;
    block_ =
        std::clamp<std::int64_t>(16384 / std::max<std::int64_t>(1, size_), 1, std::max<std::int64_t>(1, channels_));
  }
  std::int64_t elements() const noexcept { return channels_ * size_; }
  /// Largest code.
  int levels() const noexcept { return levels_; }

  /// The factor of the gradient of a learned scale, 1 / sqrt(weights of a channel * largest code) (Esser et al. 2020,
  /// section 2.2).
  double gradient_scale() const noexcept {
    return 1 / std::sqrt(static_cast<double>(std::max<std::int64_t>(1, size_)) * levels_);
  }

  /// The scale of a channel; NaN if its elements are not finite.
  float scale(const float* w, const float* learned, std::int64_t channel) const noexcept {
    if (learned) return std::max(std::abs(learned[channel]), std::numeric_limits<float>::min());
    float low_high[2];
    simd_->minmax_f32(w + channel * size_, size_, low_high);
    return std::isnan(low_high[0]) ? low_high[0] : weight_scale({low_high[0], low_high[1]}, levels_);
  }

  void run(const float* w, const float* learned, float* y, ThreadPool& pool) const noexcept {
    each(pool, [&](std::int64_t o) {
      FakeQuantized f;
      f.x = w + o * size_;
      f.y = y + o * size_;
      f.count = size_;
      f.scale = scale(w, learned, o);
      f.low = static_cast<float>(-levels_);
      f.high = -f.low;
      float seen[2] = {f.scale, f.scale};
      if (!std::isnan(f.scale)) simd_->gradient.fake_quantize(f, seen);
      if (std::isnan(seen[0])) std::fill(f.y, f.y + size_, std::numeric_limits<float>::quiet_NaN());
    });
  }

  /// Gradients with respect to weights and learned scales (Esser et al. 2020; N is the number of weights of a channel).
  /// dy may be dw.
  void gradient(const float* w, const float* learned, const float* dy, float* dw, float* by_scale,
                ThreadPool& pool) const noexcept {
    const double share = gradient_scale();
    each(pool, [&](std::int64_t o) {
      FakeQuantizedGradient g;
      g.x = w + o * size_;
      g.dy = dy + o * size_;
      g.dx = dw + o * size_;
      g.count = size_;
      g.scale = scale(w, learned, o);
      g.low = static_cast<float>(-levels_);
      g.high = -g.low;
      float sums[FakeQuantizedGradient::sums] = {};
      simd_->gradient.fake_quantize_gradient(g, sums);
      double sum = 0;
      for (float s : sums) sum += static_cast<double>(s);
      if (by_scale) by_scale[o] = static_cast<float>(sum * share * (learned[o] < 0 ? -1 : 1));
    });
  }

  /// Adds to dw the gradient of the damping loss, factor * |round(w) - clamp(w)|^2 over all weights, where the rounded
  /// weights and the scales count as constants (Nagel et al. 2022, equation 5): 2 factor (w - round(w)) inside the
  /// range.
  void add_damping(const float* w, const float* learned, float factor, float* dw, ThreadPool& pool) const noexcept {
    each(pool, [&](std::int64_t o) {
      const float s = scale(w, learned, o), most = s * static_cast<float>(levels_);
      for (std::int64_t i = o * size_; i < (o + 1) * size_; ++i)
        if (std::abs(w[i]) <= most) dw[i] += rounded(2 * factor * (w[i] - rounded(std::nearbyint(w[i] / s) * s)));
    });
  }

 private:
  template <class F>
  void each(ThreadPool& pool, const F& f) const noexcept {
    parallel_parts(pool, channels_, block_, [&](std::int64_t first, std::int64_t count) {
      for (std::int64_t o = first; o < first + count; ++o) f(o);
    });
  }

  const Kernels* simd_;
  int levels_;
  std::int64_t channels_ = 0, size_ = 0, block_ = 1;
};

}  // namespace detail
OCTET_END
