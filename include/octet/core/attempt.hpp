#pragma once
#include <exception>
#include <new>

#include "result.hpp"

#if OCTET_EXCEPTIONS
OCTET_BEGIN
namespace detail {

/// Converts the exception being handled to a Failure. If its text cannot be copied, reports that memory ran out.
inline Failure caught() noexcept {
  static constexpr char no_memory[] = "out of memory";  // fits std::string's internal buffer
  const auto failure = [](ErrorKind kind, const char* text) noexcept -> Failure {
    try {
      return {kind, text};
    } catch (...) {
      return {ErrorKind::memory, no_memory};
    }
  };
  try {
    throw;
  } catch (const FormatError& e) {
    return failure(ErrorKind::format, e.what());
  } catch (const ShapeError& e) {
    return failure(ErrorKind::shape, e.what());
  } catch (const std::bad_alloc&) {
    return {ErrorKind::memory, no_memory};
  } catch (const std::exception& e) {
    return failure(ErrorKind::other, e.what());
  } catch (...) {
    return {ErrorKind::other, "unknown"};
  }
}

/// Returns the result of f(), or the exception it throws as a Failure.
template <class T, class F>
Result<T> attempt(const F& f) noexcept {
  try {
    if constexpr (std::is_void_v<T>) {
      f();
      return {};
    } else {
      return f();
    }
  } catch (...) {
    return caught();
  }
}

}  // namespace detail
OCTET_END
#endif
