#pragma once
#include <array>
#include <cmath>

#include "../core/affine.hpp"
#include "../core/integer_format.hpp"
#include "../core/rounded.hpp"

OCTET_BEGIN
namespace detail {

/// Searches the scale and zero point with which rounding and clipping together have the least squared error, on a
/// histogram of the elements: the start of learned scales (Bhalgat et al. 2020, equation 8; here also for 8 bits). Does
/// not allocate. The result does not depend on threads or instruction sets.
class MseRange {
 public:
  /// x: n finite elements, in `range`. Of large tensors, some of the elements are looked at.
  MseRange(const float* x, std::int64_t n, Range range, DType type) noexcept : type_(type), range_(range) {
    constexpr std::int64_t most = 1 << 20;
    const std::int64_t step = n / most + (n / most + 1) % 2;  // odd, so that all channels are met
    const double width = static_cast<double>(range.high) - static_cast<double>(range.low);
    const double per_unit = width > 0 ? static_cast<double>(bins) / width : 0;
    for (std::int64_t i = 0; i < n; i += step) {
      const double place = (static_cast<double>(x[i]) - static_cast<double>(range.low)) * per_unit;
      ++counts_[static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(bins - 1)))];
    }
  }

  /// Any zero point: each end of the range is moved towards zero, the upper one first.
  ScaleAndZero asymmetric() const noexcept {
    const double low = std::min(0.0, static_cast<double>(range_.low)),
                 high = std::max(0.0, static_cast<double>(range_.high));
    double low_part = 1, high_part = 1;
    const auto of = [&](double l, double h) {
      return activation_scale({static_cast<float>(low * l), static_cast<float>(high * h)}, type_, false);
    };
    for (int round = 0; round < 2; ++round) {
      if (high > 0) high_part = best_part([&](double part) { return of(low_part, part); });
      if (low < 0) low_part = best_part([&](double part) { return of(part, high_part); });
    }
    return usable(of(low_part, high_part));
  }

  /// The zero point is 0, or the lowest code if no element is negative.
  ScaleAndZero symmetric() const noexcept {
    const IntegerRange q = integer_range(type_);
    const bool negative = range_.low < 0;
    const double magnitude = std::max(std::abs(static_cast<double>(range_.low)), static_cast<double>(range_.high));
    const auto of = [&](double part) {
      const auto levels = static_cast<double>(negative ? q.high : q.high - q.low);
      return ScaleAndZero{static_cast<float>(magnitude * part / levels),
                          negative ? 0 : static_cast<std::int32_t>(q.low)};
    };
    return usable(magnitude > 0 ? of(best_part(of)) : ScaleAndZero{1, of(1).zero_point});
  }

 private:
  static constexpr int bins = 2048;

  /// Of 1, 0.99, ... 0.1, the one whose parameters have the least error.
  template <class F>
  double best_part(const F& params) const noexcept {
    double best = 1, least = error(params(1));
    for (int percent = 99; percent >= 10; --percent) {
      const double e = error(params(percent / 100.0));
      if (e < least) {
        least = e;
        best = percent / 100.0;
      }
    }
    return best;
  }

  double error(const ScaleAndZero& p) const noexcept {
    if (!is_usable_scale(static_cast<double>(p.scale))) return std::numeric_limits<double>::infinity();
    const IntegerRange q = integer_range(type_);
    const double scale = static_cast<double>(p.scale), inverse = 1 / scale, low = static_cast<double>(range_.low),
                 bin = (static_cast<double>(range_.high) - low) / bins;
    const auto least = static_cast<double>(q.low - p.zero_point), most = static_cast<double>(q.high - p.zero_point);
    double sum = 0;
    for (int i = 0; i < bins; ++i) {
      const double count = counts_[static_cast<std::size_t>(i)];
      if (count == 0) continue;
      const double x = low + rounded((i + 0.5) * bin), code = std::clamp(std::nearbyint(x * inverse), least, most);
      const double apart = x - rounded(code * scale);
      sum += rounded(count * rounded(apart * apart));
    }
    return sum;
  }

  ScaleAndZero usable(const ScaleAndZero& p) const noexcept {
    return is_usable_scale(static_cast<double>(p.scale)) ? p : activation_scale({}, type_, false);
  }

  DType type_;
  Range range_;
  std::array<std::int32_t, bins> counts_{};
};

}  // namespace detail
OCTET_END
