#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "../core/error.hpp"

OCTET_BEGIN

/// Visits the named parameters of an operator. Saving, loading, printing and comparing are visitors. A visitor may
/// change the values, as loading does.
class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  /// An integer, or a size.
  virtual void field(const char* name, std::int64_t& value) = 0;
  /// A number.
  virtual void field(const char* name, double& value) = 0;
  /// A text.
  virtual void field(const char* name, std::string& value) = 0;
  /// A list of integers, or of sizes.
  virtual void field(const char* name, std::vector<std::int64_t>& values) = 0;
  /// A list of numbers.
  virtual void field(const char* name, std::vector<double>& values) = 0;

  /// A flag, visited as 0 or 1. Throws FormatError for other values.
  void field(const char* name, bool& value) { narrow(name, value, std::int64_t{0}, std::int64_t{1}); }
  /// An int, visited as int64. Throws FormatError outside the range of int.
  void field(const char* name, int& value) {
    narrow(name, value, std::int64_t{std::numeric_limits<int>::min()}, std::int64_t{std::numeric_limits<int>::max()});
  }
  /// A float, visited as double.
  void field(const char* name, float& value) {
    double wide = static_cast<double>(value);
    field(name, wide);
    value = static_cast<float>(wide);
  }
  /// An enumerator from 0 to last. Throws FormatError for other values.
  template <class E, class = std::enable_if_t<std::is_enum_v<E>>>
  void field(const char* name, E& value, E last) {
    narrow(name, value, std::int64_t{0}, static_cast<std::int64_t>(last));
  }

 private:
  template <class T>
  void narrow(const char* name, T& value, std::int64_t low, std::int64_t high) {
    auto wide = static_cast<std::int64_t>(value);
    field(name, wide);
    detail::require<FormatError>(wide >= low && wide <= high, "parameter ", name, ": expected a value in [", low, ", ",
                                 high, "], found ", wide);
    value = static_cast<T>(wide);
  }
};

OCTET_END
