#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "../core/tensor.hpp"

OCTET_BEGIN

/// Interpolation for resizing images.
enum class ImageResize : std::uint8_t {
  bilinear,    // 2 x 2 pixels at dst * scale, without half-pixel centers (TensorFlow 1)
  half_pixel,  // 2 x 2 pixels at (dst + 0.5) * scale - 0.5
  antialias,   // triangle filter whose width grows with the scale (Pillow's bilinear)
  nearest,
  last = nearest
};

/// Maps 8-bit pixels to the inputs of a network: (pixel - mean) / deviation for each channel.
struct Normalization {
  std::array<double, 3> mean{0, 0, 0};       ///< in the channel order of the network; gray images use the first
  std::array<double, 3> deviation{1, 1, 1};  ///< likewise; not 0
  bool bgr = false;                          ///< whether the channel order is BGR
};

/// Names of common normalizations:
///   tf     x / 127.5 - 1
///   torch  (x / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
///   caffe  BGR minus (103.939, 116.779, 123.68)
///   unit   x / 255
///   raw    x, in 0 .. 255
const std::vector<std::string>& normalization_names();

/// The normalization with that name, see normalization_names. Throws Error for other names.
Normalization normalization(const std::string& recipe);

/// The names of resize modes: those of the enumerators of ImageResize.
const std::vector<std::string>& resize_names();

/// The mode with that name, see resize_names. Throws Error for other names.
ImageResize resize_mode(const std::string& name);

/// Preprocessing of images: center crop, resize, normalize.
struct Preprocessing {
  /// The crop is the largest centered part with the aspect ratio of the target, scaled by this factor in (0, 1].
  /// Default: 0.875, or the whole image if it already has the target's size.
  std::optional<double> crop;
  ImageResize resize = ImageResize::bilinear;                ///< as TensorFlow 1; torchvision has antialias
  Normalization normalization = octet::normalization("tf");  ///< by default tf: pixels in [-1, 1]
};

namespace detail {

/// The centered part of the image that is resized to the target, in whole pixels. Its size is rounded; if the margin is
/// odd, the extra pixel is at the bottom or right.
struct Crop {
  std::int64_t top, left, height, width;
};

Crop center_crop(std::int64_t h, std::int64_t w, std::int64_t target_h, std::int64_t target_w, double fraction);

}  // namespace detail

/// 8-bit pixels in memory: rows of interleaved channels, which may be followed by padding or belong to a larger image.
class ImageView {
 public:
  /// An image [height, width, channels] without gaps.
  ImageView(View<const uint8> image) : ImageView(image.data(), image.shape(), row_bytes(image.shape())) {}
  /// The same.
  ImageView(const Tensor<uint8>& image) : ImageView(View<const uint8>(image)) {}
  /// The first pixel, the shape [height, width, channels], and the number of bytes from one row to the next; negative
  /// if the rows are stored from bottom to top. Throws ShapeError if a size is unknown, or rows overlap.
  ImageView(const uint8* data, const Shape& shape, std::int64_t row_stride)
      : data_(data), shape_(shape), row_stride_(row_stride) {
    detail::require<ShapeError>(shape.known() && (row_stride < 0 ? -row_stride : row_stride) >= row_bytes(shape),
                                "rows of an image ", shape, " have at least ", row_bytes(shape),
                                " bytes, found a stride of ", row_stride);
  }

  /// The first pixel of row y. Not checked.
  const uint8* row(std::int64_t y) const noexcept { return data_ + y * row_stride_; }
  /// [height, width, channels]
  const Shape& shape() const noexcept { return shape_; }

 private:
  static std::int64_t row_bytes(const Shape& s) { return s.rank() == 3 ? s[1] * s[2] : 0; }

  const uint8* data_;
  Shape shape_;
  std::int64_t row_stride_;
};

/// Converts an image [H, W, C] to a network input [height, width, channels]. C and channels are 1 or 3: gray is
/// repeated, color is converted to gray by ITU-R BT.601. channels = 0 keeps those of the image. Throws ShapeError for
/// other shapes.
Tensor<float> preprocess(const ImageView& image, const Preprocessing& p, std::int64_t height, std::int64_t width,
                         std::int64_t channels = 0);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "preprocessing.inl"
#endif
