#pragma once
#include <cmath>
#include <limits>

#include "range.hpp"

/// Scales of uint8 activations that are quantized at run time. The range is widened to contain zero. For one that is
/// not finite the scale is NaN, and so is every result computed with it.
OCTET_BEGIN
namespace detail {

/// How numbers become codes: x / scale + zero_point, rounded half to even before zero_point is added.
struct DynamicScale : ScaleAndZero {
  float inverse = 0;    // not 0: numbers are multiplied by it
  bool tflite = false;  // zero_point - 128 is added before rounding, and halves are rounded away from zero

  DynamicScale() = default;
  DynamicScale(float s, std::int32_t zero, float i = 0, bool as_tflite = false)
      : ScaleAndZero{s, zero}, inverse(i), tflite(as_tflite) {}
};

inline DynamicScale no_dynamic_scale() noexcept { return {std::numeric_limits<float>::quiet_NaN(), 0}; }
inline std::int32_t nearest_u8(float zero) noexcept {
  return static_cast<std::int32_t>(std::nearbyint(std::fmin(std::fmax(zero, 0.0f), 255.0f)));
}

/// As ONNX's DynamicQuantizeLinear defines it.
inline DynamicScale dynamic_scale(Range r) noexcept {
  if (!(r.low <= r.high)) return no_dynamic_scale();
  const float low = std::fmin(r.low, 0.0f), high = std::fmax(r.high, 0.0f), scale = (high - low) / 255.0f;
  if (!std::isfinite(scale)) return no_dynamic_scale();
  if (!(scale > 0)) return {1, 0};
  return {scale, nearest_u8(-low / scale)};
}

/// As in XNNPACK (xnn_f32_qd8_asymmetric_quantization_params), whose int8 codes are 128 smaller. The zero point is that
/// of the bound with the smaller error.
inline DynamicScale xnnpack_dynamic_scale(Range r) noexcept {
  const float low = std::fmin(r.low, 0.0f), high = std::fmax(r.high, 0.0f), width = high - low;
  if (!(r.low <= r.high) || !std::isfinite(width)) return no_dynamic_scale();
  const float inverse = width > 0 ? 255 / width : 1;
  if (!std::isfinite(inverse)) return {1, 0};
  const float first = low * inverse, last = high * inverse;
  const float zero = (first - 128) + (last + 127) > 0 ? -128 - first : 127 - last;
  return {1 / inverse, nearest_u8(zero + 128), inverse};
}

/// As in TensorFlow Lite's own kernels (AsymmetricQuantizeFloats), whose int8 codes are 128 smaller.
inline DynamicScale tflite_dynamic_scale(Range r) noexcept {
  if (!(r.low <= r.high)) return no_dynamic_scale();
  const double low = std::fmin(r.low, 0.0f), high = std::fmax(r.high, 0.0f), exact = (high - low) / 255;
  const auto scale = static_cast<float>(exact);
  if (!std::isfinite(scale)) return no_dynamic_scale();
  if (!std::isfinite(1 / scale)) return {1, 0};
  const double first = low / exact, last = high / exact;
  const double zero = 128 - first < 127 + last ? -128 - first : 127 - last;
  return {scale, 128 + static_cast<std::int32_t>(std::round(std::fmin(std::fmax(zero, -128.0), 127.0))), 1 / scale,
          true};
}

}  // namespace detail
OCTET_END
