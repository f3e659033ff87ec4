#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "../core/tensor.hpp"

OCTET_BEGIN

/// How pixels are found for another image size.
enum class ImageResize : std::uint8_t {
  bilinear,    // two pixels a direction, position = dst * scale: TensorFlow 1's, without the half-pixel shift
  half_pixel,  // two pixels a direction, position = (dst + 0.5) * scale - 0.5
  antialias,   // triangle filter as wide as the reduction: Pillow's bilinear
  nearest,
  last = nearest
};

/// From 8-bit pixels to the numbers a network was trained with: (pixel - mean) / deviation, channel by
/// channel.
struct Normalization {
  std::array<double, 3> mean{0, 0, 0}, deviation{1, 1, 1};  // in the network's order of channels
  bool bgr = false;                                         // whether the network wants blue first
};

/// The recipes of the frameworks by name:
///   tf     x / 127.5 - 1
///   torch  x / 255, then minus (0.485, 0.456, 0.406), divided by (0.229, 0.224, 0.225)
///   caffe  BGR minus (103.939, 116.779, 123.68)
///   unit   x / 255
///   raw    0 .. 255 as they are
const std::vector<std::string>& normalization_names();

Normalization normalization(const std::string& recipe);

const std::vector<std::string>& resize_names();

ImageResize resize_mode(const std::string& name);

/// What is done to an image before a network sees it: crop the middle, resize, normalize.
struct Preprocessing {
  /// The largest centered part with the aspect ratio of the target, times this. Where it is not given: 0.875,
  /// but the whole image where it has the target's size already.
  std::optional<double> crop;
  ImageResize resize = ImageResize::bilinear;
  Normalization normalization = octet::normalization("tf");
};

namespace detail {

/// The centered part of the image that a target of another shape is made from, in whole pixels: its size is rounded, an
/// odd pixel beside it lies at the bottom or right.
struct Crop {
  std::int64_t top, left, height, width;
};

Crop center_crop(std::int64_t h, std::int64_t w, std::int64_t target_h, std::int64_t target_w, double fraction);

}  // namespace detail

/// An image [H, W, C] of pixels as the input [height, width, channels] of a network; C and channels are 1 or
/// 3 (gray pixels are repeated, color is weighed to gray as in ITU-R 601); 0 channels: those of the image.
Tensor<float> preprocess(View<const uint8> image, const Preprocessing& p, std::int64_t height, std::int64_t width,
                         std::int64_t channels = 0);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "preprocessing.inl"
#endif
