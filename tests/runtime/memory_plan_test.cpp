#include <doctest/doctest.h>

#include <octet/runtime/memory_plan.hpp>

#include "support/random.hpp"

using namespace octet::detail;

namespace {

bool alive_together(const Lifetime& a, const Lifetime& b) { return a.first <= b.last && b.first <= a.last; }

int overlaps(const std::vector<Lifetime>& buffers, const MemoryPlan& plan) {
  int n = 0;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    n += plan.offsets[i] % 64 != 0 || plan.offsets[i] + buffers[i].bytes > plan.bytes;
    for (std::size_t j = 0; j < i; ++j)
      n += alive_together(buffers[i], buffers[j]) && plan.offsets[i] < plan.offsets[j] + buffers[j].bytes &&
           plan.offsets[j] < plan.offsets[i] + buffers[i].bytes;
  }
  return n;
}

std::size_t rounded(std::size_t n) { return (n + 63) / 64 * 64; }

/// A lower bound for any plan: the largest sum of buffers that are alive at one step.
std::size_t lower_bound(const std::vector<Lifetime>& buffers, int steps) {
  std::size_t most = 0;
  for (int s = 0; s < steps; ++s) {
    std::size_t sum = 0;
    for (const Lifetime& b : buffers) sum += b.first <= s && s <= b.last ? rounded(b.bytes) : 0;
    most = std::max(most, sum);
  }
  return most;
}

}  // namespace

TEST_CASE("memory plan: buffers alive at the same time never overlap") {
  testing::Random random(50);
  for (int round = 0; round < 2000; ++round) {
    const int steps = static_cast<int>(random.between(1, 40));
    std::vector<Lifetime> buffers(static_cast<std::size_t>(random.between(0, 60)));
    for (Lifetime& b : buffers) {
      b.bytes = static_cast<std::size_t>(random.chance(10) ? 0 : random.between(1, random.chance(50) ? 100 : 100000));
      b.first = static_cast<int>(random.between(0, steps - 1));
      b.last = static_cast<int>(random.between(b.first, steps - 1));
    }
    const MemoryPlan plan = plan_memory(buffers);
    REQUIRE(plan.offsets.size() == buffers.size());
    CHECK(overlaps(buffers, plan) == 0);
    CHECK(plan.bytes >= lower_bound(buffers, steps));
    CHECK(overlaps(buffers, plan_memory_in_order(buffers)) == 0);
  }
}

TEST_CASE("memory plan: many buffers take little time") {
  constexpr int n = 200000;
  std::vector<Lifetime> chain, together;
  for (int i = 0; i < n; ++i) {
    chain.push_back({1000, i, i + 1});
    together.push_back({1000, i, n});
  }
  CHECK(plan_memory(chain).bytes == 2 * 1024);
  CHECK(plan_memory(together).bytes == std::size_t{1024} * n);
}

TEST_CASE("memory plan: a chain of layers takes two buffers") {
  std::vector<Lifetime> chain;
  for (int i = 0; i < 30; ++i) chain.push_back({1000, i, i + 1});
  CHECK(plan_memory(chain).bytes == 2 * 1024);
  // For typical networks, whose sizes decrease, the plan is optimal.
  std::vector<Lifetime> shrinking;
  for (int i = 0; i < 30; ++i) shrinking.push_back({static_cast<std::size_t>(100000 >> i / 3), i, i + 1});
  CHECK(plan_memory(shrinking).bytes == lower_bound(shrinking, 31));
}

TEST_CASE("memory plan: nothing to place") {
  CHECK(plan_memory({}).bytes == 0);
  CHECK(plan_memory({{0, 0, 5}, {0, 0, 5}}).bytes == 0);
}
