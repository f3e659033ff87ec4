#pragma once
#include <cstddef>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "../core/error.hpp"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#  error "octet's files are little-endian"
#endif

/// Serialization of numbers, texts and lists in .octet files. Integers are varints (LEB128): 7 bits per byte, lowest
/// first, with the top bit set in all bytes but the last. Signed ones are zigzag-encoded first (0, -1, 1, -2, ...).
/// Bytes and floating-point numbers are stored unchanged. (Not by protozero: training, which
/// writes checkpoints with this, needs neither that library nor exceptions.)
OCTET_BEGIN
namespace detail {

template <class T>
constexpr bool is_packed = std::is_integral_v<T> && sizeof(T) > 1;

class ArchiveWriter {
 public:
  template <class T>
  void put(T x) {
    if constexpr (is_packed<T>) {
      auto left = static_cast<std::uint64_t>(x);
      if constexpr (std::is_signed_v<T>) left = x < 0 ? ~(left << 1) : left << 1;
      for (; left > 0x7f; left >>= 7) bytes_ += static_cast<char>(left | 0x80);
      bytes_ += static_cast<char>(left);
    } else {
      put_fixed(x);
    }
  }
  /// Writes x with the full size of its type.
  template <class T>
  void put_fixed(T x) {
    static_assert(std::is_arithmetic_v<T>);
    put_bytes(&x, sizeof(T));
  }
  void put_bytes(const void* from, std::size_t n) { bytes_.append(static_cast<const char*>(from), n); }
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

/// Reads what ArchiveWriter wrote. For any bytes, it never reads beyond the end or allocates a list that is longer than
/// the data. Throws FormatError if the bytes are not valid.
class ArchiveReader {
 public:
  ArchiveReader(const std::byte* bytes, std::size_t n) : at_(bytes), left_(n) {}

  template <class T>
  T get() {
    if constexpr (is_packed<T>) {
      const std::uint64_t all = get_packed();
      if constexpr (std::is_signed_v<T>) {
        const auto x = static_cast<std::int64_t>(all & 1 ? ~(all >> 1) : all >> 1);
        require<FormatError>(x >= std::numeric_limits<T>::min() && x <= std::numeric_limits<T>::max(), "the number ", x,
                             " is out of range");
        return static_cast<T>(x);
      } else {
        require<FormatError>(all <= std::numeric_limits<T>::max(), "the number ", all, " is out of range");
        return static_cast<T>(all);
      }
    } else {
      return get_fixed<T>();
    }
  }
  template <class T>
  T get_fixed() {
    static_assert(std::is_arithmetic_v<T>);
    T x;
    std::memcpy(&x, take(sizeof(T)), sizeof(T));
    return x;
  }
  /// The number of elements of a list, which take at least `least` bytes each.
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
    std::vector<T> list(get_count(is_packed<T> ? 1 : sizeof(T)));
    for (T& x : list) x = get<T>();
    return list;
  }
  /// An enumerator from 0 to last.
  template <class E>
  E get_enum(E last) {
    const auto x = get<std::uint8_t>();
    require<FormatError>(x <= static_cast<std::uint8_t>(last), "expected a value of at most ", static_cast<int>(last),
                         ", found ", int{x});
    return static_cast<E>(x);
  }
  bool get_flag() { return get_enum<std::uint8_t>(1) != 0; }
  /// The next n bytes.
  const std::byte* take(std::size_t n) {
    require<FormatError>(n <= left_, "the description of the model ends too early");
    const std::byte* p = at_;
    at_ += n;
    left_ -= n;
    return p;
  }
  std::size_t left() const noexcept { return left_; }

 private:
  std::uint64_t get_packed() {
    std::uint64_t x = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = std::to_integer<std::uint64_t>(*take(1)), bits = byte & 0x7f;
      require<FormatError>(bits << shift >> shift == bits, "a number has more than 64 bits");
      x |= bits << shift;
      if (byte == bits) return x;
    }
    fail<FormatError>("a number has more than 10 bytes");
  }
  const std::byte* at_;
  std::size_t left_;
};

}  // namespace detail
OCTET_END
