#pragma once
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string>

#include "config.hpp"

OCTET_BEGIN

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

namespace detail {

template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

/// Throws E with the parts joined to a text; without exceptions, prints the text and aborts.
template <class E = Error, class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
#if OCTET_EXCEPTIONS
  throw E(concat(parts...));
#else
  std::fprintf(stderr, "octet: %s\n", concat(parts...).c_str());
  std::abort();
#endif
}

template <class E = Error, class... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) fail<E>(parts...);
}

}  // namespace detail
OCTET_END
