#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN
namespace detail {

/// How the outputs of one image are cut into tiles of 4 x 4, with smaller ones at the right and at the bottom where 4
/// does not divide. A tile of r outputs needs only some of the six points (0, 1, -1, 2, -2, infinity) at which the
/// polynomials of the Winograd-Toom-Cook algorithm are evaluated; tiles are numbered such that those which need a point
/// are neighbours: the right column, whole tiles, the bottom row, the corner.
struct WinogradTiles {
  static constexpr int size = 4, points = 6;
  std::int64_t full_h = 0, full_w = 0, rest_h = 0, rest_w = 0;

  WinogradTiles() = default;
  WinogradTiles(std::int64_t out_h, std::int64_t out_w)
      : full_h(out_h / size), full_w(out_w / size), rest_h(out_h % size), rest_w(out_w % size) {}

  std::int64_t right() const noexcept { return rest_w ? full_h : 0; }
  std::int64_t whole() const noexcept { return full_h * full_w; }
  std::int64_t bottom() const noexcept { return rest_h ? full_w : 0; }
  std::int64_t count() const noexcept { return right() + whole() + bottom() + (rest_h && rest_w ? 1 : 0); }

  struct Tile {
    std::int64_t y, x;  // in tiles
    int rows, columns;  // outputs
  };
  Tile tile(std::int64_t i) const noexcept {
    Tile t{0, 0, size, size};
    if (i < right()) {
      t.y = i, t.x = full_w;
    } else if ((i -= right()) < whole()) {
      t.y = i / full_w, t.x = i % full_w;
    } else {
      t.y = full_h, t.x = i - whole();
    }
    if (t.y == full_h) t.rows = static_cast<int>(rest_h);
    if (t.x == full_w) t.columns = static_cast<int>(rest_w);
    return t;
  }
  /// Whether tiles of so many outputs along one dimension need point i.
  static constexpr bool needs(std::int64_t outputs, int i) noexcept {
    constexpr unsigned masks[] = {0, 0x23, 0x27, 0x2f, 0x3f};
    return (masks[outputs] >> i & 1) != 0;
  }
  struct Range {
    std::int64_t first, last;
  };
  /// The tiles that need point (i, j).
  Range needing(int i, int j) const noexcept {
    const bool at_bottom = rest_h && needs(rest_h, i), at_right = rest_w && needs(rest_w, j);
    const std::int64_t corner = rest_h && rest_w && !at_right ? 1 : 0;
    return {at_right ? 0 : right(), at_bottom ? count() - corner : right() + whole()};
  }
};

}  // namespace detail
OCTET_END
