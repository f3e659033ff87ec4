#pragma once
#include <cmath>

#include "config.hpp"

OCTET_BEGIN
namespace detail {

/// Piecewise linear logarithm and its inverse: exact at powers of two, off by at most 0.09. Unlike those of the
/// standard library, they have the same bits everywhere.
inline double linear_log2(double x) noexcept {
  int e = 0;
  const double m = std::frexp(x, &e);  // in [0.5, 1)
  return e - 2 + 2 * m;
}
inline double linear_exp2(double x) noexcept {
  const double whole = std::floor(x);
  return std::ldexp(1 + (x - whole), static_cast<int>(whole));
}

}  // namespace detail
OCTET_END
