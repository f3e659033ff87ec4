#pragma once
#include "calibration.hpp"
#include "rescale.hpp"
#include "unsummed.hpp"

OCTET_BEGIN
namespace detail {

/// Multiplies the channels of a tensor by powers of two. Its range becomes that of its channels, narrowed in the same
/// proportion as the method narrowed the range of the tensor.
inline void rescale(TensorStatistics& t, const Range& chosen, const std::vector<int>& e) {
  const Range before = t.seen;
  t.seen = {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()};
  for (std::size_t c = 0; c < t.channel_ranges.size(); ++c) {
    Range& r = t.channel_ranges[c];
    r = {std::ldexp(r.low, e[c]), std::ldexp(r.high, e[c])};
    t.seen = {std::min(t.seen.low, r.low), std::max(t.seen.high, r.high)};
    if (c < t.channel_sums.size()) t.channel_sums[c] = std::ldexp(t.channel_sums[c], e[c]);
  }
  const auto narrowed = [](float now, float chosen_end, float seen_end) {
    const float part = seen_end == 0 ? 1 : chosen_end / seen_end;
    return part > 0 && part < 1 ? now * part : now;
  };
  t.given = Range{narrowed(t.seen.low, chosen.low, before.low), narrowed(t.seen.high, chosen.high, before.high)};
  t.histogram = {};
  t.samples.clear();
}

/// The calibration of the rescaled model.
inline Calibration rescaled(const Calibration& calibration, const ChannelExponents& exponents) {
  Calibration all = calibration;
  for (const auto& [tensor, e] : exponents) {
    if (const auto found = all.tensors.find(tensor); found != all.tensors.end())  // else a constant
      rescale(found->second, calibration.range(tensor), e);
    const std::string unsummed = unsummed_name(tensor);
    const auto found = all.tensors.find(unsummed);
    if (found == all.tensors.end()) continue;
    if (found->second.channel_ranges.size() == e.size())
      rescale(found->second, calibration.range(unsummed), e);
    else
      all.tensors.erase(found);
  }
  return all;
}

}  // namespace detail
OCTET_END
