#pragma once
#include <algorithm>

#include "../core/config.hpp"

OCTET_BEGIN
namespace detail {

/// Top, left, bottom, right.
struct BoxCorners {
  float y0 = 0, x0 = 0, y1 = 0, x1 = 0;
};

/// Intersection over union of two boxes; 0 if one of them is empty.
inline float shared_part(const BoxCorners& a, const BoxCorners& b) noexcept {
  const float area_a = (a.y1 - a.y0) * (a.x1 - a.x0), area_b = (b.y1 - b.y0) * (b.x1 - b.x0);
  if (!(area_a > 0) || !(area_b > 0)) return 0;
  const float h = std::min(a.y1, b.y1) - std::max(a.y0, b.y0), w = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  const float common = std::max(h, 0.0f) * std::max(w, 0.0f);
  return common / (area_a + area_b - common);
}

}  // namespace detail
OCTET_END
