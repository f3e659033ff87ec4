#pragma once
#include "../declare.hpp"
#include "modes.hpp"

OCTET_BEGIN

/// What is beyond an image's border.
enum class GridPadding : std::uint8_t {
  zeros,
  border,      ///< the nearest pixel of the image
  reflection,  ///< the image, mirrored at its border as often as necessary
  last = reflection
};

/// Pixels of images [N, H, W, C] at the places of a grid [N, rows, columns, 2] of (x, y), as ONNX GridSample: -1 and 1
/// are the borders of an image. The output is [N, rows, columns, C]. A place that is not a number is in the padding.
class GridSample : public OperatorOf<GridSample> {
 public:
  static constexpr const char* type_name = "GridSample";  ///< see Operator::type
  /// Indices of the inputs.
  enum Operand : int { images, grid };
  ResizeMode mode = ResizeMode::linear;      ///< how pixels are interpolated; cubic with the factor -0.75
  GridPadding padding = GridPadding::zeros;  ///< see GridPadding
  bool align_corners = false;                ///< the borders are the centers of the outer pixels, not their edges

  void fields(FieldVisitor& v) override {
    v.field("mode", mode, ResizeMode::last);
    v.field("padding", padding, GridPadding::last);
    v.field("align_corners", align_corners);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  bool by_image(const ShapeContext& c) const override {
    return !c.value(images).is_constant() && !c.value(grid).is_constant();
  }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "grid_sample.inl"
#endif
