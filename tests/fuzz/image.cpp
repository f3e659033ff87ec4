#include <zlib.h>
#include <octet/data/image.hpp>

#include "fuzz.hpp"

namespace {

/// Corrects the checksums of the chunks of a PNG file, which a fuzzer would not find.
void seal_png(std::string& file) {
  const auto number = [&](std::size_t at) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < 4; ++i) n = n << 8 | static_cast<unsigned char>(file[at + i]);
    return n;
  };
  for (std::size_t at = 8; at + 12 <= file.size();) {
    const std::size_t length = number(at);
    if (length > file.size() - at - 12) return;
    const auto sum = crc32(0, reinterpret_cast<const Bytef*>(&file[at + 4]), static_cast<uInt>(length + 4));
    for (std::size_t i = 0; i < 4; ++i) file[at + 8 + length + i] = static_cast<char>(sum >> (24 - 8 * i) & 255);
    at += length + 12;
  }
}

}  // namespace

/// JPEG, PNG and BMP files.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t n) {
  using namespace fuzzing;
  std::string file(reinterpret_cast<const char*>(bytes), n);
  if (n > 8 && file[0] == '\x89') seal_png(file);
  // A pixel may take one bit of a file, compressed by zlib's largest factor.
  bounded(n, 8 * 1032 * 16, [&] { decode_image(file); });
  return 0;
}
