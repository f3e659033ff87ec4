#pragma once
#include <cstdio>
#include <cstdlib>

#include "error.hpp"

OCTET_BEGIN
namespace detail {

OCTET_API void MessagePart::append_to(std::string& text) const {
  switch (kind_) {
    case Kind::text: text += text_; break;
    case Kind::character: text += static_cast<char>(integer_); break;
    case Kind::integer: text += std::to_string(integer_); break;
    case Kind::natural: text += std::to_string(static_cast<std::uint64_t>(integer_)); break;
    case Kind::object: append_(text, object_); break;
    case Kind::real: {
      char digits[32];
      std::snprintf(digits, sizeof digits, "%g", real_);
      text += digits;
    }
  }
}

OCTET_API std::string join(const MessagePart* parts, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) parts[i].append_to(text);
  return text;
}

OCTET_API void abort_with(const std::string& text) noexcept {
  std::fprintf(stderr, "octet: %s\n", text.c_str());
  std::abort();
}

}  // namespace detail
OCTET_END
