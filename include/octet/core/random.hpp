#pragma once
#include <cstdint>

#include "rounded.hpp"

OCTET_BEGIN
namespace detail {

/// SplitMix64 (Steele et al. 2014): random numbers that do not depend on the compiler. The state is one 64-bit number,
/// and any number is a good seed.
class SplitMix {
 public:
  explicit SplitMix(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t operator()() noexcept { return mixed(state_ += step); }
  /// Uniform in [low, high).
  double operator()(double low, double high) noexcept {
    return low + rounded((high - low) * static_cast<double>((*this)() >> 11) * 0x1p-53);
  }
  /// Uniform integer in [0, n).
  std::int64_t below(std::int64_t n) noexcept {
    return static_cast<std::int64_t>((*this)() % static_cast<std::uint64_t>(n));
  }

  static constexpr std::uint64_t step = 0x9e3779b97f4a7c15u;
  static std::uint64_t mixed(std::uint64_t z) noexcept {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// The seed of the i-th independent sequence derived from `seed`.
  static std::uint64_t seed_of(std::uint64_t seed, std::int64_t i) noexcept {
    return mixed(seed + (static_cast<std::uint64_t>(i) + 1) * step);
  }

 private:
  std::uint64_t state_;
};

}  // namespace detail
OCTET_END
