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
  if (o.bins.empty()) return o;
  o.bins.front().low =
      std::max(o.bins.front().low, static_cast<double>(seen.low));  // bins may reach beyond what was seen
  o.bins.back().high = std::min(o.bins.back().high, static_cast<double>(seen.high));
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
/// numbers from the range. Numbers count as spread evenly over their bin.
class SquaredError {
 public:
  SquaredError(const std::vector<Histogram::Bin>& bins, int levels) : bins_(bins), levels_(levels) {
    // Prefix sums of counts, values and squares, so that the cost of any range is a difference of three of them.
    below_.emplace_back();
    for (const Histogram::Bin& b : bins) {
      below_.push_back(below_.back());
      below_.back().add(b.low, b.high, static_cast<double>(b.count));
    }
  }

  double operator()(double low, double high) const {
    const Sums under = sums_below(low), rest = sums_below(high), &all = below_.back();
    const double step = (high - low) / (levels_ - 1);
    return (rest.count - under.count) * step * step / 12 + under.distances(low) +
           Sums{all.count - rest.count, all.sum - rest.sum, all.square - rest.square}.distances(high);
  }

 private:
  struct Sums {
    double count = 0, sum = 0, square = 0;
    /// n numbers between low and high.
    void add(double low, double high, double n) {
      count += n;
      sum += rounded(n * (low + high) / 2);
      square += rounded(n * (rounded(low * low) + rounded(low * high) + rounded(high * high)) / 3);
    }
    /// The sum of squared distances from x.
    double distances(double x) const { return square - rounded(2 * x * sum) + rounded(x * x * count); }
  };

  Sums sums_below(double x) const {
    std::size_t first = 0, last = bins_.size();  // the first bin that reaches beyond x
    while (first < last) {
      const std::size_t middle = (first + last) / 2;
      if (bins_[middle].high > x)
        last = middle;
      else
        first = middle + 1;
    }
    Sums sums = below_[first];
    if (first == bins_.size() || bins_[first].low >= x) return sums;
    const Histogram::Bin& b = bins_[first];
    sums.add(b.low, x, static_cast<double>(b.count) * ((x - b.low) / (b.high - b.low)));
    return sums;
  }

  const std::vector<Histogram::Bin>& bins_;
  int levels_;
  std::vector<Sums> below_;  // of the first i bins
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
