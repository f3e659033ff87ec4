#pragma once
#include <algorithm>
#include <limits>

#include "../core/affine.hpp"
#include "../core/rounded.hpp"
#include "histogram.hpp"
#include "range_method.hpp"

OCTET_BEGIN

namespace detail {

/// What was seen of a tensor.
struct Observed {
  std::vector<Histogram::Bin> bins;  // ascending
  Range seen;
};

/// The magnitude that `part` of the numbers other than zero do not exceed.
inline double magnitude_quantile(const std::vector<Histogram::Bin>& bins, double part) {
  double total = 0;
  for (const Histogram::Bin& b : bins)
    if (b.low != 0 && b.high != 0) total += static_cast<double>(b.count);
  double above = (1 - part) * total, magnitude = 0;
  std::size_t i = 0, j = bins.size();
  while (i < j) {  // from the largest magnitude down, which is at one of the ends
    const bool negative = -bins[i].low > bins[j - 1].high;
    const Histogram::Bin& b = negative ? bins[i++] : bins[--j];
    if (b.low == 0 || b.high == 0) continue;
    magnitude = std::max(-b.low, b.high);
    above -= static_cast<double>(b.count);
    if (above < 0) break;
  }
  return magnitude;
}

/// The tensor without numbers that are not of its distribution: at most one of 10,000, each more than 64 times as large
/// as 99.9 % of the others. Squared errors would otherwise be those of a single number.
inline Observed without_outliers(const Histogram& h, const Range& seen) {
  Observed o{h.bins(), seen};
  const double limit = 64 * magnitude_quantile(o.bins, 0.999);
  double beyond = 0, total = 0;
  for (const Histogram::Bin& b : o.bins) {
    if (b.low != 0 && b.high != 0) total += static_cast<double>(b.count);
    if (std::max(-b.high, b.low) > limit) beyond += static_cast<double>(b.count);
  }
  if (beyond == 0 || beyond * 10000 > total) return o;
  std::size_t first = 0, last = o.bins.size();
  while (-o.bins[first].high > limit) ++first;
  while (o.bins[last - 1].low > limit) --last;
  o.bins = {o.bins.begin() + static_cast<std::ptrdiff_t>(first), o.bins.begin() + static_cast<std::ptrdiff_t>(last)};
  o.seen.low = std::max(seen.low, static_cast<float>(o.bins.front().low));
  o.seen.high = std::min(seen.high, static_cast<float>(o.bins.back().high));
  return o;
}

/// Cuts off (100 - percent) / 2 percent of the numbers at each end.
inline Range percentile_range(const Histogram& h, const Range& seen, double percent) {
  const double cut = static_cast<double>(h.total()) * (100 - percent) / 200;
  const std::vector<Histogram::Bin> bins = h.bins();
  double left = 0, right = 0;
  std::size_t i = 0, j = bins.size();
  const auto count = [&](std::size_t k) { return static_cast<double>(bins[k].count); };
  while (i + 1 < bins.size() && left + count(i) <= cut) left += count(i++);
  while (j > i + 1 && right + count(j - 1) <= cut) right += count(--j);
  return {std::max(seen.low, static_cast<float>(bins[i].low)),
          std::min(seen.high, static_cast<float>(bins[j - 1].high))};
}

/// The sum of squared errors of a range: n(inside) * step^2 / 12 for rounding, plus the squared distances of clipped
/// numbers from the range.
class SquaredError {
 public:
  SquaredError(const std::vector<Histogram::Bin>& bins, int levels) : bins_(bins), levels_(levels) {
    // Prefix sums of counts, values and squares, so that the cost of any range is a difference of three of them.
    const std::size_t n = bins.size();
    count_.assign(n + 1, 0);
    sum_ = square_ = count_;
    for (std::size_t i = 0; i < n; ++i) {
      const double k = static_cast<double>(bins[i].count), x = bins[i].center();
      count_[i + 1] = count_[i] + k;
      sum_[i + 1] = sum_[i] + rounded(k * x);
      square_[i + 1] = square_[i] + rounded(k * x * x);
    }
  }

  double operator()(double low, double high) const {
    const std::size_t i = bin(low), j = std::max(i, bin(high));
    const double step = (high - low) / (levels_ - 1);
    return (count_[j] - count_[i]) * step * step / 12 + beyond(0, i, low) + beyond(j, bins_.size(), high);
  }

 private:
  /// The first bin that reaches beyond x.
  std::size_t bin(double x) const {
    std::size_t first = 0, last = bins_.size();
    while (first < last) {
      const std::size_t middle = (first + last) / 2;
      if (bins_[middle].high > x)
        last = middle;
      else
        first = middle + 1;
    }
    return first;
  }
  double beyond(std::size_t from, std::size_t to, double edge) const {
    return square_[to] - square_[from] - rounded(2 * edge * (sum_[to] - sum_[from])) +
           rounded(edge * edge * (count_[to] - count_[from]));
  }

  const std::vector<Histogram::Bin>& bins_;
  int levels_;
  std::vector<double> count_, sum_, square_;
};

/// Minimizes the sum of squared errors. If symmetric, the range is [-x, x].
inline Range mse_range(const Histogram& h, const Range& all, int levels, bool symmetric) {
  const auto [bins, seen] = without_outliers(h, all);
  const SquaredError cost(bins, levels);
  const double magnitude = static_cast<double>(std::max(-seen.low, seen.high));
  double low = symmetric ? -magnitude : static_cast<double>(seen.low),
         high = symmetric ? magnitude : static_cast<double>(seen.high);
  const double full_low = low, full_high = high;
  double best = cost(low, high);
  constexpr int steps = 200;
  for (int round = 0; round < (symmetric ? 1 : 3); ++round) {  // alternate between the ends
    for (int i = 1; i <= steps; ++i) {
      const double part = static_cast<double>(i) / steps;
      if (symmetric) {
        if (const double e = cost(full_low * part, full_high * part); e < best) {
          best = e;
          low = full_low * part;
          high = full_high * part;
        }
        continue;
      }
      if (const double e = cost(full_low * part, high); e < best) {
        best = e;
        low = full_low * part;
      }
      if (const double e = cost(low, full_high * part); e < best) {
        best = e;
        high = full_high * part;
      }
    }
  }
  return {static_cast<float>(low), static_cast<float>(high)};
}

}  // namespace detail
OCTET_END
