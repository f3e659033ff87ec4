#pragma once
#include <optional>
#include <string>
#include <utility>

#include "error.hpp"

OCTET_BEGIN

/// An error as a value: the kind and text of the exception that the throwing function would throw.
struct Failure {
  ErrorKind kind = ErrorKind::other;  ///< which exception class it corresponds to
  std::string text;                   ///< what the exception's what() returns
};

namespace detail {
/// Throws the failure as an exception of its kind; without exceptions, calls the handler.
[[noreturn]] inline void raise(const Failure& f) {
  const MessagePart text(f.text);
  raise(f.kind, &text, 1);
}
}  // namespace detail

/// A T, or the error that prevented it. Returned by the try_... functions of octet/try.hpp.
template <class T>
class [[nodiscard]] Result {
 public:
  /// Success with this value.
  Result(T value) : value_(std::move(value)) {}
  /// An error instead of a value.
  Result(Failure failure) : failure_(std::move(failure)) {}

  /// Whether there is a value.
  bool ok() const noexcept { return value_.has_value(); }
  /// The same as ok().
  explicit operator bool() const noexcept { return ok(); }

  /// The value. If there is only an error, throws it; without exceptions, calls the error handler, which ends the
  /// program.
  T& value() & { return *checked().value_; }
  /// As above, read-only.
  const T& value() const& {
    if (!ok()) detail::raise(failure_);
    return *value_;
  }
  /// As above, moved out.
  T&& value() && { return std::move(*checked().value_); }

  /// The value. Undefined unless ok().
  T& operator*() & noexcept { return *value_; }
  /// The value, read-only. Undefined unless ok().
  const T& operator*() const& noexcept { return *value_; }
  /// The value, moved out. Undefined unless ok().
  T&& operator*() && noexcept { return std::move(*value_); }
  /// A member of the value. Undefined unless ok().
  T* operator->() noexcept { return &*value_; }
  /// A member of the value. Undefined unless ok().
  const T* operator->() const noexcept { return &*value_; }

  /// The error. Its text is empty if ok().
  const Failure& error() const noexcept { return failure_; }

 private:
  Result& checked() {
    if (!ok()) detail::raise(failure_);
    return *this;
  }
  std::optional<T> value_;
  Failure failure_;
};

/// Success, or an error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  /// An error.
  Result(Failure failure) : failure_(std::move(failure)) {}

  /// Whether the operation succeeded.
  bool ok() const noexcept { return !failure_; }
  /// The same as ok().
  explicit operator bool() const noexcept { return ok(); }
  /// Throws the error, if there is one.
  void value() const {
    if (failure_) detail::raise(*failure_);
  }
  /// The error. Its text is empty if ok().
  const Failure& error() const noexcept {
    static const Failure none;
    return failure_ ? *failure_ : none;
  }

 private:
  std::optional<Failure> failure_;
};

OCTET_END
