#pragma once
#include <cmath>

#include "range.hpp"

OCTET_BEGIN

namespace detail {

/// The magnitudes other than zero, in `count` bins of equal width up to `limit`; larger ones are in the last bin. A bin
/// of the histogram counts in all bins that it covers.
inline std::vector<double> magnitudes_below(const std::vector<Histogram::Bin>& bins, double limit, std::size_t count) {
  std::vector<double> p(count, 0.0);
  const double width = limit / static_cast<double>(count);
  for (const Histogram::Bin& b : bins) {
    if (b.low == 0 || b.high == 0) continue;  // zeros are exact at any scale, so they must not dominate
    const double low = std::min(std::abs(b.low), std::abs(b.high)), high = std::max(std::abs(b.low), std::abs(b.high));
    const auto first = static_cast<std::size_t>(std::min(low / width, static_cast<double>(count - 1)));
    const auto last = static_cast<std::size_t>(std::min(high / width, static_cast<double>(count - 1)));
    const double part = static_cast<double>(b.count) / static_cast<double>(last - first + 1);
    for (std::size_t i = first; i <= last; ++i) p[i] += part;
  }
  return p;
}

/// The Kullback-Leibler divergence between the distribution p of magnitudes, clipped after `bins` bins, and the same
/// quantized to `levels` levels.
inline double clipped_divergence(const std::vector<double>& p, std::size_t bins, std::size_t levels) {
  std::vector<double> clipped(p.begin(), p.begin() + static_cast<std::ptrdiff_t>(bins)), merged(bins, 0.0);
  for (std::size_t i = bins; i < p.size(); ++i) clipped[bins - 1] += p[i];
  for (std::size_t l = 0; l < levels; ++l) {
    const std::size_t from = l * bins / levels, to = (l + 1) * bins / levels;
    double sum = 0;
    std::size_t filled = 0;
    for (std::size_t i = from; i < to; ++i) {
      sum += p[i];
      filled += p[i] != 0;
    }
    for (std::size_t i = from; i < to; ++i)
      if (p[i] != 0) merged[i] = sum / static_cast<double>(filled);
  }
  double sum_p = 0, sum_q = 0, divergence = 0;
  for (std::size_t i = 0; i < bins; ++i) {
    sum_p += clipped[i];
    sum_q += merged[i];
  }
  if (sum_q == 0) return std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < bins; ++i) {
    if (clipped[i] == 0) continue;
    // A bin that holds only clipped values is empty in q: give it a small probability.
    const double q = merged[i] > 0 ? merged[i] / sum_q : 1e-3 / static_cast<double>(bins);
    divergence += rounded(clipped[i] / sum_p * std::log(clipped[i] / sum_p / q));
  }
  return divergence;
}

/// The sum of absolute errors of a range: step / 4 on average for rounding, and the distances of clipped numbers.
inline double absolute_error(const std::vector<Histogram::Bin>& bins, const Range& r, int levels) {
  const double low = static_cast<double>(r.low), high = static_cast<double>(r.high);
  double error = 0;
  for (const Histogram::Bin& b : bins) {
    const double x = b.center(), distance = std::max({low - x, x - high, (high - low) / (levels - 1) / 4});
    error += rounded(static_cast<double>(b.count) * distance);
  }
  return error;
}

/// Chooses the threshold that minimizes the Kullback-Leibler divergence between the distribution of magnitudes, clipped
/// at the threshold, and the same quantized to 128 levels (Migacz 2017, "8-bit inference with TensorRT"). Thresholds
/// are multiples of 1/2048 of the largest magnitude, or of 16 times what 99 % do not exceed. Where the whole range has
/// a smaller absolute error, as after ReLU6, whose largest value is frequent, it is kept.
inline Range entropy_range(const Histogram& h, const Range& all) {
  constexpr std::size_t levels = 128, most = 2048;
  const auto [bins, seen] = without_outliers(h, all);
  const double largest = static_cast<double>(std::max(-seen.low, seen.high));
  const double limit = std::min(largest, 16 * magnitude_quantile(bins, 0.99));
  if (!(limit > 0)) return seen;
  const std::vector<double> p = magnitudes_below(bins, limit, most);
  double best = std::numeric_limits<double>::infinity();
  std::size_t best_bins = most;
  for (std::size_t count = levels; count <= most; count += most / 256) {
    const double divergence = clipped_divergence(p, count, levels);
    if (divergence < best) {
      best = divergence;
      best_bins = count;
    }
  }
  const auto threshold = static_cast<float>(limit * static_cast<double>(best_bins) / static_cast<double>(most));
  const Range r{std::max(seen.low, -threshold), std::min(seen.high, threshold)};
  return absolute_error(bins, seen, 256) < absolute_error(bins, r, 256) ? seen : r;
}

}  // namespace detail
OCTET_END
