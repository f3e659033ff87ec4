#pragma once
#include <cmath>
#include <cstdint>
#include <limits>

#include "../core/config.hpp"

OCTET_BEGIN
namespace detail {

/// Scale and zero point of activations that are quantized at run time.
struct DynamicScale {
  float scale = 1;
  std::int32_t zero_point = 0;  // of uint8
};

/// Scale and zero point as ONNX's DynamicQuantizeLinear defines them: the range, widened to contain 0, is mapped to [0,
/// 255]. For a range that is not finite the scale is NaN, and so is every result computed with it.
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
