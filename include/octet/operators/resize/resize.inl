#pragma once
#include "../shape/indexed_copy.hpp"
#include "interpolate.hpp"
#include "resize.hpp"

OCTET_BEGIN

OCTET_API std::vector<detail::ResizeAxis> Resize::resolve(const Shape& in) const {
  const bool proportional = detail::keeps_aspect(*this);
  double common = 0;  // scale of all dimensions
  bool known = true;
  for (int d = 0; proportional && d < in.rank(); ++d) {
    const std::int64_t size = sizes[static_cast<std::size_t>(d)];
    if (size == 0) continue;
    known = known && in[d] != Shape::unknown;
    const double s = static_cast<double>(size) / static_cast<double>(in[d]);
    const bool better = keep_aspect_ratio_policy == AspectRatioPolicy::not_larger ? s < common : s > common;
    if (common == 0 || better) common = s;
  }
  std::vector<detail::ResizeAxis> axes;
  for (int d = 0; d < in.rank(); ++d) {
    const auto i = static_cast<std::size_t>(d);
    detail::ResizeAxis a;
    a.in = a.out = in[d];
    a.single = float_coordinates;
    if (coordinate_transformation_mode == CoordinateMode::tf_crop_and_resize && !roi.empty()) {
      a.begin = roi[i];
      a.end = roi[i + roi.size() / 2];
    }
    const bool whole = a.begin == 0 && a.end == 1;
    if (sizes.empty() || (proportional && sizes[i] != 0)) {
      a.scale = proportional ? common : scales[i];
      a.exact = false;
      a.kept = a.scale == 1 && whole;
      // The product in float, as in other runtimes: 10 * 0.7f is 7.
      const double length = proportional ? detail::rounded(a.scale * static_cast<double>(a.in)) + 0.5
                                         : static_cast<double>(static_cast<float>(a.in) * static_cast<float>(a.scale));
      if (!known || a.in == Shape::unknown)
        a.out = Shape::unknown;
      else if (!a.kept)
        a.out = static_cast<std::int64_t>(std::min(length, 1e12));
    } else if (sizes[i] != 0) {
      a.out = sizes[i];
      a.scale = static_cast<double>(a.out) / static_cast<double>(a.in);
      a.kept = a.out == a.in && whole;
    } else {
      a.kept = whole;
    }
    axes.push_back(a);
  }
  return axes;
}

OCTET_API bool Resize::by_image(const ShapeContext& c) const {
  const std::vector<detail::ResizeAxis> axes = resolve(c.shape(0));
  return !axes.empty() && axes[0].kept;
}

OCTET_API std::vector<Shape> Resize::shapes(const ShapeContext& c) const {
  const Shape& in = c.shape(0);
  const auto rank = static_cast<std::size_t>(in.rank());
  c.require(scales.empty() != sizes.empty() || rank == 0, "expected either scales or sizes");
  c.require(scales.size() + sizes.size() == rank && (roi.empty() || roi.size() == 2 * rank), scales.size(), " scales, ",
            sizes.size(), " sizes and a region of ", roi.size(), " numbers do not match ", in);
  c.require(std::isfinite(cubic_coeff_a), "cubic_coeff_a is ", cubic_coeff_a, ", expected a finite number");
  c.require(std::isfinite(extrapolation_value) || is_floating(c.dtype(0)), "extrapolation_value is ",
            extrapolation_value, ", which ", name(c.dtype(0)), " cannot hold");
  for (double s : scales) c.require(s > 0 && s < 1e9, "scale ", s, ", expected a positive number");
  for (std::int64_t s : sizes) c.require(s >= 0, "size ", s, " is negative");
  for (double r : roi)
    c.require(std::isfinite(r), "the region of interest has an end at ", r, ", expected finite numbers");
  Shape out;
  for (const detail::ResizeAxis& a : resolve(in)) {
    c.require(a.in != 0 || a.out <= 0, "an empty dimension of ", in, " cannot be resized");
    out.push_back(a.out);
  }
  return {out};
}

OCTET_API std::unique_ptr<Step> Resize::prepare(const PrepareContext& c) const {
  const Value& x = c.input(0);
  double outside = extrapolation_value;
  c.require(x.is_quantized() == c.output().is_quantized(), "input and output have to be both quantized, or none");
  if (x.is_quantized()) {
    c.require(
        x.has_one_scale() && c.output().has_one_scale() && (mode != ResizeMode::nearest || x.quant == c.output().quant),
        "input and output have to share one scale");
    c.validate(x);
    c.validate(c.output());
    outside = outside / static_cast<double>(x.quant.scale[0]) + x.quant.zero_point[0];
  }
  if (mode != ResizeMode::nearest)
    return detail::make_step<detail::InterpolateStep>(
        c, [self = *this](const Shape& in) { return self.resolve(in); },
        detail::ResizeFilter{mode, antialias, exclude_outside, cubic_coeff_a}, coordinate_transformation_mode,
        static_cast<float>(outside));
  detail::Fill fill;
  detail::element_bytes(c, x);
  detail::store_element(x.dtype, fill.element.data(), 0, is_floating(x.dtype) ? outside : std::nearbyint(outside));
  return detail::make_step<detail::IndexedStep>(
      c, [self = *this](const Shape& in, const Shape&, std::size_t) { return self.selected(in); }, fill);
}

OCTET_API std::vector<std::vector<std::int64_t>> Resize::selected(const Shape& in) const {
  std::vector<std::vector<std::int64_t>> places;
  for (const detail::ResizeAxis& a : resolve(in))
    places.push_back(a.nearest(coordinate_transformation_mode, nearest_mode));
  return places;
}

OCTET_API IntegerForm Resize::integer_form() const {
  IntegerForm f;
  f.output = IntegerForm::Output::as_input;
  // Cubic interpolation overshoots the range of the input, and what is outside of the region may be outside the range.
  const bool crops = coordinate_transformation_mode == CoordinateMode::tf_crop_and_resize && extrapolation_value != 0;
  f.rescales = f.widens = mode == ResizeMode::cubic || crops;
  f.input_rescaled = mode == ResizeMode::nearest && crops;
  return f;
}

OCTET_END
