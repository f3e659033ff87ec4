#pragma once
#include <zlib.h>

#include <string>

#include "../core/error.hpp"

OCTET_BEGIN
namespace detail {

/// Checks what the PNG decoder (stb_image) ignores: the checksums of the chunks (CRC-32) and of the pixels (Adler-32),
/// the size of the decompressed pixels, and the end of the file.
class PngCheck {
 public:
  PngCheck(const std::string& bytes, const std::string& what) : bytes_(bytes), what_(what) {}
  PngCheck(const PngCheck&) = delete;
  PngCheck& operator=(const PngCheck&) = delete;
  ~PngCheck() {
    if (unpacking_) inflateEnd(&stream_);
  }

  void run() {
    at_ = 8;  // after the signature
    for (bool end = false; !end;) {
      const std::size_t length = number(at_);
      check(length <= bytes_.size() - at_ && bytes_.size() - at_ - length >= 12, "an incomplete chunk");
      const std::string type = bytes_.substr(at_ + 4, 4);
      const uLong sum = crc32(0, data(at_ + 4), static_cast<uInt>(length + 4));
      check(sum == number(at_ + 8 + length), "a chunk with a wrong checksum");
      if (type == "CgBI") apple_ = true;
      if (type == "IHDR") header(at_ + 8, length);
      if (type == "IDAT") unpack(at_ + 8, length);
      end = type == "IEND";
      at_ += length + 12;
    }
    check(expected_ > 0 && complete_ && unpacked_ == expected_, "fewer pixels than its header says");
  }

 private:
  void check(bool good, const char* problem) const {
    require<FormatError>(good, what_, " is damaged: it has ", problem);
  }
  const Bytef* data(std::size_t at) const { return reinterpret_cast<const Bytef*>(bytes_.data() + at); }
  std::uint32_t number(std::size_t at) const {
    check(at + 4 <= bytes_.size(), "no end");
    std::uint32_t n = 0;
    for (std::size_t i = 0; i < 4; ++i) n = n << 8 | static_cast<unsigned char>(bytes_[at + i]);
    return n;
  }

  void header(std::size_t at, std::size_t length) {
    check(length == 13 && expected_ == 0, "an unknown kind of header");
    static constexpr std::uint64_t channels_of[] = {1, 0, 3, 1, 2, 0, 4};
    const std::uint64_t width = number(at), height = number(at + 4);
    const auto depth = static_cast<unsigned char>(bytes_[at + 8]), color = static_cast<unsigned char>(bytes_[at + 9]);
    check(width > 0 && height > 0 && width < std::uint64_t{1} << 31 && height < std::uint64_t{1} << 31 && depth >= 1 &&
              depth <= 16 && color < 7 && channels_of[color] > 0,
          "an unknown kind of header");
    const std::uint64_t bits = depth * channels_of[color];
    // Each row starts with a filter byte.
    const auto pass = [&](std::uint64_t w, std::uint64_t h) { return w && h ? ((w * bits + 7) / 8 + 1) * h : 0; };
    const auto part = [](std::uint64_t n, std::uint64_t first, std::uint64_t step) {
      return (n + step - 1 - first) / step;
    };
    if (bytes_[at + 12] == 0) {
      expected_ = pass(width, height);
      return;
    }
    static constexpr std::uint64_t passes[7][4] = {{0, 8, 0, 8}, {4, 8, 0, 8}, {0, 4, 4, 8}, {2, 4, 0, 4},
                                                   {0, 2, 2, 4}, {1, 2, 0, 2}, {0, 1, 1, 2}};
    for (const auto& p : passes) expected_ += pass(part(width, p[0], p[1]), part(height, p[2], p[3]));
  }

  void unpack(std::size_t at, std::size_t length) {
    check(expected_ > 0, "pixels before its header");
    if (!unpacking_) {
      // Apple's CgBI variant has neither zlib's header nor its checksum.
      require(inflateInit2(&stream_, apple_ ? -MAX_WBITS : MAX_WBITS) == Z_OK, "zlib cannot be started");
      unpacking_ = true;
    }
    stream_.next_in = const_cast<Bytef*>(data(at));
    stream_.avail_in = static_cast<uInt>(length);
    while (!complete_) {
      stream_.next_out = buffer_;
      stream_.avail_out = sizeof buffer_;
      const int status = inflate(&stream_, Z_NO_FLUSH);
      unpacked_ += sizeof buffer_ - stream_.avail_out;
      if (status == Z_BUF_ERROR) return;  // the stream continues in the next chunk
      check(status == Z_OK || status == Z_STREAM_END, "pixels that cannot be decompressed, or a wrong checksum");
      check(unpacked_ <= expected_, "more pixels than its header says");
      complete_ = status == Z_STREAM_END;
    }
  }

  const std::string& bytes_;
  const std::string& what_;
  std::size_t at_ = 0;
  std::uint64_t expected_ = 0, unpacked_ = 0;  // bytes of the rows
  bool apple_ = false, unpacking_ = false, complete_ = false;
  z_stream stream_{};
  Bytef buffer_[16384];
};

}  // namespace detail
OCTET_END
