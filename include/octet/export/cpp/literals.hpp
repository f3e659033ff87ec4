#pragma once
#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "../../core/any_tensor.hpp"

/// Parts of C++ programs as text.
OCTET_BEGIN
namespace detail::cpp {

inline std::string literal(std::int64_t x) { return std::to_string(x); }
inline std::string literal(std::int32_t x) { return std::to_string(x); }
inline std::string literal(std::int16_t x) { return std::to_string(x); }
inline std::string literal(std::int8_t x) { return std::to_string(x); }
inline std::string literal(std::uint8_t x) { return std::to_string(x); }
/// Hexadecimal, so that no digit is lost.
inline std::string literal(float x) {
  if (std::isinf(x)) return std::string(x < 0 ? "-" : "") + "std::numeric_limits<float>::infinity()";
  char text[48];
  std::snprintf(text, sizeof text, "%af", static_cast<double>(x));
  return text;
}

inline std::string type_text(std::int32_t) { return "std::int32_t"; }
inline std::string type_text(std::int16_t) { return "std::int16_t"; }
inline std::string type_text(std::int8_t) { return "std::int8_t"; }
inline std::string type_text(std::uint8_t) { return "std::uint8_t"; }
inline std::string type_text(float) { return "float"; }
/// Empty for types that functions of generated programs do not take.
inline std::string type_text(DType t) {
  return t == DType::f32 ? "float" : t == DType::i8 ? "std::int8_t" : t == DType::u8 ? "std::uint8_t" : "";
}

/// "{1, 2, 3}", in lines of at most 118 characters.
inline std::string braced(const std::vector<std::string>& items, const std::string& indent) {
  std::string text = "{", line;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string item = items[i] + (i + 1 < items.size() ? "," : "");
    if (indent.size() + line.size() + item.size() + 1 > 118) {
      text += "\n" + indent + line;
      line.clear();
    }
    line += (line.empty() ? "" : " ") + item;
  }
  return text + (text.size() > 1 ? "\n" + indent : "") + line + "}";
}
template <class T>
std::string braced(const std::vector<T>& numbers, const std::string& indent) {
  std::vector<std::string> items;
  for (T x : numbers) items.push_back(literal(x));
  return braced(items, indent);
}

/// A name from a file for a comment: nothing that ends the line or hides what follows.
inline std::string comment_text(std::string_view name) {
  std::string text(name.substr(0, 80));
  for (char& c : text)
    if (c < ' ' || c > '~' || c == '\\') c = '?';
  return text;
}

inline std::string string_literal(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\' || c == '?') {
      text += '\\';
      text += c;
    } else if (byte >= ' ' && byte <= '~') {
      text += c;
    } else {
      char octal[8];
      std::snprintf(octal, sizeof octal, "\\%03o", static_cast<unsigned>(byte));
      text += octal;
    }
  }
  return text + "\"";
}

}  // namespace detail::cpp
OCTET_END
