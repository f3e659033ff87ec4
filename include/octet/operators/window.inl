#pragma once
#include <algorithm>
#include <functional>

#include "window.hpp"

OCTET_BEGIN
namespace detail {
inline bool all_zero(const std::vector<std::int64_t>& v) {
  return std::all_of(v.begin(), v.end(), [](std::int64_t x) { return x == 0; });
}
}  // namespace detail

OCTET_API bool Window::pads() const {
  if (padding == Padding::given) return !detail::all_zero(pads_before) || !detail::all_zero(pads_after);
  return padding != Padding::valid;
}

OCTET_API bool Window::widen(const std::vector<std::int64_t>& before, const std::vector<std::int64_t>& after) {
  if (before.size() != kernel.size() || padding == Padding::same_lower || padding == Padding::same_upper) return false;
  if (padding == Padding::valid) {
    pads_before.assign(kernel.size(), 0);
    pads_after.assign(kernel.size(), 0);
  }
  padding = Padding::given;
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    pads_before[i] += before[i];
    pads_after[i] += after[i];
  }
  return true;
}

OCTET_API std::string Window::summary() const {
  const auto text = [](const std::vector<std::int64_t>& sizes, bool all) {
    std::string t;
    const bool same = std::adjacent_find(sizes.begin(), sizes.end(), std::not_equal_to<>()) == sizes.end();
    for (std::size_t i = 0; i < (same && !all ? std::min<std::size_t>(1, sizes.size()) : sizes.size()); ++i)
      t += (i ? "x" : "") + std::to_string(sizes[i]);
    return t;
  };
  const std::string stride = text(strides, false);
  return text(kernel, true) + (stride == "1" ? "" : "/" + stride);
}

OCTET_END
