#pragma once
#include <map>
#include <numeric>
#include <vector>

#include "channel_classes.hpp"

OCTET_BEGIN
namespace detail {

/// Groups of tensors that share classes of channels. A group is named by the number of one of its tensors.
class ChannelGroups {
 public:
  ChannelGroups(const Graph& g, const ChannelClasses& classes) : next_(g.values.size()) {
    std::iota(next_.begin(), next_.end(), std::size_t{0});
    std::map<std::size_t, std::size_t> of_class;  // one of its tensors
    for (int v = 0; v < static_cast<int>(g.values.size()); ++v)
      for (std::int64_t c = 0; c < classes.channels(v); ++c) {
        const auto [found, fresh] = of_class.emplace(classes.of(v, c), at(v));
        if (!fresh) next_[of(v)] = of(static_cast<int>(found->second));
      }
    for (const auto& [k, v] : of_class) members_[of(static_cast<int>(v))].push_back(k);
  }

  /// The group of a tensor.
  std::size_t of(int v) const {
    std::size_t i = at(v);
    while (next_[i] != i) i = next_[i];
    return i;
  }
  /// The classes of each group.
  const std::map<std::size_t, std::vector<std::size_t>>& members() const noexcept { return members_; }

 private:
  std::vector<std::size_t> next_;  // of each tensor: another one of its group, or itself
  std::map<std::size_t, std::vector<std::size_t>> members_;
};

}  // namespace detail
OCTET_END
