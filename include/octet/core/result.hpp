#pragma once
#include <optional>
#include <string>
#include <utility>

#include "error.hpp"

OCTET_BEGIN

/// Why something was not done: the kind and the text of the exception that would tell it.
struct Failure {
  ErrorKind kind = ErrorKind::other;
  std::string text;
};

namespace detail {
/// Raises the failure as an exception of its kind.
[[noreturn]] inline void raise(const Failure& f) {
  const MessagePart text(f.text);
  raise(f.kind, &text, 1);
}
}  // namespace detail

/// A T, or why there is none. What the functions try_... of octet/try.hpp return.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Failure failure) : failure_(std::move(failure)) {}

  bool ok() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }

  /// The value. Where there is none, the error is raised: thrown, or the end of a program without exceptions.
  T& value() & { return *checked().value_; }
  const T& value() const& {
    if (!ok()) detail::raise(failure_);
    return *value_;
  }
  T&& value() && { return std::move(*checked().value_); }

  /// The value, which there has to be.
  T& operator*() & noexcept { return *value_; }
  const T& operator*() const& noexcept { return *value_; }
  T&& operator*() && noexcept { return std::move(*value_); }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }

  /// Why there is none; of a success: an empty text.
  const Failure& error() const noexcept { return failure_; }

 private:
  Result& checked() {
    if (!ok()) detail::raise(failure_);
    return *this;
  }
  std::optional<T> value_;
  Failure failure_;
};

/// Whether something was done, or why not.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Failure failure) : failure_(std::move(failure)) {}

  bool ok() const noexcept { return !failure_; }
  explicit operator bool() const noexcept { return ok(); }
  /// Raises the error, if there is one.
  void value() const {
    if (failure_) detail::raise(*failure_);
  }
  const Failure& error() const noexcept {
    static const Failure none;
    return failure_ ? *failure_ : none;
  }

 private:
  std::optional<Failure> failure_;
};

OCTET_END
