#pragma once
#include <cstdint>

#include "../../core/config.hpp"

OCTET_BEGIN

enum class ResizeMode : std::uint8_t { nearest, linear, cubic, last = cubic };

/// Maps an output position x to an input coordinate (names and formulas as in ONNX).
enum class CoordinateMode : std::uint8_t {
  half_pixel,            // (x + 0.5) / scale - 0.5
  half_pixel_symmetric,  // the same, symmetric even if scale * size is not an integer
  pytorch_half_pixel,    // the same; 0 if the output has one element
  align_corners,         // x (in - 1) / (out - 1)
  asymmetric,            // x / scale
  tf_crop_and_resize,    // align_corners within a region of interest
  last = tf_crop_and_resize
};

/// The neighbor that nearest selects.
enum class NearestMode : std::uint8_t { round_prefer_floor, round_prefer_ceil, floor, ceil, last = ceil };

/// Whether all sizes are exact, or only one of them, to keep the aspect ratio.
enum class AspectRatioPolicy : std::uint8_t { stretch, not_larger, not_smaller, last = not_smaller };

OCTET_END
