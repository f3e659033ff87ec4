#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../core/config.hpp"

OCTET_BEGIN
namespace detail {

/// A fast 64-bit checksum. Each of four lanes takes every fourth 64-bit word:
///   lane = rotate_left(lane + word * p, 31) * q.
/// The last block is padded with zeros. The lanes and the length are then combined by the same step. Each step is a
/// bijection of the lane and of the word, so a change within one word is always detected; other changes are missed with
/// probability 2^-64. (Not zlib's crc32, which takes twice as long: training, whose checkpoints
/// have this checksum, needs no zlib.)
class Checksum {
 public:
  void add(const void* data, std::size_t n) noexcept {
    if (n == 0) return;
    const auto* p = static_cast<const unsigned char*>(data);
    length_ += n;
    if (held_ != 0) {
      const std::size_t part = n < block - held_ ? n : block - held_;
      std::memcpy(rest_.data() + held_, p, part);
      held_ += part;
      p += part;
      n -= part;
      if (held_ < block) return;
      take(lanes_, rest_.data());
      held_ = 0;
    }
    std::array<std::uint64_t, 4> lanes = lanes_;  // in registers
    for (; n >= block; p += block, n -= block) take(lanes, p);
    lanes_ = lanes;
    std::memcpy(rest_.data(), p, n);
    held_ = n;
  }
  std::uint64_t value() const noexcept {
    Checksum last = *this;
    if (held_ != 0) {
      std::memset(last.rest_.data() + held_, 0, block - held_);
      take(last.lanes_, last.rest_.data());
    }
    std::uint64_t h = length_;
    for (std::uint64_t lane : last.lanes_) h = step(h, lane);
    h ^= h >> 32;
    return step(h, h >> 29);
  }

 private:
  static constexpr std::size_t block = 32;
  static std::uint64_t step(std::uint64_t lane, std::uint64_t word) noexcept {
    constexpr std::uint64_t p = 0x9e3779b97f4a7c15u, q = 0xd6e8feb86659fd93u;  // odd
    const std::uint64_t x = lane + word * p;
    return (x << 31 | x >> 33) * q;
  }
  static void take(std::array<std::uint64_t, 4>& lanes, const unsigned char* p) noexcept {
    std::array<std::uint64_t, 4> words;
    std::memcpy(words.data(), p, block);
    for (std::size_t i = 0; i < 4; ++i) lanes[i] = step(lanes[i], words[i]);
  }

  std::array<std::uint64_t, 4> lanes_{1, 2, 3, 4};
  std::array<unsigned char, block> rest_{};
  std::size_t held_ = 0;
  std::uint64_t length_ = 0;
};

}  // namespace detail
OCTET_END
