#pragma once
#include <algorithm>

#include "../core/element.hpp"
#include "../files/atomic_file.hpp"
#include "../files/map_file.hpp"
#include "npy.hpp"

OCTET_BEGIN

namespace detail {

/// Reads the header's text, a Python dictionary with three keys.
class NpyDictionary {
 public:
  NpyDictionary(std::string_view text, const std::string& what) : left_(text), what_(what) {}

  NpyHeader read() {
    NpyHeader h;
    bool type = false, order = false, shape = false;
    expect('{');
    while (!take('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !type) {
        type = true;
        read_type(h);
      } else if (key == "fortran_order" && !order) {
        order = true;
        h.fortran_order = boolean();
      } else if (key == "shape" && !shape) {
        shape = true;
        h.shape = sizes();
      } else {
        refuse();
      }
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (!left_.empty() || !type || !order || !shape) refuse();
    return h;
  }

 private:
  [[noreturn]] void refuse() const { fail<FormatError>("'", what_, "': the header of the .npy file is damaged"); }
  void skip_space() {
    while (!left_.empty() && (left_[0] == ' ' || left_[0] == '\n' || left_[0] == '\t')) left_.remove_prefix(1);
  }
  bool take(char c) {
    skip_space();
    if (left_.empty() || left_[0] != c) return false;
    left_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view word) {
    skip_space();
    if (left_.substr(0, word.size()) != word) return false;
    left_.remove_prefix(word.size());
    return true;
  }
  void expect(char c) {
    if (!take(c)) refuse();
  }
  std::string quoted() {
    const char quote = take('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const std::size_t end = left_.find(quote);
    if (end == std::string_view::npos) refuse();
    const std::string text(left_.substr(0, end));
    left_.remove_prefix(end + 1);
    return text;
  }
  bool boolean() {
    if (take(std::string_view("True"))) return true;
    if (!take(std::string_view("False"))) refuse();
    return false;
  }
  std::int64_t number() {
    skip_space();
    std::int64_t n = 0;
    std::size_t digits = 0;
    for (; digits < left_.size() && left_[digits] >= '0' && left_[digits] <= '9'; ++digits) {
      if (digits == 15) refuse();  // larger than any array, and before the number overflows
      n = n * 10 + (left_[digits] - '0');
    }
    if (digits == 0) refuse();
    left_.remove_prefix(digits);
    return n;
  }
  Shape sizes() {
    Shape s;
    expect('(');
    while (!take(')')) {
      require<FormatError>(s.rank() < Shape::max_rank, "'", what_, "': the array has more than ", Shape::max_rank,
                           " dimensions");
      s.push_back(number());
      if (!take(',')) {
        expect(')');
        break;
      }
    }
    return s;
  }
  void read_type(NpyHeader& h) {
    skip_space();
    const bool plain = !left_.empty() && (left_[0] == '\'' || left_[0] == '"');
    const std::string text = plain ? quoted() : "a structure";
    static constexpr std::pair<const char*, DType> types[] = {
        {"b1", DType::boolean}, {"i1", DType::i8},  {"u1", DType::u8},  {"i2", DType::i16},
        {"u2", DType::u16},     {"i4", DType::i32}, {"u4", DType::u32}, {"i8", DType::i64},
        {"u8", DType::u64},     {"f2", DType::f16}, {"f4", DType::f32}, {"f8", DType::f64}};
    for (const auto& [code, dtype] : types)
      if (text.size() == 3 && text.substr(1) == code) h.dtype = dtype;
    const char order = text[0];
    if (h.dtype == DType::none || (order != '<' && order != '>' && order != '|' && order != '='))
      fail<FormatError>("'", what_, "': expected an array of bool, integers, float16, float32 or float64, found '",
                        text, "'");
    h.big_endian = order == '>';
  }

  std::string_view left_;
  const std::string& what_;
};

/// Copies the elements into row-major order and the machine's byte order.
inline void copy_npy(const NpyHeader& h, const std::byte* from, std::byte* to) {
  const auto width = static_cast<std::size_t>(bits(h.dtype) / 8);
  const std::int64_t n = h.shape.elements();
  std::array<std::int64_t, Shape::max_rank> index{}, step{};
  std::int64_t all = 1;
  for (int d = 0; d < h.shape.rank(); ++d) {
    step[static_cast<std::size_t>(d)] = all;
    all *= h.shape[d];
  }
  std::int64_t at = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::byte* element = from + static_cast<std::size_t>(h.fortran_order ? at : i) * width;
    std::byte* const out = to + static_cast<std::size_t>(i) * width;
    if (h.big_endian)
      std::reverse_copy(element, element + width, out);
    else
      std::memcpy(out, element, width);
    for (int d = h.shape.rank() - 1; h.fortran_order && d >= 0; --d) {
      const auto k = static_cast<std::size_t>(d);
      at += step[k];
      if (++index[k] < h.shape[d]) break;
      at -= step[k] * h.shape[d];
      index[k] = 0;
    }
  }
}

/// The type of the elements in a .npy file.
inline DType npy_type(DType t) {
  switch (t) {
    case DType::i4:
    case DType::i2: return DType::i8;
    case DType::u4:
    case DType::u2: return DType::u8;
    case DType::bf16:
    case DType::f8e4m3fn:
    case DType::f8e5m2:
    case DType::f4e2m1: return DType::f32;
    default: return t;
  }
}

inline std::string npy_type_text(DType t) {
  const std::string kind = t == DType::boolean ? "|b" : is_floating(t) ? "<f" : info(t).is_signed ? "<i" : "<u";
  return kind + std::to_string(bits(t) / 8);
}

}  // namespace detail

OCTET_API NpyHeader parse_npy_header(std::string_view bytes, const std::string& what) {
  using detail::require;
  require<FormatError>(bytes.substr(0, 6) == "\x93NUMPY" && bytes.size() >= 10, "'", what, "' is not a .npy file");
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])); };
  const std::size_t version = byte(6);
  require<FormatError>(version >= 1 && version <= 3, "'", what, "': expected version 1, 2 or 3 of the .npy format, ",
                       "found ", version);
  const std::size_t start = version == 1 ? 10 : 12;
  require<FormatError>(bytes.size() >= start, "'", what, "' is not a complete .npy file");
  std::size_t size = byte(8) | byte(9) << 8;
  if (version > 1) size |= byte(10) << 16 | byte(11) << 24;
  require<FormatError>(size <= bytes.size() - start, "'", what, "': the header of the .npy file is longer than the ",
                       "file");
  NpyHeader h = detail::NpyDictionary(bytes.substr(start, size), what).read();
  h.data_at = start + size;
  return h;
}

OCTET_API AnyTensor parse_npy(std::string_view bytes, const std::string& what) {
  const NpyHeader h = parse_npy_header(bytes, what);
  // Compared by division, so that sizes whose product overflows are found before anything is allocated.
  const auto width = static_cast<std::int64_t>(bits(h.dtype) / 8);
  std::int64_t most = static_cast<std::int64_t>(bytes.size() - h.data_at) / width;
  const bool empty = std::find(h.shape.begin(), h.shape.end(), 0) != h.shape.end();
  for (std::int64_t d : h.shape) most = empty ? 0 : most / d;
  detail::require<FormatError>(empty || most >= 1, "'", what, "': an array of ", name(h.dtype), " ", h.shape,
                               " needs more bytes than the file has, ", bytes.size() - h.data_at);
  const std::size_t size = octet::bytes(h.dtype, h.shape.elements());
  detail::require<FormatError>(bytes.size() - h.data_at == size, "'", what, "': expected ", size,
                               " bytes for an array of ", name(h.dtype), " ", h.shape, ", found ",
                               bytes.size() - h.data_at);
  const auto* from = reinterpret_cast<const std::byte*>(bytes.data() + h.data_at);
  return AnyTensor::make(h.dtype, h.shape, [&](std::byte* to) {
    if (h.big_endian || h.fortran_order)
      detail::copy_npy(h, from, to);
    else if (size > 0)
      std::memcpy(to, from, size);
  });
}

OCTET_API AnyTensor load_npy(const std::string& path) {
  const detail::SharedBytes file = detail::map_file(path);
  return parse_npy({reinterpret_cast<const char*>(file.data.get()), file.size}, path);
}

OCTET_API std::string npy_bytes(const AnyTensor& tensor) {
  detail::require(bool(tensor), "an empty AnyTensor cannot be written as a .npy file");
  const DType type = detail::npy_type(tensor.dtype());
  std::string sizes;
  for (std::int64_t d : tensor.shape()) sizes += std::to_string(d) + (tensor.shape().rank() == 1 ? "," : ", ");
  if (tensor.shape().rank() > 1) sizes.erase(sizes.size() - 2);
  std::string header =
      "{'descr': '" + detail::npy_type_text(type) + "', 'fortran_order': False, 'shape': (" + sizes + "), }";
  header.append(63 - (10 + header.size()) % 64, ' ');  // the elements begin at a multiple of 64
  header += '\n';
  std::string bytes = std::string("\x93NUMPY\x01\0", 8) + static_cast<char>(header.size() & 255) +
                      static_cast<char>(header.size() >> 8) + header;
  const std::size_t at = bytes.size();
  bytes.resize(at + octet::bytes(type, tensor.size()));
  auto* to = reinterpret_cast<std::byte*>(bytes.data() + at);
  if (type == tensor.dtype()) {
    if (tensor.size() > 0) std::memcpy(to, tensor.data(), tensor.size_bytes());
  } else {
    for (std::int64_t i = 0; i < tensor.size(); ++i)
      detail::store_element(type, to, i, detail::load_element(tensor.dtype(), tensor.data(), i));
  }
  return bytes;
}

OCTET_API void save_npy(const std::string& path, const AnyTensor& tensor) { write_file(path, npy_bytes(tensor)); }

OCTET_END
