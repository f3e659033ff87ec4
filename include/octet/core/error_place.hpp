#pragma once
#include <string>
#include <utility>

#include "config.hpp"

OCTET_BEGIN
namespace detail {

/// Used where octet is compiled without exceptions: says what is being done (reading a file, importing a layer), so
/// that the text of an error can name it. The objects alive form a list for each thread, innermost first.
class ErrorPlace {
 public:
  using Extend = void (*)(const void* name, std::string& text);
  ErrorPlace(const void* name, Extend by) noexcept
      : name_(name), extend_(by), outer_(std::exchange(innermost(), this)) {}
  ErrorPlace(const ErrorPlace&) = delete;
  ErrorPlace& operator=(const ErrorPlace&) = delete;
  ~ErrorPlace() { innermost() = outer_; }

  const ErrorPlace* outer() const noexcept { return outer_; }
  void extend(std::string& text) const { extend_(name_, text); }
  static const ErrorPlace*& innermost() noexcept {
    static thread_local const ErrorPlace* place = nullptr;
    return place;
  }

 private:
  const void* name_;
  Extend extend_;
  const ErrorPlace* outer_;
};

}  // namespace detail
OCTET_END
