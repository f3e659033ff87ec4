#pragma once
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "../../core/error.hpp"

/// Options of custom operators: a FlexBuffers map of texts, numbers and lists of numbers. The reader of FlatBuffers is
/// not used, because it requires linking with libflatbuffers.
OCTET_BEGIN
namespace detail::tflite {

/// A text, a number, or a list of numbers.
struct FlexValue {
  bool is_text = false, is_list = false, is_whole = true;  // is_whole: only integers
  std::string text;
  std::vector<std::int64_t> integers;
  std::vector<double> reals;  // the same numbers
};

/// Reads the format from its end: the root's value, type and width. Positions are offsets in the buffer.
class FlexReader {
 public:
  explicit FlexReader(const std::vector<std::uint8_t>& bytes) : bytes_(bytes), left_(16 * bytes.size()) {}

  std::map<std::string, FlexValue> map() {
    std::map<std::string, FlexValue> all;
    const std::size_t n = bytes_.size();
    check(n >= 3 && bytes_[n - 1] <= n - 2);
    const std::size_t root_width = bytes_[n - 1], packed = bytes_[n - 2];
    check(packed >> 2 == map_type);
    const std::size_t values = target(n - 2 - root_width, root_width), width = width_of(packed);
    const std::size_t count = count_of(values, width), keys_at = back(values, 3 * width);
    const std::size_t keys = target(keys_at, width), key_width = number(keys_at + width, width);
    check(count_of(keys, key_width) == count);
    const std::size_t types = values + count * width;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t type = number(types + i, 1);
      all[key(target(keys + i * key_width, key_width))] = value(values + i * width, width, type);
    }
    return all;
  }

 private:
  static constexpr std::size_t int_type = 1, uint_type = 2, float_type = 3, string_type = 5, indirect_int = 6,
                               indirect_float = 8, map_type = 9, vector_type = 10, int_vector = 11, float_vector = 13,
                               int_pair = 16, float_four = 24, bool_type = 26, bool_vector = 36;

  static void check(bool good) {
    require<FormatError>(good, "has options that are not a FlexBuffers map of parameters");
  }
  static std::size_t width_of(std::size_t packed) { return std::size_t{1} << (packed & 3); }

  /// Counts the memory of a copy: a small file could refer to the same bytes many times.
  void spend(std::size_t n) {
    check(n <= left_);
    left_ -= n;
  }
  static std::size_t back(std::size_t at, std::size_t n) {
    check(n <= at);
    return at - n;
  }
  std::uint64_t number(std::size_t at, std::size_t width) const {
    check((width == 1 || width == 2 || width == 4 || width == 8) && at <= bytes_.size() && width <= bytes_.size() - at);
    std::uint64_t x = 0;
    std::memcpy(&x, &bytes_[at], width);
    return x;
  }
  std::size_t target(std::size_t at, std::size_t width) const { return back(at, number(at, width)); }
  /// The number of elements at `list`. Checks that all of them, with that many bytes each, are in the buffer.
  std::size_t count_of(std::size_t list, std::size_t width) const {
    const std::uint64_t n = number(back(list, width), width);
    check(n <= (bytes_.size() - list) / width);
    return n;
  }
  std::string key(std::size_t at) {
    std::string text;
    for (; number(at, 1) != 0; ++at) {
      spend(1);
      text += static_cast<char>(bytes_[at]);
    }
    return text;
  }

  void add(FlexValue& to, std::size_t at, std::size_t width, std::size_t type) {
    spend(1);
    const std::uint64_t x = number(at, width);
    if (type == float_type) {
      check(width >= 4);
      float single = 0;
      double real = 0;
      std::memcpy(&single, &x, sizeof single);
      std::memcpy(&real, &x, sizeof real);
      to.reals.push_back(width == 4 ? static_cast<double>(single) : real);
      to.is_whole = false;
      return;
    }
    check(type == int_type || type == uint_type || type == bool_type);
    const auto shift = static_cast<int>(64 - 8 * width);
    const auto extended = static_cast<std::int64_t>(x << shift) >> shift;
    to.integers.push_back(type == int_type ? extended : static_cast<std::int64_t>(x));
    to.reals.push_back(static_cast<double>(to.integers.back()));
  }

  FlexValue value(std::size_t at, std::size_t width, std::size_t packed) {
    FlexValue v;
    const std::size_t type = packed >> 2, inner = width_of(packed);
    if (type == string_type) {
      v.is_text = true;
      const std::size_t text = target(at, width), n = number(back(text, inner), inner);
      check(n <= bytes_.size() - text);
      spend(n);
      v.text.assign(reinterpret_cast<const char*>(bytes_.data()) + text, n);
    } else if (type >= indirect_int && type <= indirect_float) {
      add(v, target(at, width), inner, type - indirect_int + int_type);
    } else if (type == vector_type || (type >= int_vector && type <= float_vector) || type == bool_vector) {
      v.is_list = true;
      const std::size_t list = target(at, width), n = count_of(list, inner);
      for (std::size_t i = 0; i < n; ++i) {
        const std::size_t element = type == vector_type   ? number(list + n * inner + i, 1) >> 2
                                    : type == bool_vector ? bool_type
                                                          : type - int_vector + int_type;
        add(v, list + i * inner, inner, element);
      }
    } else if (type >= int_pair && type <= float_four) {  // lists of 2, 3 or 4 numbers: no count
      v.is_list = true;
      const std::size_t list = target(at, width), n = (type - int_pair) / 3 + 2;
      for (std::size_t i = 0; i < n; ++i) add(v, list + i * inner, inner, (type - int_pair) % 3 + int_type);
    } else {
      add(v, at, width, type);
    }
    return v;
  }

  const std::vector<std::uint8_t>& bytes_;
  std::size_t left_;  // of what copies may take
};

}  // namespace detail::tflite
OCTET_END
