#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "../core/error.hpp"

OCTET_BEGIN

/// A histogram with bins [i, i + 1) * 2^exponent. When a number falls outside, the exponent grows and pairs of bins are
/// merged, which gives exactly the counts that the wider bins would have had from the start. So the result does not
/// depend on the order of the numbers or on how they were split into parts.
class Histogram {
 public:
  static constexpr std::int64_t half = 2048;  ///< bins on each side of zero

  /// Counts n finite numbers of magnitude up to `largest`.
  void add(const float* x, std::int64_t n, float largest) {
    if (n == 0) return;
    widen_to(largest);
    std::vector<std::uint64_t>& c = counts_;
    const double inverse = std::ldexp(1.0, -exponent_);
    for (std::int64_t i = 0; i < n; ++i) {
      const double bin = std::floor(static_cast<double>(x[i]) * inverse) + half;
      if (!(bin >= 0 && bin < 2 * half))
        detail::fail("histogram: expected a finite number of magnitude up to ", largest, ", found ", x[i]);
      ++c[static_cast<std::size_t>(bin)];
    }
  }

  /// Adds the counts of another histogram, at the larger of the two bin widths.
  void merge(const Histogram& o) {
    if (o.empty()) return;
    if (empty()) {
      *this = o;
      return;
    }
    Histogram other = o;
    while (exponent_ < other.exponent_) widen();
    while (other.exponent_ < exponent_) other.widen();
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  }

  /// Whether nothing was counted or merged.
  bool empty() const noexcept { return counts_.empty(); }
  /// Bins are 2^exponent wide.
  int exponent() const noexcept { return exponent_; }
  /// 2^exponent.
  double bin_width() const { return std::ldexp(1.0, exponent_); }
  /// Left edge of bin i.
  double edge(std::size_t i) const { return (static_cast<double>(i) - static_cast<double>(half)) * bin_width(); }
  /// Middle of bin i.
  double center(std::size_t i) const { return edge(i) + bin_width() / 2; }
  /// 2 * half counts from the lowest bin on; empty if nothing was counted.
  const std::vector<std::uint64_t>& counts() const noexcept { return counts_; }
  /// Number of values counted.
  std::uint64_t total() const noexcept {
    std::uint64_t n = 0;
    for (std::uint64_t c : counts_) n += c;
    return n;
  }

  /// A histogram from its saved parts. Throws Error if they are not valid.
  static Histogram from(int exponent, std::vector<std::uint64_t> counts) {
    detail::require(counts.empty() || counts.size() == 2 * half, "histogram: expected ", 2 * half, " bins, found ",
                    counts.size());
    detail::require(exponent >= smallest_exponent && exponent <= 128, "histogram: expected an exponent from ",
                    smallest_exponent, " to 128, found ", exponent);
    Histogram h;
    h.exponent_ = exponent;
    h.counts_ = std::move(counts);
    return h;
  }
  /// Equal if counts and bin widths are; all empty histograms are equal.
  friend bool operator==(const Histogram& a, const Histogram& b) {
    return a.counts_ == b.counts_ && (a.empty() || a.exponent_ == b.exponent_);
  }

 private:
  static constexpr int smallest_exponent = -160;

  /// Widens the bins until `largest` is below half * bin_width().
  void widen_to(float largest) {
    detail::require(std::isfinite(largest), "histogram: expected finite numbers, found ", largest);
    int needed = smallest_exponent;
    if (largest > 0) needed = std::max(needed, std::ilogb(largest) + 1 - 11);  // 2^11 = half
    if (empty()) {
      counts_.assign(2 * half, 0);
      exponent_ = needed;
    }
    while (exponent_ < needed) widen();
  }
  void widen() {
    std::vector<std::uint64_t> merged(2 * half, 0);
    for (std::int64_t i = -half; i < half; ++i) {
      const std::int64_t wide = i >= 0 ? i / 2 : (i - 1) / 2;  // floor
      merged[static_cast<std::size_t>(wide + half)] += counts_[static_cast<std::size_t>(i + half)];
    }
    counts_ = std::move(merged);
    ++exponent_;
  }

  int exponent_ = smallest_exponent;
  std::vector<std::uint64_t> counts_;
};

OCTET_END
