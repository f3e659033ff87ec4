#pragma once
#include <algorithm>
#include <cmath>
#include <optional>

#include "../../../operators/resize/resize.hpp"
#include "../node_export.hpp"

OCTET_BEGIN
namespace detail::tflite {

/// The order in which the two dimensions that are resized are height and width: unchanged if they are.
inline std::vector<std::int64_t> resized_order(NodeExport& n, const Resize& r) {
  const Shape& in = n.input(0).shape;
  std::vector<std::int64_t> resized, others, order{0, 1, 2, 3};
  for (const std::int64_t d : order) {
    const auto k = static_cast<std::size_t>(d);
    const bool keeps = r.scales.empty() ? r.sizes[k] == 0 || r.sizes[k] == in[static_cast<int>(d)] : r.scales[k] == 1;
    (keeps ? others : resized).push_back(d);
  }
  if (others.size() < 2) return {};
  if (std::all_of(resized.begin(), resized.end(), [](std::int64_t d) { return d == 1 || d == 2; })) return order;
  if (resized.size() == 1) {  // any other dimension but the first goes with it
    resized.push_back(others.back());
    others.pop_back();
    std::sort(resized.begin(), resized.end());
  }
  return {others[0], resized[0], resized[1], others[1]};
}

/// The coordinates with which TFLite's nearest selects what `r` does.
inline std::optional<CoordinateMode> nearest_coordinates(const Resize& r, const Shape& in, const Shape& out) {
  const auto wanted = r.selected(in);
  for (const CoordinateMode mode :
       {CoordinateMode::asymmetric, CoordinateMode::half_pixel, CoordinateMode::align_corners}) {
    Resize like;
    like.sizes.assign(out.begin(), out.end());
    like.coordinate_transformation_mode = mode;
    like.nearest_mode = mode == CoordinateMode::asymmetric ? NearestMode::floor : NearestMode::round_prefer_ceil;
    if (like.selected(in) == wanted) return mode;
  }
  return std::nullopt;
}

/// The coordinates with which TFLite's linear interpolates as `r` does. order[i] is the dimension of r's tensor that
/// is dimension i of the image.
inline std::optional<CoordinateMode> linear_coordinates(const Resize& r, const std::vector<std::int64_t>& order,
                                                        const Shape& in, const Shape& out) {
  const auto size = [&](int i) { return r.sizes[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])]; };
  // Where the aspect ratio is kept, both dimensions have the scale of one.
  if (keeps_aspect(r) && size(1) && size(2) && out[1] * in[2] != out[2] * in[1]) return std::nullopt;
  for (int i = 1; i <= 2 && !r.scales.empty(); ++i) {  // the scales have to be the ratios of sizes
    const double scale = r.scales[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])];
    if (!(std::abs(scale * static_cast<double>(in[i]) - static_cast<double>(out[i])) < 1e-3)) return std::nullopt;
  }
  switch (const CoordinateMode mode = r.coordinate_transformation_mode) {
    case CoordinateMode::half_pixel:
    case CoordinateMode::align_corners:
    case CoordinateMode::asymmetric: return mode;
    case CoordinateMode::half_pixel_symmetric: return CoordinateMode::half_pixel;
    case CoordinateMode::pytorch_half_pixel:
      if (out[1] > 1 && out[2] > 1) return CoordinateMode::half_pixel;
      break;
    case CoordinateMode::tf_crop_and_resize: break;
  }
  return std::nullopt;
}

/// Images to a known size. Coordinates are TFLite's: align_corners, half_pixel, or neither.
inline void export_resize(NodeExport& n) {
  const auto& r = static_cast<const Resize&>(n.op());
  const std::vector<std::int64_t> order = n.rank() == 4 ? resized_order(n, r) : std::vector<std::int64_t>();
  n.require(!order.empty(), "resizes ", n.input(0).shape,
            ", which TFLite does not have: it resizes two dimensions of four");
  Shape in = n.input(0).shape, out = n.output().shape;
  for (int d = 0; d < 4; ++d) {
    const int from = static_cast<int>(order[static_cast<std::size_t>(d)]);
    in[d] = n.input(0).shape[from];
    out[d] = n.output().shape[from];
  }
  n.require(out[1] > 0 && out[2] > 0 && in[1] > 0 && in[2] > 0,
            "resizes images of unknown size, for which TFLite needs "
            "the size of the result: set the size of the model's input");
  n.require(r.mode != ResizeMode::cubic && !r.antialias && !r.exclude_outside,
            "interpolates in a way that TFLite does not have: the nearest is linear, without antialias");
  const bool linear = r.mode == ResizeMode::linear;
  const std::optional<CoordinateMode> mode =
      linear ? linear_coordinates(r, order, in, out) : nearest_coordinates(r, n.input(0).shape, n.output().shape);
  n.require(mode || !linear,
            "resizes with coordinates that TFLite does not have: the nearest are half_pixel, align_corners and "
            "asymmetric with sizes that are whole multiples");
  n.require(
      mode.has_value(),
      "selects the nearest pixel in a way that TFLite does not have: of these sizes, it has floor (asymmetric) and "
      "round_prefer_ceil (half_pixel, align_corners)");
  const bool moves = order != std::vector<std::int64_t>{0, 1, 2, 3};
  int x = n.in_like_output(0), y = n.out();
  const auto transpose = [&](int from, int to, const std::vector<std::int64_t>& perm) {
    n.operate("TRANSPOSE", 1, 2, {from, n.integers("perm", perm)}, {to}, Options(26));
  };
  if (moves) {
    const FileTensor like = n.tensors().at(x);
    const int image = n.step("image", like.dtype, in, like.quant);
    transpose(x, image, order);
    x = image;
    y = n.step("resized", like.dtype, out, like.quant);
  }
  const int size = n.integers("size", {out[1], out[2]});
  const int corners = mode == CoordinateMode::align_corners, centers = mode == CoordinateMode::half_pixel;
  if (linear)
    n.operate("RESIZE_BILINEAR", 1, 2, {x, size}, {y}, Options(15).byte(2, corners).byte(3, centers));
  else
    n.operate("RESIZE_NEAREST_NEIGHBOR", 1, 2, {x, size}, {y}, Options(74).byte(0, corners).byte(1, centers));
  if (!moves) return;
  std::vector<std::int64_t> back(4);
  for (std::size_t d = 0; d < 4; ++d) back[static_cast<std::size_t>(order[d])] = static_cast<std::int64_t>(d);
  transpose(y, n.out(), back);
}

}  // namespace detail::tflite
OCTET_END
