#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "config.hpp"

OCTET_BEGIN

/// The kind of an error, for programs without exceptions. Each corresponds to an exception class.
enum class ErrorKind : std::uint8_t {
  other,   ///< Error: an invalid argument or model
  format,  ///< FormatError
  shape,   ///< ShapeError
  memory   ///< std::bad_alloc
};

/// Base class of octet's exceptions. The text names the layer, tensor or file, what was expected and what was found.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A file cannot be read or written, is damaged, or uses something that octet does not support.
class FormatError : public Error {
 public:
  using Error::Error;
};

/// Shapes or element types of tensors do not match.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// A function that is called with the kind and the text of an error, and does not return.
using ErrorHandler = void (*)(ErrorKind kind, const char* text);
/// Sets the function that is called with every error where octet is compiled without exceptions (in header-only use:
/// the file; in compiled use: the library). It must not return: the program is aborted if it does. Without a handler,
/// the text is printed to stderr and the program is aborted. Returns the previous handler. Where octet is compiled with
/// exceptions, errors are thrown and the handler is not called.
ErrorHandler set_error_handler(ErrorHandler handler) noexcept;

namespace detail {

/// A part of a message: text, a number, or any object with a function append_text(std::string&, const T&). It holds a
/// reference; the text is made only if the message is needed.
class MessagePart {
 public:
  MessagePart(const char* text) noexcept : kind_(Kind::text), text_(text) {}
  MessagePart(std::string_view text) noexcept : kind_(Kind::text), text_(text) {}
  MessagePart(const std::string& text) noexcept : kind_(Kind::text), text_(text) {}
  MessagePart(char c) noexcept : kind_(Kind::character), integer_(c) {}
  MessagePart(double x) noexcept : kind_(Kind::real), real_(x) {}
  MessagePart(float x) noexcept : MessagePart(static_cast<double>(x)) {}
  template <class T, std::enable_if_t<std::is_integral_v<T> || std::is_enum_v<T>, int> = 0>
  MessagePart(T x) noexcept
      : kind_(std::is_unsigned_v<T> ? Kind::natural : Kind::integer), integer_(static_cast<std::int64_t>(x)) {}
  template <class T, class = decltype(append_text(std::declval<std::string&>(), std::declval<const T&>()))>
  MessagePart(const T& object) noexcept
      : kind_(Kind::object),
        object_(&object),
        append_([](std::string& text, const void* p) { append_text(text, *static_cast<const T*>(p)); }) {}

  void append_to(std::string& text) const;

 private:
  enum class Kind : std::uint8_t { text, character, integer, natural, real, object };
  Kind kind_;
  std::string_view text_;
  std::int64_t integer_ = 0;
  double real_ = 0;
  const void* object_ = nullptr;
  void (*append_)(std::string&, const void*) = nullptr;
};

/// The concatenated text of the parts.
std::string join(const MessagePart* parts, std::size_t count);

template <class... Parts>
std::string concat(const Parts&... parts) {
  const MessagePart all[] = {parts...};
  return join(all, sizeof...(parts));
}

/// Throws the error of that kind; without exceptions, calls the handler. In compiled use it is in the library, so it
/// throws even when called from a file of the program that is compiled without exceptions.
[[noreturn]] OCTET_COLD void raise(ErrorKind kind, const MessagePart* parts, std::size_t count);

template <class E>
constexpr ErrorKind kind_of() {
  static_assert(std::is_same_v<E, Error> || std::is_same_v<E, FormatError> || std::is_same_v<E, ShapeError>);
  return std::is_same_v<E, FormatError>  ? ErrorKind::format
         : std::is_same_v<E, ShapeError> ? ErrorKind::shape
                                         : ErrorKind::other;
}

/// Throws E with the concatenated text of the parts. Without exceptions, see set_error_handler.
template <class E = Error, class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  const MessagePart all[] = {parts...};
  raise(kind_of<E>(), all, sizeof...(parts));
}

template <class E = Error, class... Parts>
inline void require(bool condition, const Parts&... parts) {
  if (!condition) fail<E>(parts...);
}

}  // namespace detail
OCTET_END

#if !defined(OCTET_COMPILED)
#  include "error.inl"
#endif
