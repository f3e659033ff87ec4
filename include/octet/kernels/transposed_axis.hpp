#pragma once
#include <algorithm>
#include <cstdint>
#include <numeric>

#include "../core/config.hpp"

OCTET_BEGIN
namespace detail {

/// A transposed convolution along one dimension: input i times tap k is added to output i * stride + k * dilation -
/// before.
struct TransposedAxis {
  std::int64_t in = 1, out = 1, kernel = 1, stride = 1, dilation = 1, before = 0;

  /// Taps with a distance of `period` contribute to the same outputs.
  std::int64_t period() const noexcept { return stride / std::gcd(stride, dilation); }
  std::int64_t phases() const noexcept { return std::min(kernel, period()); }
  std::int64_t taps(std::int64_t phase) const noexcept { return (kernel - phase + period() - 1) / period(); }
  /// The dilation of the ordinary convolution for a phase.
  std::int64_t step() const noexcept { return dilation / std::gcd(stride, dilation); }
  std::int64_t last_tap(std::int64_t phase) const noexcept { return phase + (taps(phase) - 1) * period(); }
  /// The first output of a phase. The others follow in steps of the stride.
  std::int64_t first(std::int64_t phase) const noexcept {
    return ((phase * dilation - before) % stride + stride) % stride;
  }
  std::int64_t count(std::int64_t phase) const noexcept {
    return first(phase) < out ? (out - 1 - first(phase)) / stride + 1 : 0;
  }
  /// The input element at the first tap of the first output.
  std::int64_t start(std::int64_t phase) const noexcept {
    return (first(phase) + before - last_tap(phase) * dilation) / stride;
  }
};

}  // namespace detail
OCTET_END
