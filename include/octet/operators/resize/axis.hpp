#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "../../core/rounded.hpp"
#include "modes.hpp"

OCTET_BEGIN

namespace detail {

/// One dimension of a Resize.
struct ResizeAxis {
  std::int64_t in = 1, out = 1;
  bool kept = true;           // the dimension does not change
  double scale = 1;           // out / in, before out was rounded
  bool exact = true;          // scale is exactly out / in; division is then done last, so that coordinates are exact
  bool single = false;        // coordinates are computed in float32 from the whole output size
  double begin = 0, end = 1;  // region of interest, as fractions of the input

  double coordinate(CoordinateMode mode, std::int64_t place) const noexcept {
    return single ? static_cast<double>(coordinate_in<float>(mode, place)) : coordinate_in<double>(mode, place);
  }

  bool outside(CoordinateMode mode, double x) const noexcept {
    return mode == CoordinateMode::tf_crop_and_resize && !(x >= 0 && x <= static_cast<double>(in - 1));
  }
  /// Clamps x to a range beyond all neighbors, and converts it.
  std::int64_t floor_of(double x) const noexcept {
    const double limit = 4 * static_cast<double>(in) + 4;
    return static_cast<std::int64_t>(std::floor(x > -limit ? (x < limit ? x : limit) : -limit));
  }
  std::int64_t clamped(std::int64_t i) const noexcept { return i < 0 ? 0 : i < in ? i : in - 1; }

  /// The input element for each output element; -1 outside the region of interest.
  std::vector<std::int64_t> nearest(CoordinateMode mode, NearestMode rounding) const {
    std::vector<std::int64_t> indices;
    indices.reserve(static_cast<std::size_t>(out));
    for (std::int64_t i = 0; i < out; ++i) {
      const double x = kept ? static_cast<double>(i) : coordinate(mode, i);
      const std::int64_t below = floor_of(x);
      const double rest = x - static_cast<double>(below);
      const bool up = rounding == NearestMode::round_prefer_floor  ? rest > 0.5
                      : rounding == NearestMode::round_prefer_ceil ? rest >= 0.5
                                                                   : rounding == NearestMode::ceil && rest > 0;
      indices.push_back(!kept && outside(mode, x) ? -1 : clamped(below + up));
    }
    return indices;
  }

 private:
  template <class R>
  R coordinate_in(CoordinateMode mode, std::int64_t place) const noexcept {
    const R x = static_cast<R>(place), n = static_cast<R>(in), m = static_cast<R>(out);
    const R half = static_cast<R>(0.5), s = exact ? m / n : static_cast<R>(scale);
    const R fraction = exact ? m : static_cast<R>(rounded(s * n)), length = single ? m : fraction;
    const auto unscaled = [&](R v) { return exact && !single ? v * n / m : v / s; };
    switch (mode) {
      case CoordinateMode::half_pixel: break;
      case CoordinateMode::half_pixel_symmetric:
        return static_cast<R>(rounded(n / 2 * (1 - m / fraction))) + unscaled(x + half) - half;
      case CoordinateMode::pytorch_half_pixel:
        if (out == 1) return 0;
        break;
      case CoordinateMode::align_corners: return length == 1 ? 0 : x * (n - 1) / (length - 1);
      case CoordinateMode::asymmetric: return unscaled(x);
      case CoordinateMode::tf_crop_and_resize: {
        const R from = static_cast<R>(begin), to = static_cast<R>(end);
        if (length == 1) return (from + to) * (n - 1) / 2;
        return static_cast<R>(rounded(from * (n - 1))) + x * (to - from) * (n - 1) / (length - 1);
      }
    }
    return unscaled(x + half) - half;
  }
};

/// Weighted neighbors of each output element along one dimension.
struct ResizeTaps {
  std::int64_t count = 0;           // per output element
  std::vector<std::int64_t> index;  // [out][count]; the first is -1 outside the region of interest
  std::vector<float> weight;        // [out][count]
};

struct ResizeFilter {
  ResizeMode mode = ResizeMode::linear;
  bool antialias = false, exclude_outside = false;
  double cubic_coeff_a = -0.75;

  double operator()(double x) const noexcept {
    x = std::abs(x);
    if (mode == ResizeMode::linear) return x < 1 ? 1 - x : 0;
    const double a = cubic_coeff_a;
    if (x <= 1) return rounded((rounded((a + 2) * x) - (a + 3)) * x * x) + 1;
    if (x >= 2) return 0;
    const double inner = rounded((rounded(a * x) - rounded(5 * a)) * x) + 8 * a;
    return rounded(inner * x) - 4 * a;
  }

  /// unit: if not 0, weights are rounded to multiples of it that add up to 1, so that sums of bytes are exact.
  ResizeTaps taps(const ResizeAxis& axis, CoordinateMode coordinates, double unit) const {
    const bool widened = antialias && axis.scale < 1 && axis.out > 0;  // without outputs, the scale may be tiny
    const double stretch = widened ? axis.scale : 1, support = mode == ResizeMode::linear ? 1 : 2;
    const auto first = static_cast<std::int64_t>(std::floor(-support / stretch)) + 1;
    ResizeTaps t;
    t.count = 2 - 2 * first;
    std::vector<double> w(static_cast<std::size_t>(t.count));
    t.index.reserve(static_cast<std::size_t>(axis.out * t.count));
    t.weight.reserve(static_cast<std::size_t>(axis.out * t.count));
    for (std::int64_t i = 0; i < axis.out; ++i) {
      const double x = axis.coordinate(coordinates, i);
      const std::int64_t below = axis.floor_of(x);
      double sum = 0, inside = 0;
      for (std::int64_t k = 0; k < t.count; ++k) {
        const std::int64_t at = below + first + k;
        t.index.push_back(axis.outside(coordinates, x) ? -1 : axis.clamped(at));
        const double v = (*this)((static_cast<double>(at) - x) * stretch);
        w[static_cast<std::size_t>(k)] = v;
        sum += v;
        if (at == axis.clamped(at)) inside += v;
      }
      const bool exclude = exclude_outside && inside != 0;
      const double total = exclude ? inside : antialias ? sum : 1;
      for (std::int64_t k = 0; k < t.count; ++k) {
        const std::int64_t at = below + first + k;
        double& v = w[static_cast<std::size_t>(k)];
        v = exclude && at != axis.clamped(at) ? 0 : v / total;
      }
      if (unit > 0) round_to(unit, w);
      for (double v : w) t.weight.push_back(static_cast<float>(v));
    }
    return t;
  }

 private:
  static void round_to(double unit, std::vector<double>& w) {
    double sum = 0;
    std::size_t largest = 0;
    for (std::size_t k = 0; k < w.size(); ++k) {
      w[k] = std::nearbyint(w[k] / unit) * unit;
      sum += w[k];
      if (w[k] > w[largest]) largest = k;
    }
    w[largest] += 1 - sum;
  }
};

}  // namespace detail
OCTET_END
