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
  last = not_equal
};

inline bool is_comparison(BinaryKind k) noexcept { return k >= BinaryKind::less; }

OCTET_END
