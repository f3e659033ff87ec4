#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN
namespace detail {

/// The numbers of std::mt19937_64 (Matsumoto and Nishimura 1998), without `<random>`, which takes a tenth of a second
/// to compile.
class MersenneTwister {
 public:
  explicit MersenneTwister(std::uint64_t seed) noexcept {
    state_[0] = seed;
    for (int i = 1; i < size; ++i)
      state_[i] = 6364136223846793005u * (state_[i - 1] ^ (state_[i - 1] >> 62)) + static_cast<std::uint64_t>(i);
  }
  std::uint64_t operator()() noexcept {
    if (at_ == size) advance();
    std::uint64_t x = state_[at_++];
    x ^= (x >> 29) & 0x5555555555555555u;
    x ^= (x << 17) & 0x71d67fffeda60000u;
    x ^= (x << 37) & 0xfff7eee000000000u;
    return x ^ (x >> 43);
  }

 private:
  void advance() noexcept {
    constexpr std::uint64_t low = 0x7fffffffu;  // the lower 31 bits
    for (int i = 0; i < size; ++i) {
      const std::uint64_t x = (state_[i] & ~low) | (state_[(i + 1) % size] & low);
      state_[i] = state_[(i + size / 2) % size] ^ (x >> 1) ^ (x % 2 == 0 ? 0 : 0xb5026f5aa96619e9u);
    }
    at_ = 0;
  }

  static constexpr int size = 312;
  std::uint64_t state_[size];
  int at_ = size;
};

}  // namespace detail
OCTET_END
