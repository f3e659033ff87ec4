#pragma once
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "../core/error.hpp"

OCTET_BEGIN

/// A histogram of floats with 256 bins for each power of two and sign, whatever the range: a bin is a float without its
/// lowest 15 bits. So a single large number does not make the bins of the others wider, and the result does not depend
/// on the order of the numbers or on how they were split into parts.
class Histogram {
 public:
  /// Numbers x with low <= x < high (negative ones: low < x <= high).
  struct Bin {
    double low = 0;           ///< lower edge
    double high = 0;          ///< upper edge
    std::uint64_t count = 0;  ///< how many numbers, at least 1
    /// The middle of the bin.
    double center() const noexcept { return (low + high) / 2; }
  };
  /// Bins of either sign are numbered from 0 (zero and subnormal numbers) to largest_bin; -1 - i is the mirror of i.
  static constexpr std::int64_t largest_bin = 255 * 256 - 1;

  /// Counts n numbers. Throws Error if one is not finite.
  void add(const float* x, std::int64_t n) {
    std::uint64_t* blocks[512];
    for (std::size_t b = 0; b < 512; ++b)
      blocks[b] = blocks_.empty() || blocks_[b].empty() ? nullptr : blocks_[b].data();
    for (std::int64_t i = 0; i < n; ++i) {
      std::uint32_t bits;
      std::memcpy(&bits, x + i, sizeof bits);
      if (bits == 0x80000000u) bits = 0;  // -0
      const std::uint32_t block = bits >> 23;
      if (!blocks[block]) blocks[block] = new_block(block, x[i]);
      ++blocks[block][bits >> 15 & 255];
    }
  }

  /// Adds the counts of another histogram.
  void merge(const Histogram& o) {
    for (std::uint32_t b = 0; b < o.blocks_.size(); ++b) {
      if (o.blocks_[b].empty()) continue;
      std::uint64_t* counts = new_block(b, 0);
      for (std::size_t i = 0; i < 256; ++i) counts[i] += o.blocks_[b][i];
    }
  }

  /// Adds to the count of a bin, -1 - largest_bin to largest_bin. For readers of files.
  void add_to_bin(std::int64_t bin, std::uint64_t count) {
    detail::require(bin >= -1 - largest_bin && bin <= largest_bin, "histogram: expected a bin from ", -1 - largest_bin,
                    " to ", largest_bin, ", found ", bin);
    const auto magnitude = static_cast<std::uint32_t>(bin < 0 ? -1 - bin : bin);
    new_block((bin < 0 ? 256 : 0) + magnitude / 256, 0)[magnitude % 256] += count;
  }

  /// Whether nothing was counted.
  bool empty() const noexcept { return blocks_.empty(); }
  /// How many numbers were counted.
  std::uint64_t total() const noexcept {
    std::uint64_t n = 0;
    for (const auto& block : blocks_)
      for (std::uint64_t c : block) n += c;
    return n;
  }

  /// Calls use(bin, count) for all bins that are not empty, in ascending order.
  template <class Use>
  void each_bin(Use use) const {
    if (empty()) return;
    for (std::int64_t bin = -1 - largest_bin; bin <= largest_bin; ++bin) {
      const std::int64_t magnitude = bin < 0 ? -1 - bin : bin;
      const auto& block = blocks_[static_cast<std::size_t>((bin < 0 ? 256 : 0) + magnitude / 256)];
      if (block.empty()) {  // to its last bin in this order
        bin += bin < 0 ? magnitude % 256 : 255;
        continue;
      }
      if (const std::uint64_t count = block[static_cast<std::size_t>(magnitude % 256)]) use(bin, count);
    }
  }
  /// The bins that are not empty, in ascending order.
  std::vector<Bin> bins() const {
    std::vector<Bin> all;
    each_bin([&](std::int64_t bin, std::uint64_t count) {
      const double near = edge(bin < 0 ? -1 - bin : bin), far = edge((bin < 0 ? -1 - bin : bin) + 1);
      all.push_back(bin < 0 ? Bin{-far, -near, count} : Bin{near, far, count});
    });
    return all;
  }

  /// Whether both have the same counts.
  friend bool operator==(const Histogram& a, const Histogram& b) { return a.list() == b.list(); }

 private:
  /// The smallest number of a bin that is not negative.
  static double edge(std::int64_t bin) noexcept {
    if (bin > largest_bin) return static_cast<double>(std::numeric_limits<float>::max());
    const auto bits = static_cast<std::uint32_t>(bin) << 15;
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return static_cast<double>(x);
  }
  std::uint64_t* new_block(std::uint32_t block, float x) {
    if ((block & 255) == 255) detail::fail("histogram: expected finite numbers, found ", x);
    if (blocks_.empty()) blocks_.resize(512);
    if (blocks_[block].empty()) blocks_[block].assign(256, 0);
    return blocks_[block].data();
  }
  std::vector<std::pair<std::int64_t, std::uint64_t>> list() const {
    std::vector<std::pair<std::int64_t, std::uint64_t>> all;
    each_bin([&](std::int64_t bin, std::uint64_t count) { all.emplace_back(bin, count); });
    return all;
  }

  std::vector<std::vector<std::uint64_t>> blocks_;  // by sign and exponent: 256 counts, or none
};

OCTET_END
