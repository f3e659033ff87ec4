#pragma once
#include <algorithm>
#include <limits>

#include "../core/affine.hpp"
#include "../core/rounded.hpp"
#include "histogram.hpp"
#include "range_method.hpp"

OCTET_BEGIN

namespace detail {

/// Cuts off (100 - percent) / 2 percent of the numbers at each end.
inline Range percentile_range(const Histogram& h, const Range& seen, double percent) {
  const double cut = static_cast<double>(h.total()) * (100 - percent) / 200;
  const auto& c = h.counts();
  Range r = seen;
  double left = 0, right = 0;
  std::size_t i = 0, j = c.size();
  while (i < c.size() && left + static_cast<double>(c[i]) <= cut) left += static_cast<double>(c[i++]);
  while (j > i + 1 && right + static_cast<double>(c[j - 1]) <= cut) right += static_cast<double>(c[--j]);
  r.low = std::max(seen.low, static_cast<float>(h.edge(i)));
  r.high = std::min(seen.high, static_cast<float>(h.edge(j)));
  return r;
}

/// Chooses the threshold that minimizes the Kullback-Leibler divergence between the distribution of magnitudes, clipped
/// at the threshold, and the same quantized to 128 levels (Migacz 2017, "8-bit inference with TensorRT").
inline Range entropy_range(const Histogram& h, const Range& seen) {
  constexpr std::size_t levels = 128;
  // Distribution of magnitudes: the bins of positive numbers plus those of negative ones.
  std::vector<double> p(Histogram::half, 0.0);
  for (std::size_t i = 0; i < p.size(); ++i)
    p[i] =
        static_cast<double>(h.counts()[Histogram::half + i]) + static_cast<double>(h.counts()[Histogram::half - 1 - i]);
  p[0] = p[1];  // zeros (many after ReLU) are exact at any scale, so they must not dominate
  std::size_t used = p.size();
  while (used > levels && p[used - 1] == 0) --used;
  double best = std::numeric_limits<double>::infinity();
  std::size_t best_bins = used;
  std::vector<double> clipped, merged;
  const std::size_t step = std::max<std::size_t>(1, used / 256);
  for (std::size_t bins = levels; bins <= used; bins += step) {
    clipped.assign(p.begin(), p.begin() + static_cast<std::ptrdiff_t>(bins));
    for (std::size_t i = bins; i < used; ++i) clipped[bins - 1] += p[i];
    merged.assign(bins, 0.0);
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
    if (sum_q == 0) continue;
    for (std::size_t i = 0; i < bins; ++i) {
      if (clipped[i] == 0) continue;
      // A bin that holds only clipped values is empty in q: give it a small probability.
      const double q = merged[i] > 0 ? merged[i] / sum_q : 1e-3 / static_cast<double>(bins);
      divergence += rounded(clipped[i] / sum_p * std::log(clipped[i] / sum_p / q));
    }
    if (divergence < best) {
      best = divergence;
      best_bins = bins;
    }
  }
  const auto limit = static_cast<float>(static_cast<double>(best_bins) * h.bin_width());
  return {std::max(seen.low, -limit), std::min(seen.high, limit)};
}

/// Minimizes the sum of squared errors: n(inside) * step^2 / 12 for rounding, plus the squared distances of clipped
/// numbers from the range. If symmetric, the range is [-x, x].
inline Range mse_range(const Histogram& h, const Range& seen, int levels, bool symmetric) {
  const auto& c = h.counts();
  const std::size_t n = c.size();
  // Prefix sums of counts, values and squares, so that the cost of any range is a difference of three of them.
  std::vector<double> count(n + 1, 0), sum(n + 1, 0), square(n + 1, 0);
  for (std::size_t i = 0; i < n; ++i) {
    const double k = static_cast<double>(c[i]), x = h.center(i);
    count[i + 1] = count[i] + k;
    sum[i + 1] = sum[i] + rounded(k * x);
    square[i + 1] = square[i] + rounded(k * x * x);
  }
  const auto bin = [&](double x) {
    const double b = std::floor(x / h.bin_width()) + static_cast<double>(Histogram::half);
    return static_cast<std::size_t>(
        std::min(std::max(0.0, b), static_cast<double>(n)));  // the order of arguments turns NaN into 0
  };
  const auto cost = [&](double low, double high) {
    const std::size_t i = bin(low), j = bin(high);
    const auto beyond = [&](std::size_t from, std::size_t to, double edge) {
      return square[to] - square[from] - rounded(2 * edge * (sum[to] - sum[from])) +
             rounded(edge * edge * (count[to] - count[from]));
    };
    const double step = (high - low) / (levels - 1);
    return (count[j] - count[i]) * step * step / 12 + beyond(0, i, low) + beyond(j, n, high);
  };
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
