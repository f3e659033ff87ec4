#pragma once
#include <string>

#include "../core/tensor.hpp"

OCTET_BEGIN

namespace detail {

constexpr std::int64_t max_image_pixels = 100'000'000;

}  // namespace detail

/// Decodes a JPEG, PNG or BMP file's bytes to [height, width, 3], RGB; gray ones get three equal channels, an
/// alpha channel is dropped. Throws FormatError where they are damaged, or the picture has more than 100
/// million pixels.
Tensor<uint8> decode_image(const std::string& bytes, const std::string& what = "the image");

/// Reads a JPEG, PNG or BMP file as decode_image does.
Tensor<uint8> load_image(const std::string& path);

/// Writes an image [height, width, channels] (1: gray, 3: RGB, 4: with alpha) as a PNG file.
void save_png(const std::string& path, View<const uint8> image);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "image.inl"
#endif
