#pragma once
#include "shape.hpp"

OCTET_BEGIN

OCTET_API std::int64_t Shape::product(int from, int to) const {
  std::int64_t n = 1;
  for (int i = from; i < to; ++i) {
    const std::int64_t d = (*this)[i];
    detail::require<ShapeError>(d >= 0, "shape ", *this, " has an unknown or negative size");
    detail::require<ShapeError>(d == 0 || n <= max_elements / d, "shape ", *this, " has too many elements");
    n *= d;
  }
  return n;
}

OCTET_API bool Shape::countable() const noexcept {
  std::int64_t n = 1;
  bool fits = true;
  for (std::int64_t d : *this) {
    if (d == 0) return true;
    if (d < 0) continue;
    fits = fits && n <= max_elements / d;
    if (fits) n *= d;
  }
  return fits;
}

OCTET_API std::string to_string(const Shape& s) {
  std::string text = "[";
  for (int i = 0; i < s.rank(); ++i) {
    if (i != 0) text += ", ";
    text += s[i] < 0 ? "?" : std::to_string(s[i]);
  }
  return text + ']';
}

OCTET_API int normalize_axis(std::int64_t axis, int rank) {
  detail::require<ShapeError>(axis >= -rank && axis < rank, "axis ", axis, " is out of range for a tensor of rank ",
                              rank);
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

OCTET_API bool can_broadcast(const Shape& a, const Shape& b) noexcept {
  for (int i = 1; i <= std::min(a.rank(), b.rank()); ++i) {
    const std::int64_t m = a[a.rank() - i], n = b[b.rank() - i];
    if (m != n && m != 1 && n != 1 && m != Shape::unknown && n != Shape::unknown) return false;
  }
  return true;
}

OCTET_API Shape broadcast(const Shape& a, const Shape& b) {
  detail::require<ShapeError>(can_broadcast(a, b), "shapes ", a, " and ", b, " cannot be broadcast");
  Shape r = a.rank() >= b.rank() ? a : b;
  const Shape& small = a.rank() >= b.rank() ? b : a;
  for (int i = 0; i < small.rank(); ++i) {
    std::int64_t& d = r[r.rank() - small.rank() + i];
    const std::int64_t s = small[i];
    if (d == 1 || (d == Shape::unknown && s != 1)) d = s;
  }
  return r;
}

OCTET_END
