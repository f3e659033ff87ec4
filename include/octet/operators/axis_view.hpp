#pragma once
#include "implement.hpp"

OCTET_BEGIN
namespace detail {

/// A tensor as [outer][n][inner], where n is the size of one axis.
struct AxisView {
  std::int64_t outer = 1, n = 1, inner = 1;
  AxisView() = default;
  AxisView(const Shape& s, int axis) : outer(s.product(0, axis)), n(s[axis]), inner(s.product(axis + 1, s.rank())) {}
};

}  // namespace detail
OCTET_END
