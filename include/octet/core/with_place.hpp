#pragma once
#include "error.hpp"
#include "error_place.hpp"

OCTET_BEGIN
namespace detail {

/// Returns f(). Turns an error with text t into a FormatError with text extended(t).
template <class Extended, class F>
auto with_place(const Extended& extended, F&& f) {
#if OCTET_EXCEPTIONS
  try {
    return f();
  } catch (const Error& e) {
    fail<FormatError>(extended(std::string(e.what())));
  }
#else
  const ErrorPlace place(&extended, [](const void* name, std::string& text) {
    text = (*static_cast<const Extended*>(name))(std::move(text));
  });
  return f();
#endif
}

}  // namespace detail
OCTET_END
