#pragma once
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "../core/rounded.hpp"
#include "../core/tensor.hpp"
#include "preprocessing.hpp"

OCTET_BEGIN

OCTET_API const std::vector<std::string>& normalization_names() {
  static const std::vector<std::string> names{"tf", "torch", "caffe", "unit", "raw"};
  return names;
}

OCTET_API Normalization normalization(const std::string& recipe) {
  if (recipe == "tf") return {{127.5, 127.5, 127.5}, {127.5, 127.5, 127.5}, false};
  if (recipe == "torch")
    return {{255 * 0.485, 255 * 0.456, 255 * 0.406}, {255 * 0.229, 255 * 0.224, 255 * 0.225}, false};
  if (recipe == "caffe") return {{103.939, 116.779, 123.68}, {1, 1, 1}, true};
  if (recipe == "unit") return {{0, 0, 0}, {255, 255, 255}, false};
  detail::require(recipe == "raw", "unknown preprocessing '", recipe, "', expected tf, torch, caffe, unit or raw");
  return {};
}

OCTET_API const std::vector<std::string>& resize_names() {
  static const std::vector<std::string> names{"bilinear", "half_pixel", "antialias", "nearest"};
  return names;
}

OCTET_API ImageResize resize_mode(const std::string& name) {
  const auto& names = resize_names();
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<ImageResize>(i);
  detail::fail("unknown resize '", name, "', expected bilinear, half_pixel, antialias or nearest");
}

namespace detail {

/// The pixels along one dimension that contribute to a pixel of the result, and their weights.
struct Taps {
  std::int64_t first = 0;
  std::vector<float> weights;
};

/// The taps of all `out` pixels along one dimension. Only pixels in [from, from + size) are used.
inline std::vector<Taps> resize_taps(ImageResize mode, std::int64_t from, std::int64_t size, std::int64_t out) {
  std::vector<Taps> taps(static_cast<std::size_t>(out));
  const double scale = static_cast<double>(size) / static_cast<double>(out);
  const auto inside = [&](double i) {
    return std::min(std::max(static_cast<std::int64_t>(i), std::int64_t{0}), size - 1);
  };
  for (std::int64_t o = 0; o < out; ++o) {
    Taps& t = taps[static_cast<std::size_t>(o)];
    const double center = (static_cast<double>(o) + 0.5) * scale;
    if (mode == ImageResize::nearest) {
      t = {from + inside(center), {1.0f}};
    } else if (mode == ImageResize::antialias) {
      const double reach = std::max(1.0, scale);
      const std::int64_t first = inside(std::floor(center - reach + 0.5)),
                         last = inside(std::ceil(center + reach - 0.5) - 1);
      double sum = 0;
      std::vector<double> w;
      for (std::int64_t i = first; i <= last; ++i) {
        w.push_back(std::max(0.0, 1 - std::abs(static_cast<double>(i) + 0.5 - center) / reach));
        sum += w.back();
      }
      t.first = from + first;
      for (double x : w) t.weights.push_back(static_cast<float>(x / sum));
    } else {
      const double at = std::max(0.0, mode == ImageResize::half_pixel ? center - 0.5 : static_cast<double>(o) * scale);
      const std::int64_t i = inside(at);
      const auto part = static_cast<float>(at - static_cast<double>(i));
      t.first = from + i;
      if (i + 1 < size)
        t.weights = {1 - part, part};
      else
        t.weights = {1.0f};
    }
  }
  return taps;
}

OCTET_API Crop center_crop(std::int64_t h, std::int64_t w, std::int64_t target_h, std::int64_t target_w,
                           double fraction) {
  const double unit = std::min(static_cast<double>(h) / static_cast<double>(target_h),
                               static_cast<double>(w) / static_cast<double>(target_w));
  const auto part = [&](std::int64_t target, std::int64_t limit) {
    const auto n = static_cast<std::int64_t>(std::floor(rounded(unit * static_cast<double>(target) * fraction) + 0.5));
    return std::min(std::max<std::int64_t>(1, n), limit);
  };
  const std::int64_t height = part(target_h, h), width = part(target_w, w);
  return {(h - height) / 2, (w - width) / 2, height, width};
}

}  // namespace detail

OCTET_API Tensor<float> preprocess(const ImageView& image, const Preprocessing& p, std::int64_t height,
                                   std::int64_t width, std::int64_t channels) {
  const Shape& s = image.shape();
  const std::int64_t in_c = s.rank() == 3 ? s[2] : 0, out_c = channels > 0 ? channels : in_c;
  detail::require<ShapeError>((in_c == 1 || in_c == 3) && s[0] > 0 && s[1] > 0,
                              "expected an image [H, W, 1 or 3], found ", s);
  detail::require<ShapeError>(out_c == 1 || out_c == 3, "expected 1 or 3 channels for the network, found ", out_c);
  const bool sized = height > 0 && width > 0 && height <= 65536 && width <= 65536 && height * width <= 100'000'000;
  detail::require<ShapeError>(sized, "an image cannot be resized to ", height, " x ", width);
  const bool as_it_is = !p.crop && s[0] == height && s[1] == width;
  const double fraction = p.crop.value_or(as_it_is ? 1.0 : 0.875);
  detail::require(fraction > 0 && fraction <= 1, "expected a crop in (0, 1], found ", fraction);
  const detail::Crop crop = detail::center_crop(s[0], s[1], height, width, fraction);
  const auto rows = detail::resize_taps(p.resize, crop.top, crop.height, height);
  const auto columns = detail::resize_taps(p.resize, crop.left, crop.width, width);

  // Combine rows into one line of the image's width first, then resize along it.
  std::vector<float> line(static_cast<std::size_t>(s[1] * in_c));
  const std::int64_t begin = crop.left * in_c, end = (crop.left + crop.width) * in_c;
  Tensor<float> result = Tensor<float>::uninitialized({height, width, out_c});
  std::array<float, 3> scale{}, shift{};
  for (std::size_t c = 0; c < 3; ++c) {
    scale[c] = static_cast<float>(1 / p.normalization.deviation[c]);
    shift[c] = static_cast<float>(-p.normalization.mean[c] / p.normalization.deviation[c]);
  }
  for (std::int64_t y = 0; y < height; ++y) {
    const detail::Taps& row = rows[static_cast<std::size_t>(y)];
    std::fill(line.begin() + begin, line.begin() + end, 0.0f);
    for (std::size_t k = 0; k < row.weights.size(); ++k) {
      const uint8* from = image.row(row.first + static_cast<std::int64_t>(k));
      detail::add_products(row.weights[k], from + begin, line.data() + begin, end - begin);
    }
    for (std::int64_t x = 0; x < width; ++x) {
      const detail::Taps& column = columns[static_cast<std::size_t>(x)];
      std::array<float, 3> pixel{};
      const float* from = line.data() + column.first * in_c;
      for (std::size_t k = 0; k < column.weights.size(); ++k)
        for (std::int64_t c = 0; c < in_c; ++c)
          pixel[static_cast<std::size_t>(c)] += detail::rounded(column.weights[k] * *from++);
      if (in_c == 1) pixel[1] = pixel[2] = pixel[0];
      if (in_c == 3 && out_c == 1)
        pixel[0] = detail::rounded(0.299f * pixel[0]) + detail::rounded(0.587f * pixel[1]) +
                   detail::rounded(0.114f * pixel[2]);
      if (p.normalization.bgr && out_c == 3) std::swap(pixel[0], pixel[2]);
      for (std::size_t c = 0; c < static_cast<std::size_t>(out_c); ++c)
        result[(y * width + x) * out_c + static_cast<std::int64_t>(c)] =
            detail::rounded(pixel[c] * scale[c]) + shift[c];
    }
  }
  return result;
}

OCTET_END
