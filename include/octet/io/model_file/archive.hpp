#pragma once
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "../../core/error.hpp"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#  error "octet's files are little-endian"
#endif

/// Numbers, texts and lists one after the other, as .octet files hold them.
OCTET_BEGIN
namespace detail {

class ArchiveWriter {
 public:
  template <class T>
  void put(T x) {
    static_assert(std::is_arithmetic_v<T>);
    char raw[sizeof(T)];
    std::memcpy(raw, &x, sizeof(T));
    bytes_.append(raw, sizeof(T));
  }
  void put_count(std::size_t n) {
    require(n <= 0xffffffffu, "a list of ", n, " elements is too long for a model file");
    put(static_cast<std::uint32_t>(n));
  }
  void put(const std::string& text) {
    put_count(text.size());
    bytes_ += text;
  }
  template <class T>
  void put(const std::vector<T>& list) {
    put_count(list.size());
    for (T x : list) put(x);
  }
  const std::string& bytes() const noexcept { return bytes_; }

 private:
  std::string bytes_;
};

/// Reads what a writer wrote. Whatever the bytes are, nothing beyond their end is read, and no list longer
/// than they could hold is made.
class ArchiveReader {
 public:
  ArchiveReader(const std::byte* bytes, std::size_t n) : at_(bytes), left_(n) {}

  template <class T>
  T get() {
    static_assert(std::is_arithmetic_v<T>);
    T x;
    std::memcpy(&x, take(sizeof(T)), sizeof(T));
    return x;
  }
  /// A count of things that take at least `least` bytes each.
  std::size_t get_count(std::size_t least) {
    const auto n = get<std::uint32_t>();
    require<FormatError>(n <= left_ / least, "a list of ", n, " elements is longer than the file");
    return n;
  }
  std::string get_text() {
    const std::size_t n = get_count(1);
    return {reinterpret_cast<const char*>(take(n)), n};
  }
  template <class T>
  std::vector<T> get_list() {
    std::vector<T> list(get_count(sizeof(T)));
    for (T& x : list) x = get<T>();
    return list;
  }
  /// An enumeration with values 0 .. last.
  template <class E>
  E get_enum(E last) {
    const auto x = get<std::uint8_t>();
    require<FormatError>(x <= static_cast<std::uint8_t>(last), "a value of ", int{x}, " where at most ",
                         static_cast<int>(last), " can stand");
    return static_cast<E>(x);
  }
  bool get_flag() { return get_enum<std::uint8_t>(1) != 0; }
  /// The next n bytes as they are.
  const std::byte* take(std::size_t n) {
    require<FormatError>(n <= left_, "the description of the model ends too early");
    const std::byte* p = at_;
    at_ += n, left_ -= n;
    return p;
  }
  std::size_t left() const noexcept { return left_; }

 private:
  const std::byte* at_;
  std::size_t left_;
};

}  // namespace detail
OCTET_END
