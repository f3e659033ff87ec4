#pragma once
#include <array>
#include <cmath>

#include "../core/affine.hpp"
#include "../core/integer_format.hpp"
#include "../core/rounded.hpp"
#include "implement.hpp"
#include "mse_range.hpp"
#include "observed_range.hpp"

OCTET_BEGIN
namespace detail {

/// Fake quantization of whole tensors.
class FakeQuantization {
 public:
  FakeQuantization(const Kernels& kernels, int bits) : simd_(&kernels), type_(codes_of_bits(bits)) {}

  /// Scale and zero point for a range. `scale`: a learned one, or null; `lowest`: the learned number of the lowest
  /// code, or null.
  ScaleAndZero params(const ObservedRange& r, const float* scale, const float* lowest = nullptr) const noexcept {
    ScaleAndZero p = activation_scale({r.low, r.high}, type_, false);
    if (!is_usable_scale(static_cast<double>(p.scale))) p = activation_scale({}, type_, false);
    if (scale) p.scale = std::max(std::abs(*scale), std::numeric_limits<float>::min());
    if (scale && lowest) {
      const double steps = static_cast<double>(*lowest) / static_cast<double>(p.scale),
                   span = static_cast<double>(codes().high - codes().low);
      p.zero_point = static_cast<std::int32_t>(
          codes().low + static_cast<std::int64_t>(std::max(0.0, std::min(span, std::nearbyint(-steps)))));
    }
    return p;
  }
  /// Limits of the codes minus the zero point.
  float low(const ScaleAndZero& p) const noexcept { return static_cast<float>(codes().low - p.zero_point); }
  float high(const ScaleAndZero& p) const noexcept { return static_cast<float>(codes().high - p.zero_point); }

  /// Returns the size of the scratch memory that the other functions need, in bytes.
  std::size_t plan(std::int64_t size) {
    size_ = size;
    parts_ = (size + part - 1) / part;
    return sums_bytes() + static_cast<std::size_t>(parts_) * sizeof(double);
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

  /// Where learning begins: the scale and zero point of least squared error for x (see MseRange), whose range is r.
  /// With `any_zero_point` false, the zero point is that of LSQ: 0, or the lowest code if x is not negative.
  ScaleAndZero begin_scale(const float* x, const ObservedRange& r, bool any_zero_point) const noexcept {
    const MseRange search(x, size_, {r.low, r.high}, type_);
    return any_zero_point ? search.asymmetric() : search.symmetric();
  }

  /// The gradients with respect to a scale and to the number of the lowest code.
  struct LearnedGradient {
    double scale = 0, lowest = 0;
  };

  /// Computes dx as in FakeQuantizedGradient. Returns the gradients with respect to the learned numbers. With a fixed
  /// zero point they are those of LSQ (Esser et al. 2020, equation 3): the scale gets
  /// sum(dy * (round(v) - v)) inside, sum(dy * limit) outside, with v = x / scale. `moves_lowest`: those of LSQ+
  /// (Bhalgat et al. 2020, equations 5 and 6), where the range is [lowest, lowest + scale * largest code]: outside, the
  /// scale gets the largest code above, nothing below, and `lowest` gets sum(dy) of both sides.
  LearnedGradient gradient(const float* x, const float* dy, float* dx, const ScaleAndZero& p, bool moves_lowest,
                           std::byte* scratch, ThreadPool& pool) const noexcept {
    auto* sums = reinterpret_cast<float*>(scratch);
    auto* outside = reinterpret_cast<double*>(scratch + sums_bytes());
    pool.parallel(parts_, [&](std::int64_t t, int) {
      const double all = moves_lowest ? sum_of(dy + t * part, std::min(part, size_ - t * part)) : 0;
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
      outside[t] = moves_lowest ? all - sum_of(g.dx, g.count) : 0;
    });
    LearnedGradient sum;
    for (std::int64_t i = 0; i < parts_ * FakeQuantizedGradient::sums; ++i) sum.scale += static_cast<double>(sums[i]);
    for (std::int64_t t = 0; t < parts_; ++t) sum.lowest += outside[t];
    sum.scale -= rounded(static_cast<double>(low(p)) * sum.lowest);
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
  std::size_t sums_bytes() const noexcept {
    return static_cast<std::size_t>(parts_) * FakeQuantizedGradient::sums * sizeof(float);
  }
  static double sum_of(const float* x, std::int64_t n) noexcept {
    std::array<double, 8> sum{};  // lane i sums elements i, i + 8, ...
    std::int64_t i = 0;
    for (; i + 8 <= n; i += 8)
      for (std::size_t k = 0; k < 8; ++k) sum[k] += static_cast<double>(x[i + static_cast<std::int64_t>(k)]);
    for (std::size_t k = 0; i < n; ++i, ++k) sum[k] += static_cast<double>(x[i]);
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
  }

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
