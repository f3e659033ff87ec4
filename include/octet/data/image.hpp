#pragma once
#include <string>

#include "../core/tensor.hpp"

OCTET_BEGIN

namespace detail {

constexpr std::int64_t max_image_pixels = 100'000'000;

}  // namespace detail

/// Decodes the bytes of a JPEG, PNG or BMP file to an RGB image [height, width, 3]. Gray images get three equal
/// channels; an alpha channel is dropped. Throws FormatError, naming `what`, if the file is damaged or has more than
/// 100 million pixels.
Tensor<uint8> decode_image(const std::string& bytes, const std::string& what = "the image");

/// Reads a JPEG, PNG or BMP file, see decode_image.
Tensor<uint8> load_image(const std::string& path);

/// Writes an image [height, width, channels] as a PNG file; channels: 1 (gray), 3 (RGB) or 4 (RGBA). The file is
/// replaced atomically. Throws ShapeError for other shapes, and FormatError if it cannot be written.
void save_png(const std::string& path, View<const uint8> image);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "image.inl"
#endif
