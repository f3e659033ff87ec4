#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "../../core/config.hpp"

/// Protocol buffers' wire format.
OCTET_BEGIN
namespace detail::onnx {

/// Writes the fields of one message, in the order of the calls.
class ProtoWriter {
 public:
  /// The bytes written so far.
  const std::string& bytes() const noexcept { return bytes_; }

  void integer(unsigned field, std::int64_t x) {
    tag(field, 0);
    varint(static_cast<std::uint64_t>(x));
  }
  void real(unsigned field, float x) {
    tag(field, 5);
    std::uint32_t b;
    std::memcpy(&b, &x, 4);
    for (int i = 0; i < 4; ++i) bytes_.push_back(static_cast<char>(b >> (8 * i) & 0xff));
  }
  void text(unsigned field, std::string_view x) {
    tag(field, 2);
    varint(x.size());
    bytes_.append(x);
  }
  void message(unsigned field, const ProtoWriter& m) { text(field, m.bytes_); }

 private:
  void tag(unsigned field, unsigned wire_type) { varint(field << 3 | wire_type); }
  void varint(std::uint64_t x) {
    for (; x >= 0x80; x >>= 7) bytes_.push_back(static_cast<char>((x & 0x7f) | 0x80));
    bytes_.push_back(static_cast<char>(x));
  }
  std::string bytes_;
};

}  // namespace detail::onnx
OCTET_END
