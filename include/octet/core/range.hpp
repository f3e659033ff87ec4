#pragma once
#include <cstdint>

#include "config.hpp"

OCTET_BEGIN

/// A range of real numbers.
struct Range {
  float low = 0;   ///< included
  float high = 0;  ///< included; not less than low
  /// Equal if both bounds are.
  friend bool operator==(const Range& a, const Range& b) { return a.low == b.low && a.high == b.high; }
};

namespace detail {
/// One scale and zero point.
struct ScaleAndZero {
  float scale = 1;
  std::int32_t zero_point = 0;
};
}  // namespace detail

OCTET_END
