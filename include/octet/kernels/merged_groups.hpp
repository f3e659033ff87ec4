#pragma once
#include <algorithm>
#include <vector>

#include "convolution_weights.hpp"

OCTET_BEGIN
namespace detail {

/// Weights of a convolution in groups of few channels, as those of fewer and larger groups, whose weights between
/// channels of different groups are 0. Products of integers with 0 change nothing, and vectors are filled better.
class MergedGroups {
 public:
  MergedGroups() = default;
  explicit MergedGroups(const ConvolutionWeights<std::int8_t>& w) {
    if (w.groups <= 1 || w.group_in <= 1 || w.group_in * w.groups != w.out_c || w.repeat != 1 || w.small) return;
    fours_ = 4 % w.group_in == 0 && w.out_c % 4 == 0 && w.out_c > 4 && !w.varies && !w.wide_images;
    while (count_ < w.groups && (w.groups % count_ != 0 || count_ * w.group_in < least_channels(w))) ++count_;
    if (count_ == 1) return;
    const std::int64_t taps = w.window.taps(), wide = count_ * w.group_in;
    values_.resize(static_cast<std::size_t>(w.out_c * taps * wide));
    for (std::int64_t o = 0; o < w.out_c; ++o) {
      const std::int64_t first = o / w.group_in % count_ * w.group_in;
      for (std::int64_t t = 0; t < taps; ++t)
        std::copy_n(w.values + (o * taps + t) * w.group_in, w.group_in, values_.data() + (o * taps + t) * wide + first);
    }
  }

  /// The merged weights, which this object holds, or `w`.
  ConvolutionWeights<std::int8_t> weights(ConvolutionWeights<std::int8_t> w) const noexcept {
    if (count_ == 1) return w;
    w.values = values_.data();
    w.group_in *= count_;
    w.groups /= count_;
    return w;
  }
  /// How many groups became one.
  std::int64_t count() const noexcept { return count_; }
  /// Whether they have four channels now, of which DepthwiseConvolution makes vectors.
  bool fours() const noexcept { return fours_; }

 private:
  /// Of a merged group. (One group of all channels can use Winograd's algorithm.)
  std::int64_t least_channels(const ConvolutionWeights<std::int8_t>& w) const noexcept {
    if (fours_) return 4;
    const bool one = w.window.square(3, 1) && !w.wide_images && w.memory != WeightMemory::small;
    return std::min<std::int64_t>(one && w.out_c <= 64 ? 64 : 16, w.out_c);
  }
  std::int64_t count_ = 1;
  bool fours_ = false;
  std::vector<std::int8_t> values_;
};

}  // namespace detail
OCTET_END
