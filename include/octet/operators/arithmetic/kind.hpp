#pragma once
#include <cstdint>

#include "../../core/config.hpp"

OCTET_BEGIN

enum class BinaryKind : std::uint8_t {
  add,
  sub,
  mul,
  div,
  min,
  max,
  pow,
  less,
  less_or_equal,
  greater,
  greater_or_equal,
  equal,
  not_equal,
  floor_div,  // the quotient, rounded down
  floor_mod,  // the remainder with the divisor's sign
  remainder,  // the remainder with the dividend's sign (fmod of C)
  last = remainder
};

inline bool is_comparison(BinaryKind k) noexcept { return k >= BinaryKind::less && k <= BinaryKind::not_equal; }

OCTET_END
