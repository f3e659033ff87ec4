#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN

/// The function that reduces an axis.
enum class ReduceKind : std::uint8_t {
  mean,
  sum,
  max,
  min,
  prod,
  l2,  // the root of the sum of squares
  last = l2
};

OCTET_END
