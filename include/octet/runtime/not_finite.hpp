#pragma once
#include <algorithm>
#include <cmath>
#include <limits>

#include "../core/element.hpp"
#include "../kernels/elements.hpp"

OCTET_BEGIN

namespace detail {

inline bool can_hold_nan(DType t) { return is_floating(t) && t != DType::f4e2m1; }

inline bool all_finite(const TensorRef& t) {
  const std::int64_t n = t.shape.elements();
  if (!is_floating(t.dtype) || n == 0) return true;
  if (t.dtype == DType::f32) {
    float low_high[2];
    element_kernels().minmax_f32(t.as<float>(), n, low_high);
    return !std::isnan(low_high[0]);
  }
  for (std::int64_t i = 0; i < n; ++i)
    if (!std::isfinite(load_element(t.dtype, t.data, i))) return false;
  return true;
}

inline void fill_with_nan(const TensorRef& t) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  const std::int64_t n = t.shape.elements();
  if (t.dtype == DType::f32)
    std::fill_n(t.as<float>(), n, nan);
  else
    for (std::int64_t i = 0; i < n; ++i) store_element(t.dtype, t.data, i, static_cast<double>(nan));
}

}  // namespace detail
OCTET_END
