#pragma once
#include <algorithm>
#include <string>

#include "../core/error.hpp"

OCTET_BEGIN
namespace detail {

/// Rejects BMP files that are shorter than their header says, or whose pixels have color indices outside the palette.
/// The decoder (stb_image) would use zeros or uninitialized memory for them.
class BmpCheck {
 public:
  BmpCheck(const std::string& bytes, const std::string& what) : bytes_(bytes), what_(what) {}

  void run() const {
    const auto file = static_cast<std::int64_t>(bytes_.size());
    const std::int64_t begin = number(10, 4), header = number(14, 4);
    const bool small = header == 12;  // BITMAPCOREHEADER
    const std::int64_t width = small ? number(18, 2) : signed_number(18),
                       rows = small ? number(20, 2) : signed_number(22);
    const std::int64_t bits = number(small ? 24 : 28, 2), height = rows < 0 ? -rows : rows;
    constexpr std::int64_t most = std::int64_t{1} << 16;
    check(width > 0 && height > 0 && width <= most && height <= most && bits <= 32, "an unknown kind of header");
    const std::int64_t row = (width * bits + 31) / 32 * 4;
    check(begin >= 14 + header && begin <= file && row * height <= file - begin, "fewer pixels than its header says");
    check(number(2, 4) <= file, "fewer bytes than its header says");
    if (bits == 1 || bits == 4 || bits == 8) check_colors(begin, row, height, width, bits);
  }

 private:
  void check(bool good, const char* problem) const {
    require<FormatError>(good, what_, " is damaged: it has ", problem);
  }
  std::int64_t number(std::size_t at, std::size_t count) const {
    check(at + count <= bytes_.size(), "an incomplete header");
    std::int64_t n = 0;
    for (std::size_t i = count; i-- > 0;) n = n << 8 | static_cast<unsigned char>(bytes_[at + i]);
    return n;
  }
  std::int64_t signed_number(std::size_t at) const {
    const std::int64_t n = number(at, 4);
    return n >= std::int64_t{1} << 31 ? n - (std::int64_t{1} << 32) : n;
  }

  void check_colors(std::int64_t begin, std::int64_t row, std::int64_t height, std::int64_t width,
                    std::int64_t bits) const {
    const std::int64_t header = number(14, 4);
    // As many as the decoder reads. With a BITMAPCOREHEADER, it ignores the last four.
    const std::int64_t colors = header == 12 ? (begin - 14 - 24) / 3 : (begin - 14 - header) / 4;
    check(colors >= 1, "no palette");
    if (colors >= std::int64_t{1} << bits) return;
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x) {
        const std::int64_t bit = x * bits;
        const auto byte = static_cast<unsigned char>(bytes_[static_cast<std::size_t>(begin + y * row + bit / 8)]);
        const int color = byte >> (8 - bits - bit % 8) & ((1 << bits) - 1);
        check(color < colors, "a color index outside its palette");
      }
  }

  const std::string& bytes_;
  const std::string& what_;
};

}  // namespace detail
OCTET_END
