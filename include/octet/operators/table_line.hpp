#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "../kernels/bytes.hpp"

OCTET_BEGIN
namespace detail {

/// A table of codes computed as a line, clamp(round(q * factor + offset)), where the table is one (clips, sums and
/// products with a number, other scales): looking up takes more instructions.
class TableLine {
 public:
  TableLine() = default;
  /// Searches a line with which the kernel gives exactly the codes of the table.
  TableLine(const ByteKernels& bytes, const std::array<std::uint8_t, 256>& table) {
    if (!bytes.lines_before_lookup) return;
    line_.low = *std::min_element(table.begin(), table.end());
    line_.high = *std::max_element(table.begin(), table.end());
    line_.period = 4 * bytes.lanes;
    // Clamped codes do not determine the slope. Of the others, each result is rounded by at most 1/2, so the slope is
    // at most 1 / run from that between the first and the last one.
    int first = 0, last = 255;
    const auto at_limit = [&](int q) { return code(table, q) == line_.low || code(table, q) == line_.high; };
    while (first < last && at_limit(first)) ++first;
    while (last > first && at_limit(last)) --last;
    if (first == last) return;
    const double rise = code(table, last) - code(table, first), run = last - first;
    for (int q = first; q < last; ++q)
      if (std::abs(code(table, first) + rise * (q - first) / run - code(table, q)) > 1) return;
    double low = (rise - 1) / run, high = (rise + 1) / run;
    // The width of the interval of possible offsets is a concave function of the slope: a search by thirds finds its
    // greatest value.
    for (int i = 0; i < 40; ++i) {
      const double third = (high - low) / 3;
      if (room(table, low + third).width() < room(table, high - third).width())
        low += third;
      else
        high -= third;
    }
    const double slope = (low + high) / 2;
    const Room offsets = room(table, slope);
    if (offsets.width() <= 0) return;
    factors_.fill(static_cast<float>(slope));
    offsets_.fill(static_cast<float>((offsets.least + offsets.most) / 2));
    std::array<std::uint8_t, 256> codes;
    for (std::size_t q = 0; q < codes.size(); ++q) codes[q] = static_cast<std::uint8_t>(q);
    run_kernel(bytes, codes.data(), codes.data(), 256);
    exact_ = codes == table;
  }

  /// Whether there is such a line.
  bool exact() const noexcept { return exact_; }
  void run_kernel(const ByteKernels& bytes, const std::uint8_t* in, std::uint8_t* out, std::int64_t n) const noexcept {
    LinesU8 p = line_;
    p.factors = factors_.data();
    p.offsets = offsets_.data();
    p.in = in;
    p.out = out;
    p.count = n;
    bytes.lines(p);
  }

 private:
  struct Room {
    double least = -1e9, most = 1e9;
    double width() const { return most - least; }
  };
  static int code(const std::array<std::uint8_t, 256>& table, int q) { return table[static_cast<std::size_t>(q)]; }

  /// The offsets with which all codes are those of the table.
  Room room(const std::array<std::uint8_t, 256>& table, double slope) const {
    Room r;
    for (int q = 0; q < 256; ++q) {
      const int y = code(table, q);
      const double offset = y - slope * q;
      if (y != line_.low) r.least = std::max(r.least, offset - 0.5);
      if (y != line_.high) r.most = std::min(r.most, offset + 0.5);
    }
    return r;
  }

  static constexpr std::size_t most_lanes = 16;
  LinesU8 line_;  // limits
  alignas(64) std::array<float, 4 * most_lanes> factors_{};
  alignas(64) std::array<float, 4 * most_lanes> offsets_{};
  bool exact_ = false;
};

}  // namespace detail
OCTET_END
