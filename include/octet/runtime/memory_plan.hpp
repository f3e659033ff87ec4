#pragma once
#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

#include "../core/index.hpp"

OCTET_BEGIN
namespace detail {

/// A buffer that is needed from step `first` through step `last`.
struct Lifetime {
  std::size_t bytes = 0;
  int first = 0, last = 0;
};

struct MemoryPlan {
  std::vector<std::size_t> offsets;  // one per buffer, multiples of 64
  std::size_t bytes = 0;             // of the whole arena
};

/// Places buffers in one arena so that those alive at the same time do not overlap. Greedy: largest first, each at the
/// lowest offset where it fits.
inline MemoryPlan plan_memory(const std::vector<Lifetime>& buffers) {
  MemoryPlan plan;
  plan.offsets.assign(buffers.size(), 0);
  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return buffers[a].bytes > buffers[b].bytes; });
  std::vector<std::size_t> placed;  // by offset
  for (std::size_t b : order) {
    const std::size_t size = round_up(buffers[b].bytes, 64);
    std::size_t at = 0;
    for (std::size_t other : placed) {
      if (buffers[other].last < buffers[b].first || buffers[b].last < buffers[other].first) continue;
      if (plan.offsets[other] >= at + size) break;
      at = std::max(at, plan.offsets[other] + round_up(buffers[other].bytes, 64));
    }
    plan.offsets[b] = at;
    plan.bytes = std::max(plan.bytes, at + size);
    const auto by_offset = [&](std::size_t x, std::size_t y) { return plan.offsets[x] < plan.offsets[y]; };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), b, by_offset), b);
  }
  return plan;
}

}  // namespace detail
OCTET_END
