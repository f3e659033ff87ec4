#pragma once
#include <cmath>

#include "../core/affine.hpp"
#include "../core/integer_format.hpp"
#include "implement.hpp"
#include "observed_range.hpp"

OCTET_BEGIN
namespace detail {

/// Fake quantization of whole tensors.
class FakeQuantization {
 public:
  FakeQuantization(const Kernels& kernels, int bits) : simd_(&kernels), type_(codes_of_bits(bits)) {}

  /// Scale and zero point for a range. `scale`: a learned one, or null.
  ScaleAndZero params(const ObservedRange& r, const float* scale) const noexcept {
    ScaleAndZero p = activation_scale({r.low, r.high}, type_, false);
    if (!is_usable_scale(static_cast<double>(p.scale))) p = activation_scale({}, type_, false);
    if (scale) p.scale = std::max(std::abs(*scale), std::numeric_limits<float>::min());
    return p;
  }
  /// Limits of the codes minus the zero point.
  float low(const ScaleAndZero& p) const noexcept { return static_cast<float>(codes().low - p.zero_point); }
  float high(const ScaleAndZero& p) const noexcept { return static_cast<float>(codes().high - p.zero_point); }

  /// Returns the size of the scratch memory that the other functions need, in bytes.
  std::size_t plan(std::int64_t size) {
    size_ = size;
    parts_ = (size + part - 1) / part;
    return static_cast<std::size_t>(parts_) * 64;
  }
  std::int64_t size() const noexcept { return size_; }
  std::size_t inside_bytes() const noexcept { return static_cast<std::size_t>((size_ + 7) / 8); }

  /// Rounds x and returns its range. If elements are not finite, the range is two NaNs and y is all NaN. inside: as in
  /// FakeQuantized, or null.
  Range run(const float* x, float* y, const ScaleAndZero& p, std::uint8_t* inside, std::byte* scratch,
            ThreadPool& pool) const noexcept {
    const Range r = reduce(scratch, pool, [&](std::int64_t at, std::int64_t n, float* low_high) {
      FakeQuantized f;
      f.x = x + at;
      f.y = y + at;
      f.count = n;
      f.scale = p.scale;
      f.low = low(p);
      f.high = high(p);
      f.inside = inside ? inside + at / 8 : nullptr;
      simd_->gradient.fake_quantize(f, low_high);
    });
    if (!is_finite(r)) std::fill(y, y + size_, std::numeric_limits<float>::quiet_NaN());
    return r;
  }
  Range measure(const float* x, std::byte* scratch, ThreadPool& pool) const noexcept {
    return reduce(scratch, pool,
                  [&](std::int64_t at, std::int64_t n, float* low_high) { simd_->minmax_f32(x + at, n, low_high); });
  }
  static bool is_finite(const Range& r) noexcept { return std::isfinite(r.low) && std::isfinite(r.high); }

  /// Initial range and scale for learning: 2 E|x| / sqrt(largest code), unsigned if x is not negative (LSQ, Esser et
  /// al. 2020).
  float begin_scale(const float* x, ObservedRange& r, std::byte* scratch, ThreadPool& pool) const noexcept {
    auto* sums = reinterpret_cast<double*>(scratch);
    pool.parallel(parts_, [&](std::int64_t t, int) {
      double sum = 0;
      for (std::int64_t i = t * part; i < std::min(size_, (t + 1) * part); ++i)
        sum += std::abs(static_cast<double>(x[i]));
      sums[t] = sum;
    });
    double sum = 0;
    for (std::int64_t t = 0; t < parts_; ++t) sum += sums[t];
    const IntegerRange q = codes();
    const auto low = static_cast<double>(r.low < 0 ? q.low : 0),
               high = static_cast<double>(r.low < 0 ? q.high : q.high - q.low);
    const double s = 2 * sum / static_cast<double>(std::max<std::int64_t>(1, size_)) / std::sqrt(high);
    const double scale = s > 0 ? s : 1;
    r.low = static_cast<float>(low * scale);
    r.high = static_cast<float>(high * scale);
    return static_cast<float>(scale);
  }

  /// Computes dx as in FakeQuantizedGradient. Returns the gradient with respect to the scale.
  double gradient(const float* x, const float* dy, float* dx, const ScaleAndZero& p, std::byte* scratch,
                  ThreadPool& pool) const noexcept {
    auto* sums = reinterpret_cast<float*>(scratch);
    pool.parallel(parts_, [&](std::int64_t t, int) {
      FakeQuantizedGradient g;
      g.x = x + t * part;
      g.dy = dy + t * part;
      g.dx = dx + t * part;
      g.count = std::min(part, size_ - t * part);
      g.scale = p.scale;
      g.low = low(p);
      g.high = high(p);
      float* to = sums + t * FakeQuantizedGradient::sums;
      std::fill(to, to + FakeQuantizedGradient::sums, 0.0f);
      simd_->gradient.fake_quantize_gradient(g, to);
    });
    double sum = 0;
    for (std::int64_t i = 0; i < parts_ * FakeQuantizedGradient::sums; ++i) sum += static_cast<double>(sums[i]);
    return sum;
  }
  void pass_inside(const std::uint8_t* inside, const float* dy, float* dx, ThreadPool& pool) const noexcept {
    pool.parallel(parts_, [&](std::int64_t t, int) {
      const std::int64_t at = t * part;
      simd_->gradient.pass_inside(inside + at / 8, dy + at, dx + at, std::min(part, size_ - at));
    });
  }

 private:
  static constexpr std::int64_t part = 16384;  // elements of a task

  IntegerRange codes() const noexcept { return integer_range(type_); }

  /// The range of all parts; f(first element, elements, its low and high).
  template <class F>
  Range reduce(std::byte* scratch, ThreadPool& pool, const F& f) const noexcept {
    auto* ranges = reinterpret_cast<float*>(scratch);
    pool.parallel(parts_, [&](std::int64_t t, int) { f(t * part, std::min(part, size_ - t * part), ranges + 2 * t); });
    Range all{std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()};
    for (std::int64_t t = 0; t < parts_; ++t) {
      if (std::isnan(ranges[2 * t])) return {ranges[2 * t], ranges[2 * t]};
      all = {std::min(all.low, ranges[2 * t]), std::max(all.high, ranges[2 * t + 1])};
    }
    return {all.low + 0.0f, all.high + 0.0f};  // +0 for -0: which of them is found depends on the vector width
  }

  const Kernels* simd_;
  DType type_;
  std::int64_t size_ = 0, parts_ = 0;
};

}  // namespace detail
OCTET_END
