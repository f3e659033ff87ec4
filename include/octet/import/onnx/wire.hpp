#pragma once
#include <cstring>
#include <string_view>
#include <vector>

#include "../../core/error.hpp"
#if OCTET_EXCEPTIONS
#  include <protozero/pbf_reader.hpp>
#else
#  include "wire_reader.hpp"
#endif

/// Reads protobuf messages from files that may be damaged or malicious.
OCTET_BEGIN
namespace detail::onnx {

#if OCTET_EXCEPTIONS
using Reader = protozero::pbf_reader;
using WireType = protozero::pbf_wire_type;
using protozero::decode_varint;
#else
using wire::decode_varint;
using wire::Reader;
using wire::WireType;
#endif

/// One field of a message. Checks the wire type before reading a value, which protozero does not.
class Field {
 public:
  explicit Field(Reader& reader) : reader_(reader), number_(static_cast<int>(reader.tag())) {}

  int number() const noexcept { return number_; }
  bool was_read() const noexcept { return was_read_; }

  /// A string, bytes, or an embedded message: a view into the file's memory.
  std::string_view bytes() {
    expect(WireType::length_delimited);
    const auto v = reader_.get_view();
    return {v.data(), v.size()};
  }
  std::string text() { return std::string(bytes()); }
  std::int64_t integer() {
    expect(WireType::varint);
    return reader_.get_int64();
  }
  float real() {
    expect(WireType::fixed32);
    return reader_.get_float();
  }

  /// Calls f for each number of a repeated field, packed or not. T is float, double or an integer type.
  template <class T, class F>
  void each(F f) {
    if (reader_.wire_type() != WireType::length_delimited) {
      if constexpr (std::is_same_v<T, float>) {
        return f(real());
      } else if constexpr (std::is_same_v<T, double>) {
        expect(WireType::fixed64);
        return f(reader_.get_double());
      } else {
        return f(static_cast<T>(integer()));
      }
    }
    const std::string_view packed = bytes();
    const char* at = packed.data();
    const char* const end = at + packed.size();
    if constexpr (std::is_floating_point_v<T>) {
      require<FormatError>(packed.size() % sizeof(T) == 0, "field ", number(), " has ", packed.size(),
                           " bytes, expected a multiple of ", sizeof(T));
      for (; at != end; at += sizeof(T)) {
        T x;
        std::memcpy(&x, at, sizeof(T));
        f(x);
      }
    } else {
      while (at != end) f(static_cast<T>(decode_varint(&at, end)));
    }
  }
  template <class T>
  void append(std::vector<T>& to) {
    each<T>([&](T x) { to.push_back(x); });
  }

 private:
  void expect(WireType type) {
    require<FormatError>(reader_.wire_type() == type, "field ", number(), " has the wrong wire type ",
                         static_cast<int>(reader_.wire_type()));
    was_read_ = true;
  }
  Reader& reader_;
  int number_;
  bool was_read_ = false;
};

/// Calls f(Field&) for each field of a message. Fields that f does not read are skipped.
template <class F>
void each_field(std::string_view message, F f) {
  const auto read = [&] {
    Reader reader(message.data(), message.size());
    while (reader.next()) {
      Field field(reader);
      f(field);
      if (!field.was_read()) reader.skip();
    }
  };
#if OCTET_EXCEPTIONS
  try {
    read();
  } catch (const protozero::exception& e) {
    fail<FormatError>("the file is damaged or truncated (", e.what(), ")");
  }
#else
  read();
#endif
}

}  // namespace detail::onnx
OCTET_END
