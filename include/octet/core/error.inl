#pragma once
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "error.hpp"
#include "error_place.hpp"

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

inline std::atomic<ErrorHandler>& error_handler() noexcept {
  static std::atomic<ErrorHandler> handler{nullptr};
  return handler;
}

#if OCTET_EXCEPTIONS

OCTET_API void raise(ErrorKind kind, const MessagePart* parts, std::size_t count) {
  const std::string text = join(parts, count);
  switch (kind) {
    case ErrorKind::format: throw FormatError(text);
    case ErrorKind::shape: throw ShapeError(text);
    case ErrorKind::memory: throw std::bad_alloc();
    default: throw Error(text);
  }
}

#else

OCTET_API void raise(ErrorKind kind, const MessagePart* parts, std::size_t count) {
  std::string text = join(parts, count);
  while (const ErrorPlace* place = ErrorPlace::innermost()) {
    ErrorPlace::innermost() = place->outer();  // an error in extend() is reported with the outer places only
    place->extend(text);
    kind = ErrorKind::format;
  }
  if (const ErrorHandler handler = error_handler().load())
    handler(kind, text.c_str());
  else
    std::fprintf(stderr, "octet: %s\n", text.c_str());
  std::abort();
}

#endif

}  // namespace detail

OCTET_API ErrorHandler set_error_handler(ErrorHandler handler) noexcept {
  return detail::error_handler().exchange(handler);
}

OCTET_END
