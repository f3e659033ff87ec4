#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "config.hpp"

OCTET_BEGIN

/// What kind of error it was. Each but `memory` and `other` has a class of exceptions.
enum class ErrorKind : std::uint8_t {
  other,   // Error: an argument or a model that does not do
  format,  // FormatError
  shape,   // ShapeError
  memory   // std::bad_alloc
};

/// Base of everything octet throws. The text says where, what was expected and what was found.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A file that cannot be read or written, or whose contents are damaged or beyond what octet supports.
class FormatError : public Error {
 public:
  using Error::Error;
};

/// Tensors whose shapes or types do not fit together.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// Called with the text of an error where octet is compiled without exceptions (in header-only use, or the library
/// itself); has to end the program in its own way. Where there is none, the text is printed; where one returns, as
/// there, the program is aborted. Returns the one before. With exceptions, errors are thrown, and it is not called.
using ErrorHandler = void (*)(ErrorKind kind, const char* text);
ErrorHandler set_error_handler(ErrorHandler handler) noexcept;

namespace detail {

/// A piece of a message: text, a number, or an object with a function append_text(std::string&, const T&). It refers
/// to what it was made from and is turned into text only when the message is needed.
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

/// The parts, one after another.
std::string join(const MessagePart* parts, std::size_t count);

template <class... Parts>
std::string concat(const Parts&... parts) {
  const MessagePart all[] = {parts...};
  return join(all, sizeof...(parts));
}

/// Throws the error of that kind; without exceptions, calls the handler. Defined once in compiled use: what a file of
/// the program that is compiled without exceptions has to report is thrown by the library, too.
[[noreturn]] OCTET_COLD void raise(ErrorKind kind, const MessagePart* parts, std::size_t count);

template <class E>
constexpr ErrorKind kind_of() {
  static_assert(std::is_same_v<E, Error> || std::is_same_v<E, FormatError> || std::is_same_v<E, ShapeError>);
  return std::is_same_v<E, FormatError>  ? ErrorKind::format
         : std::is_same_v<E, ShapeError> ? ErrorKind::shape
                                         : ErrorKind::other;
}

/// Throws E with the parts joined to a text; without exceptions, see ErrorHandler.
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
