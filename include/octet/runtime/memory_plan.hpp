#pragma once
#include <algorithm>
#include <cstddef>
#include <map>
#include <numeric>
#include <set>
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
  std::vector<std::size_t> offsets;  // one per buffer, multiples of the alignment
  std::size_t bytes = 0;             // of the whole arena
};

/// As plan_memory, for many buffers: in the order of their first step, each in the smallest gap where it fits. Takes
/// n log n steps, and may need more memory.
inline MemoryPlan plan_memory_in_order(const std::vector<Lifetime>& buffers, std::size_t alignment = 64) {
  MemoryPlan plan;
  plan.offsets.assign(buffers.size(), 0);
  std::vector<std::size_t> begins(buffers.size());
  std::iota(begins.begin(), begins.end(), std::size_t{0});
  std::vector<std::size_t> ends = begins;
  std::stable_sort(begins.begin(), begins.end(),
                   [&](std::size_t a, std::size_t b) { return buffers[a].first < buffers[b].first; });
  std::stable_sort(ends.begin(), ends.end(),
                   [&](std::size_t a, std::size_t b) { return buffers[a].last < buffers[b].last; });
  std::map<std::size_t, std::size_t> gaps;                // offset, size
  std::set<std::pair<std::size_t, std::size_t>> by_size;  // size, offset
  const auto add = [&](std::size_t at, std::size_t size) {
    gaps[at] = size;
    by_size.emplace(size, at);
  };
  const auto take = [&](std::map<std::size_t, std::size_t>::iterator gap) {
    const auto [at, size] = *gap;
    by_size.erase({size, at});
    gaps.erase(gap);
    return size;
  };
  const auto release = [&](std::size_t at, std::size_t size) {
    const auto after = gaps.find(at + size);
    if (after != gaps.end()) size += take(after);
    const auto next = gaps.lower_bound(at);
    if (next != gaps.begin())
      if (const auto before = std::prev(next); before->first + before->second == at) {
        at = before->first;
        size += take(before);
      }
    add(at, size);
  };
  std::size_t done = 0;  // of `ends`
  for (const std::size_t b : begins) {
    for (; buffers[ends[done]].last < buffers[b].first; ++done)
      if (const std::size_t size = round_up(buffers[ends[done]].bytes, alignment))
        release(plan.offsets[ends[done]], size);
    const std::size_t size = round_up(buffers[b].bytes, alignment);
    if (size == 0) continue;
    const auto fit = by_size.lower_bound({size, 0});
    std::size_t at = plan.bytes;
    if (fit != by_size.end()) {
      at = fit->second;
      const std::size_t whole = take(gaps.find(at));
      if (whole > size) add(at + size, whole - size);
    } else if (!gaps.empty() && gaps.rbegin()->first + gaps.rbegin()->second == plan.bytes) {  // grows at the end
      at = gaps.rbegin()->first;
      take(std::prev(gaps.end()));
    }
    plan.offsets[b] = at;
    plan.bytes = std::max(plan.bytes, at + size);
  }
  return plan;
}

/// Places buffers in one arena so that those alive at the same time do not overlap. Greedy: largest first, each at the
/// lowest offset where it fits.
inline MemoryPlan plan_memory(const std::vector<Lifetime>& buffers, std::size_t alignment = 64) {
  constexpr std::size_t many = 4096;  // the search below takes time in proportion to the square
  if (buffers.size() > many) return plan_memory_in_order(buffers, alignment);
  MemoryPlan plan;
  plan.offsets.assign(buffers.size(), 0);
  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return buffers[a].bytes > buffers[b].bytes; });
  std::vector<std::size_t> placed;  // by offset
  for (std::size_t b : order) {
    const std::size_t size = round_up(buffers[b].bytes, alignment);
    std::size_t at = 0;
    for (std::size_t other : placed) {
      if (buffers[other].last < buffers[b].first || buffers[b].last < buffers[other].first) continue;
      if (plan.offsets[other] >= at + size) break;
      at = std::max(at, plan.offsets[other] + round_up(buffers[other].bytes, alignment));
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
