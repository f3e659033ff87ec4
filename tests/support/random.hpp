#pragma once
#include <octet/core/random.hpp>

#include "sanitized.hpp"

namespace testing {

/// Random numbers that do not depend on the compiler and standard library.
class Random {
 public:
  explicit Random(std::uint64_t seed) : next_(seed) {}
  std::uint64_t bits() noexcept { return next_(); }
  /// An integer in [low, high].
  std::int64_t between(std::int64_t low, std::int64_t high) noexcept {
    return low + static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(int percent) noexcept { return between(1, 100) <= percent; }
  float real(float low, float high) noexcept {
    return low + (high - low) * (static_cast<float>(bits() >> 40) * (1.0f / 16777216.0f));
  }
  /// Close to a normal distribution of variance 1.
  float normal() noexcept {
    float sum = 0;
    for (int i = 0; i < 12; ++i) sum += real(-0.5f, 0.5f);
    return sum;
  }
  template <class T>
  void fill(T* p, std::int64_t n, std::int64_t low, std::int64_t high) noexcept {
    for (std::int64_t i = 0; i < n; ++i) p[i] = static_cast<T>(between(low, high));
  }
  void fill(float* p, std::int64_t n, float low = -1, float high = 1) noexcept {
    for (std::int64_t i = 0; i < n; ++i) p[i] = real(low, high);
  }

 private:
  octet::detail::SplitMix next_;
};

}  // namespace testing
