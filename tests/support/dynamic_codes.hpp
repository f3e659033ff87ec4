#pragma once
#include <algorithm>
#include <cmath>
#include <octet/core/rounded.hpp>

#include "epilogue.hpp"

/// References of activations that are quantized at run time: each writes the codes of n elements minus their zero
/// point, and returns the scale.
namespace testing {

/// The smallest and largest of the elements and 0.
inline std::pair<float, float> range_with_zero(const float* x, std::int64_t n) {
  const auto range = std::minmax_element(x, x + n);
  return {std::min(*range.first, 0.0f), std::max(*range.second, 0.0f)};
}

/// ONNX's DynamicQuantizeLinear.
inline float onnx_codes(const float* x, std::int64_t n, std::int32_t* q) {
  const auto [low, high] = range_with_zero(x, n);
  const float scale = (high - low) / 255.0f;
  const std::int32_t zero = rounded(clamped(-low / scale, 0.0f, 255.0f));
  for (std::int64_t i = 0; i < n; ++i) q[i] = clamped(std::int64_t{rounded(x[i] / scale)} + zero, 0, 255) - zero;
  return scale;
}

/// XNNPACK.
inline float xnnpack_codes(const float* x, std::int64_t n, std::int32_t* q) {
  const auto [low, high] = range_with_zero(x, n);
  const float inverse = low == high ? 1 : 255 / (high - low);
  const float from_low = -128 - low * inverse, from_high = 127 - high * inverse;
  const float error_low = low * inverse - 128, error_high = high * inverse + 127;
  const auto zero = std::int64_t{rounded(clamped(error_low + error_high > 0 ? from_low : from_high, -128.0f, 127.0f))};
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t code = rounded(x[i] * inverse) + zero;
    q[i] = static_cast<std::int32_t>(std::clamp<std::int64_t>(code, -128, 127) - zero);
  }
  return 1 / inverse;
}

/// TensorFlow Lite's own kernels.
inline float tflite_codes(const float* x, std::int64_t n, std::int32_t* q) {
  const auto [low, high] = range_with_zero(x, n);
  if (low == high) {
    std::fill_n(q, n, 0);
    return 1;
  }
  const double step = (static_cast<double>(high) - static_cast<double>(low)) / 255;
  const double first = static_cast<double>(low) / step, last = static_cast<double>(high) / step;
  const double zero = std::round(128 + std::abs(first) < 127 + std::abs(last) ? -128 - first : 127 - last);
  const auto z = static_cast<std::int32_t>(std::clamp(zero, -128.0, 127.0));
  const auto scale = static_cast<float>(step);
  const float inverse = 1 / scale;
  for (std::int64_t i = 0; i < n; ++i) {
    const float code = std::round(static_cast<float>(z) + octet::detail::rounded(x[i] * inverse));
    q[i] = static_cast<std::int32_t>(clamped(code, -128.0f, 127.0f)) - z;
  }
  return scale;
}

}  // namespace testing
