#pragma once
#include <cstdlib>
#include <ostream>

#include "../core/tensor.hpp"
#include "../files/atomic_file.hpp"
#include "../files/read_file.hpp"
#include "bmp_check.hpp"
#include "image.hpp"
#include "jpeg_check.hpp"
#include "png_check.hpp"
#include "stb.hpp"

OCTET_BEGIN

namespace detail {

/// Rejects images with more pixels than their file can hold, before allocating memory for them.
inline void require_plausible(std::int64_t pixels, const std::string& bytes, const std::string& what) {
  const auto size = static_cast<std::int64_t>(bytes.size());
  require<FormatError>(pixels > 0 && pixels <= max_image_pixels, what, " has ", pixels, " pixels, expected at most ",
                       max_image_pixels);
  // The densest possible: one bit per pixel, compressed by zlib's largest factor.
  require<FormatError>(pixels <= 8 * 1032 * size, what, " declares ", pixels, " pixels, too many for a file of ", size,
                       " bytes");
}

inline const char* failure_reason() noexcept {
  const char* reason = stb::stbi_failure_reason();
  return reason ? reason : "unknown reason";
}

}  // namespace detail

OCTET_API Tensor<uint8> decode_image(const std::string& bytes, const std::string& what) {
  using namespace detail;
  constexpr std::size_t largest = std::size_t{1} << 30;
  require<FormatError>(bytes.size() < largest, what, " has ", bytes.size(), " bytes, expected less than ", largest);
  const auto* data = reinterpret_cast<const stb::stbi_uc*>(bytes.data());
  const int size = static_cast<int>(bytes.size());
  if (size > 0 && data[0] == 0xff) JpegCheck(bytes, what).run();
  int width = 0, height = 0, channels = 0;
  decoder_memory_limit() = std::size_t{1} << 16;
  const bool known = stb::stbi_info_from_memory(data, size, &width, &height, &channels) != 0;
  require<FormatError>(known, what, " is not a supported JPEG, PNG or BMP image (", failure_reason(), ")");
  if (data[0] == 'B') BmpCheck(bytes, what).run();
  const std::int64_t pixels = std::abs(std::int64_t{width} * height);  // the rows of a BMP may begin at the top
  require_plausible(pixels, bytes, what);
  if (data[0] == 0x89) PngCheck(bytes, what).run();
  decoder_memory_limit() = static_cast<std::size_t>(pixels) * 16 + 2 * bytes.size() + (std::size_t{1} << 20);
  struct Free {
    void operator()(stb::stbi_uc* p) const noexcept { std::free(p); }
  };
  const int wanted =
      channels < 3 ? 1 : 3;  // gray images are expanded below, which needs less memory than in the decoder
  const std::unique_ptr<stb::stbi_uc, Free> decoded(
      stb::stbi_load_from_memory(data, size, &width, &height, &channels, wanted));
  require<FormatError>(decoded && std::int64_t{width} * height == pixels, what, " is damaged (", failure_reason(), ")");
  if (wanted == 3) return Tensor<uint8>(View<const uint8>(decoded.get(), {height, width, 3}));
  Tensor<uint8> image = Tensor<uint8>::uninitialized({height, width, 3});
  for (std::int64_t i = 0; i < pixels; ++i) std::fill_n(image.data() + 3 * i, 3, decoded.get()[i]);
  return image;
}

OCTET_API Tensor<uint8> load_image(const std::string& path) {
  return decode_image(detail::read_file(path, std::int64_t{1} << 30), "'" + path + "'");
}

OCTET_API void save_png(const std::string& path, View<const uint8> image) {
  using namespace detail;
  const Shape& s = image.shape();
  const bool fits = s.rank() == 3 && s[0] > 0 && s[1] > 0 && (s[2] == 1 || s[2] == 3 || s[2] == 4);
  require<ShapeError>(fits && image.size() < (std::int64_t{1} << 30),
                      "expected an image [H, W, 1, 3 or 4] for a PNG file, found ", s);
  const auto dim = [&](int i) { return static_cast<int>(s[i]); };
  write_atomically(path, [&](std::ostream& out) {
    const auto write = [](void* to, void* bytes, int n) {
      static_cast<std::ostream*>(to)->write(static_cast<char*>(bytes), n);
    };
    const int ok = stb::stbi_write_png_to_func(write, &out, dim(1), dim(0), dim(2), image.data(), dim(1) * dim(2));
    require<FormatError>(ok != 0, "'", path, "': encoding failed");
  });
}

OCTET_END
