#pragma once
#include <array>
#include <string>

#include "../core/error.hpp"

OCTET_BEGIN
namespace detail {

/// Walks the segments of a JPEG file and rejects what the decoder (stb_image up to 2.27) does not check: Huffman tables
/// with too many symbols, tables that a scan uses before they are defined, and more scans than any encoder writes (each
/// may cover the whole image). (2.27 is the version of Debian 12; newer ones do not limit the scans either.)
class JpegCheck {
 public:
  JpegCheck(const std::string& bytes, const std::string& what) : bytes_(bytes), what_(what) {}

  void run() {
    check(bytes_.compare(0, 2, "\xff\xd8") == 0, "no start marker");
    at_ = 2;
    while (const int marker = next_marker()) {
      if (marker == 0xd9) return check(scans_ > 0, "no pixels");  // end of image
      if (marker == 0x01 || marker == 0xd8) continue;             // markers without contents
      const std::size_t length = static_cast<std::size_t>(byte(at_) << 8 | byte(at_ + 1));
      check(length >= 2 && at_ + length <= bytes_.size(), "an incomplete segment");
      const std::size_t begin = at_ + 2, end = at_ + length;
      at_ = end;
      if (marker == 0xc4) huffman_tables(begin, end);
      if (marker == 0xdb) quantization_tables(begin, end);
      if (marker == 0xc0 || marker == 0xc1 || marker == 0xc2) frame(begin, end, marker == 0xc2);
      if (marker == 0xda) scan(begin, end);
    }
    check(false, "no end marker");
  }

 private:
  struct Component {
    int id, quantization;
  };

  int byte(std::size_t i) const {
    check(i < bytes_.size(), "an incomplete segment");
    return static_cast<unsigned char>(bytes_[i]);
  }
  void check(bool good, const char* problem) const {
    require<FormatError>(good, what_, " is damaged: it has ", problem);
  }

  /// The next marker from the current position on, skipping compressed data. 0 at the end.
  int next_marker() {
    while (at_ + 1 < bytes_.size()) {
      const int a = byte(at_), b = byte(at_ + 1);
      const bool restart = b >= 0xd0 && b <= 0xd7;
      at_ += a == 0xff && b != 0xff ? 2 : 1;
      if (a == 0xff && b != 0 && b != 0xff && !restart) return b;
    }
    return 0;
  }

  void huffman_tables(std::size_t at, std::size_t end) {
    while (at < end) {
      const int kind = byte(at) >> 4, id = byte(at) & 15;
      check(kind <= 1 && id <= 3 && at + 17 <= end, "an invalid Huffman table");
      std::size_t symbols = 0;
      for (std::size_t i = 1; i <= 16; ++i) symbols += static_cast<std::size_t>(byte(at + i));
      check(symbols <= 256 && at + 17 + symbols <= end, "a Huffman table with too many symbols");
      huffman_[static_cast<std::size_t>(kind)][static_cast<std::size_t>(id)] = true;
      at += 17 + symbols;
    }
  }

  void quantization_tables(std::size_t at, std::size_t end) {
    while (at < end) {
      const int wide = byte(at) >> 4, id = byte(at) & 15;
      check(wide <= 1 && id <= 3, "an invalid quantization table");
      at += wide ? 129 : 65;
      check(at <= end, "an incomplete quantization table");
      quantization_[static_cast<std::size_t>(id)] = true;
    }
  }

  void frame(std::size_t at, std::size_t end, bool progressive) {
    check(components_ == 0, "two frames");
    check(end - at >= 6, "an incomplete frame header");
    const std::size_t n = static_cast<std::size_t>(byte(at + 5));
    check(n >= 1 && n <= 4 && end - at == 6 + 3 * n, "an unknown kind of frame");
    for (std::size_t c = 0; c < n; ++c) component_[c] = {byte(at + 6 + 3 * c), byte(at + 8 + 3 * c)};
    components_ = n;
    progressive_ = progressive;
  }

  void scan(std::size_t at, std::size_t end) {
    check(components_ > 0, "a scan before its frame");
    check(++scans_ <= 200, "more than 200 scans");
    const std::size_t n = static_cast<std::size_t>(byte(at));
    check(n >= 1 && n <= 4 && end - at == 4 + 2 * n, "an unknown kind of scan");
    const int first = byte(at + 1 + 2 * n), refines = byte(at + 3 + 2 * n) >> 4;
    for (std::size_t c = 0; c < n; ++c) {
      const int id = byte(at + 1 + 2 * c), dc = byte(at + 2 + 2 * c) >> 4, ac = byte(at + 2 + 2 * c) & 15;
      check(dc <= 3 && ac <= 3, "an unknown kind of scan");
      const bool needs_dc = !progressive_ || (first == 0 && refines == 0), needs_ac = !progressive_ || first > 0;
      check(!needs_dc || huffman_[0][static_cast<std::size_t>(dc)], "a scan without its Huffman table");
      check(!needs_ac || huffman_[1][static_cast<std::size_t>(ac)], "a scan without its Huffman table");
      for (std::size_t k = 0; k < components_; ++k)
        if (component_[k].id == id) {
          const int q = component_[k].quantization;
          check(q <= 3 && quantization_[static_cast<std::size_t>(q)], "a scan without its quantization table");
        }
    }
  }

  const std::string& bytes_;
  const std::string& what_;
  std::size_t at_ = 0, components_ = 0;
  int scans_ = 0;
  bool progressive_ = false;
  std::array<std::array<bool, 4>, 2> huffman_{};
  std::array<bool, 4> quantization_{};
  std::array<Component, 4> component_{};
};

}  // namespace detail
OCTET_END
