#pragma once
#include "../declare.hpp"
#include "modes.hpp"

OCTET_BEGIN
namespace detail {
struct ResizeAxis;
}

/// Resizes any dimensions, as ONNX Resize. All vectors have one entry per dimension, in the tensor's own order.
/// TFLite's resizes are: align_corners (nearest: round_prefer_ceil), half_pixel (half_pixel_centers; nearest:
/// round_prefer_ceil), else asymmetric (nearest: floor).
class Resize : public OperatorOf<Resize> {
 public:
  static constexpr const char* type_name = "Resize";  ///< see Operator::type
  ResizeMode mode = ResizeMode::nearest;              ///< how pixels are interpolated
  /// Which input coordinate a pixel of the output has.
  CoordinateMode coordinate_transformation_mode = CoordinateMode::half_pixel;
  NearestMode nearest_mode = NearestMode::round_prefer_floor;  ///< only of mode nearest: which of two neighbors
  std::vector<double> scales;                                  ///< either scales,
  std::vector<std::int64_t> sizes;  ///< or sizes of the output; 0 keeps the size of a dimension
  AspectRatioPolicy keep_aspect_ratio_policy = AspectRatioPolicy::stretch;  ///< for sizes that are not 0
  std::vector<double> roi;         ///< tf_crop_and_resize: starts, then ends, as fractions of the input
  double extrapolation_value = 0;  ///< outside the roi
  double cubic_coeff_a = -0.75;    ///< a of the cubic kernel (Keys 1981); -0.5 in TensorFlow and Pillow
  bool float_coordinates = false;  ///< coordinates in float32, with whole output sizes, as ONNX Runtime
  bool antialias = false;          ///< widens the filter when linear and cubic shrink
  bool exclude_outside = false;    ///< neighbors beyond the border have weight 0, instead of repeating the border

  void fields(FieldVisitor& v) override {
    v.field("mode", mode, ResizeMode::last);
    v.field("coordinate_transformation_mode", coordinate_transformation_mode, CoordinateMode::last);
    v.field("nearest_mode", nearest_mode, NearestMode::last);
    v.field("scales", scales);
    v.field("sizes", sizes);
    v.field("keep_aspect_ratio_policy", keep_aspect_ratio_policy, AspectRatioPolicy::last);
    v.field("roi", roi);
    v.field("extrapolation_value", extrapolation_value);
    v.field("cubic_coeff_a", cubic_coeff_a);
    v.field("float_coordinates", float_coordinates);
    v.field("antialias", antialias);
    v.field("exclude_outside", exclude_outside);
  }

  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;

  OCTET_API bool by_image(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  Traits traits() const override {
    Traits t;
    t.makes_elements = true;
    if (extrapolation_value == 0) t.factors = Traits::Factors::passed;
    return t;
  }
  OCTET_API IntegerForm integer_form() const override;

  /// What nearest selects from an input of that shape: for each dimension and each place of the output, the place in
  /// the input; -1 outside the region of interest.
  OCTET_API std::vector<std::vector<std::int64_t>> selected(const Shape& in) const;

 private:
  OCTET_API std::vector<detail::ResizeAxis> resolve(const Shape& in) const;
};

namespace detail {
/// Whether all dimensions of which a size is given have one scale.
inline bool keeps_aspect(const Resize& r) {
  return !r.sizes.empty() && r.keep_aspect_ratio_policy != AspectRatioPolicy::stretch;
}
}  // namespace detail

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "resize.inl"
#endif
