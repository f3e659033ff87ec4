#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "../../core/config.hpp"

OCTET_BEGIN
namespace detail::tflite {

/// CRC-32 as zip archives have it.
inline std::uint32_t zip_checksum(std::string_view bytes) {
  std::uint32_t crc = 0xffffffffu;
  for (char c : bytes) {
    crc ^= static_cast<std::uint8_t>(c);
    for (int k = 0; k < 8; ++k) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

/// A zip archive of one file, not compressed, to be appended to `offset` bytes. Its date is always the first that zip
/// archives have.
inline std::string appended_zip(std::size_t offset, std::string_view name, std::string_view content) {
  std::string out;
  const auto number = [&](std::size_t x, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(x >> (8 * i) & 0xff);
  };
  constexpr std::size_t version = 20, first_day = 0x21;  // 1980-01-01
  const auto facts = [&] {
    number(version, 2);
    number(0, 2);  // flags
    number(0, 2);  // not compressed
    number(0, 2);  // time
    number(first_day, 2);
    number(zip_checksum(content), 4);
    number(content.size(), 4);
    number(content.size(), 4);
    number(name.size(), 2);
    number(0, 2);  // extra field
  };
  out += "PK\x03\x04";
  facts();
  out.append(name).append(content);
  const std::size_t directory = out.size();
  out += "PK\x01\x02";
  number(version, 2);
  facts();
  number(0, 2);  // comment
  number(0, 2);  // disk
  number(0, 2);  // internal attributes
  number(0, 4);  // external attributes
  number(offset, 4);
  out.append(name);
  const std::size_t size = out.size() - directory;
  out += "PK\x05\x06";
  number(0, 4);  // disks
  number(1, 2);
  number(1, 2);
  number(size, 4);
  number(offset + directory, 4);
  number(0, 2);  // comment
  return out;
}

}  // namespace detail::tflite
OCTET_END
