#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN
namespace detail {

/// Divides the outputs of a batch of images into tiles of 4 x 4, with smaller ones at the right and bottom border if 4
/// does not divide the size. A tile of r outputs needs only some of the six points (0, 1, -1, 2, -2, infinity) at which
/// the polynomials of the Winograd-Toom-Cook algorithm are evaluated. Tiles are numbered such that those which need a
/// point are consecutive: the right columns of all images, the whole tiles, the bottom rows, the corners.
struct WinogradTiles {
  static constexpr int size = 4, points = 6;
  std::int64_t images = 0, full_h = 0, full_w = 0, rest_h = 0, rest_w = 0;

  WinogradTiles() = default;
  WinogradTiles(std::int64_t batch, std::int64_t out_h, std::int64_t out_w)
      : images(batch), full_h(out_h / size), full_w(out_w / size), rest_h(out_h % size), rest_w(out_w % size) {}

  std::int64_t right() const noexcept { return rest_w ? images * full_h : 0; }
  std::int64_t whole() const noexcept { return images * full_h * full_w; }
  std::int64_t bottom() const noexcept { return rest_h ? images * full_w : 0; }
  std::int64_t corners() const noexcept { return rest_h && rest_w ? images : 0; }
  std::int64_t count() const noexcept { return right() + whole() + bottom() + corners(); }

  struct Tile {
    std::int64_t image, y, x;  // coordinates of its first output
    int rows, columns;         // numbers of outputs
  };
  Tile tile(std::int64_t i) const noexcept {
    const auto at = [&](std::int64_t image, std::int64_t y, std::int64_t x) {
      return Tile{image, y * size, x * size, static_cast<int>(y == full_h ? rest_h : size),
                  static_cast<int>(x == full_w ? rest_w : size)};
    };
    if (i < right()) return at(i / full_h, i % full_h, full_w);
    if ((i -= right()) < whole()) return at(i / full_w / full_h, i / full_w % full_h, i % full_w);
    if ((i -= whole()) < bottom()) return at(i / full_w, full_h, i % full_w);
    return at(i - bottom(), full_h, full_w);
  }
  std::int64_t out_h() const noexcept { return full_h * size + rest_h; }
  std::int64_t out_w() const noexcept { return full_w * size + rest_w; }
  /// Whether a tile of so many outputs along one dimension needs point i.
  static constexpr bool needs(std::int64_t outputs, int i) noexcept {
    constexpr unsigned masks[] = {0, 0x23, 0x27, 0x2f, 0x3f};
    return (masks[outputs] >> i & 1) != 0;
  }
  struct Range {
    std::int64_t first, last;
  };
  /// The range of tiles that need point (i, j).
  Range needing(int i, int j) const noexcept {
    const bool at_bottom = rest_h && needs(rest_h, i), at_right = rest_w && needs(rest_w, j);
    return {at_right ? 0 : right(), at_bottom ? count() - (at_right ? 0 : corners()) : right() + whole()};
  }
};

}  // namespace detail
OCTET_END
