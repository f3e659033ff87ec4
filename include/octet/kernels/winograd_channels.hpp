#pragma once
#include <algorithm>
#include <vector>

#include "convolution_weights.hpp"

OCTET_BEGIN
namespace detail {

/// Whether Winograd's algorithm can be faster for such a layer, for some size of images.
inline bool suits_winograd(const KernelWindow& w, std::int64_t groups, std::int64_t in_c, std::int64_t out_c) noexcept {
  return w.square(3, 1) && groups == 1 && in_c >= 16 && out_c >= 16;
}

struct OutputChannels {
  std::int64_t first, last;
};

/// Which output channels of a layer Winograd's algorithm computes, and which direct convolution computes.
template <class T>
struct WinogradChannels {
  std::vector<OutputChannels> winograd, direct;

  WinogradChannels() = default;
  /// Groups of `width` channels whose sums are below 2^25 in magnitude if T is int8.
  WinogradChannels(const ConvolutionWeights<T>& w, std::int64_t width) {
    for (std::int64_t first = 0; first < w.out_c; first += width) {
      const std::int64_t last = std::min(w.out_c, first + width);
      bool fits = true;
      for (std::int64_t o = first; o < last; ++o) fits = fits && sums_fit(w, o);
      std::vector<OutputChannels>& list = fits ? winograd : direct;
      if (!list.empty() && list.back().last == first)
        list.back().last = last;
      else
        list.push_back({first, last});
    }
  }

 private:
  static bool sums_fit(const ConvolutionWeights<T>& w, std::int64_t channel) {
    if (sizeof(T) != 1) return true;
    std::int64_t negative = 0, positive = 0;
    for (std::int64_t i = 0; i < w.k(); ++i) {
      const auto v = static_cast<std::int64_t>(w.values[channel * w.k() + i]);
      (v < 0 ? negative : positive) += v;
    }
    constexpr std::int64_t limit = std::int64_t{1} << 25;
    const std::int64_t start = w.init ? w.init[channel] : 0;
    // `init` is null if the zero point z, in [0, 255], differs between runs: sums of weights * (q - z).
    return 255 * positive + start < limit && 255 * negative + start >= -limit;
  }
};

}  // namespace detail
OCTET_END
