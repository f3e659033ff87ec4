#pragma once
#include <cmath>
#include <cstdint>
#include <limits>

#include "../core/config.hpp"

OCTET_BEGIN
namespace detail {

/// Scale and zero point of activations that are quantized as they arrive.
struct DynamicScale {
  float scale = 1;
  std::int32_t zero_point = 0;  // of uint8
};

/// ONNX DynamicQuantizeLinear's choice: the range, widened to hold 0, on [0, 255]. A range that is not finite gives
/// a NaN scale, so that what is computed with it is NaN as well.
inline DynamicScale dynamic_scale(float low, float high) noexcept {
  if (!(low <= high)) return {std::numeric_limits<float>::quiet_NaN(), 0};
  low = std::fmin(low, 0.0f);
  high = std::fmax(high, 0.0f);
  const float scale = (high - low) / 255.0f;
  if (!std::isfinite(scale)) return {std::numeric_limits<float>::quiet_NaN(), 0};
  if (!(scale > 0)) return {1, 0};
  return {scale, static_cast<std::int32_t>(std::nearbyint(std::fmin(std::fmax(-low / scale, 0.0f), 255.0f)))};
}

}  // namespace detail
OCTET_END
