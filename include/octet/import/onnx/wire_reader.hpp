#pragma once
#include <cstring>
#include <string_view>

#include "../../core/error.hpp"

/// A replacement for the parts of protozero that octet uses, for builds without exceptions, which protozero requires.
/// It has the same names and errors.
OCTET_BEGIN
namespace detail::onnx::wire {

enum class WireType : std::uint32_t { varint = 0, fixed64 = 1, length_delimited = 2, fixed32 = 5 };

inline void require_sound(bool sound, const char* problem) {
  require<FormatError>(sound, "the file is damaged or truncated (", problem, " exception)");
}

/// Decodes a varint: 7 bits per byte, lowest first; the last byte is below 128.
inline std::uint64_t decode_varint(const char** at, const char* end) {
  std::uint64_t x = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    require_sound(*at != end, "end of buffer");
    const auto byte = static_cast<std::uint8_t>(*(*at)++);
    x |= (byte & std::uint64_t{127}) << shift;
    if (byte < 128) return x;
  }
  require_sound(false, "varint too long");
  return 0;
}

/// Iterates over the fields of a message: after next(), the field has to be read or skipped.
class Reader {
 public:
  Reader(const char* data, std::size_t size) : at_(data), end_(data + size) {}

  bool next() {
    if (at_ == end_) return false;
    const auto key = static_cast<std::uint32_t>(decode_varint(&at_, end_));
    tag_ = key >> 3;
    type_ = static_cast<WireType>(key & 7);
    require_sound(tag_ != 0 && (tag_ < 19000 || tag_ > 19999), "invalid tag");
    require_sound((key & 7) <= 2 || (key & 7) == 5, "unknown pbf field type");
    return true;
  }
  std::uint32_t tag() const noexcept { return tag_; }
  WireType wire_type() const noexcept { return type_; }

  std::string_view get_view() {
    const auto size = static_cast<std::uint32_t>(decode_varint(&at_, end_));
    return {take(size), size};
  }
  std::int64_t get_int64() { return static_cast<std::int64_t>(decode_varint(&at_, end_)); }
  float get_float() { return fixed<float>(); }
  double get_double() { return fixed<double>(); }
  void skip() {
    switch (type_) {
      case WireType::varint: decode_varint(&at_, end_); break;
      case WireType::fixed64: take(8); break;
      case WireType::length_delimited: get_view(); break;
      case WireType::fixed32: take(4); break;
    }
  }

 private:
  const char* take(std::size_t n) {
    require_sound(n <= static_cast<std::size_t>(end_ - at_), "end of buffer");
    at_ += n;
    return at_ - n;
  }
  template <class T>
  T fixed() {  // little-endian, as the machines octet runs on
    T x;
    std::memcpy(&x, take(sizeof x), sizeof x);
    return x;
  }
  const char *at_, *end_;
  std::uint32_t tag_ = 0;
  WireType type_ = WireType::varint;
};

}  // namespace detail::onnx::wire
OCTET_END
