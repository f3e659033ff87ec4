#pragma once
#include "../window.hpp"

OCTET_BEGIN

/// Largest element of each window of 2-D images [N, H, W, C], and its place in the window (row * width + column) as a
/// float, plus 0.1: MediaPipe's MaxPoolingWithArgmax2D. Selects the first of equal elements; NaN is never selected.
class ArgMaxPool : public OperatorOf<ArgMaxPool> {
 public:
  static constexpr const char* type_name = "ArgMaxPool";  ///< see Operator::type
  Window window;                                          ///< kernel, strides, pads

  void fields(FieldVisitor& v) override { window.fields(v); }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API std::string summary(const ShapeContext&) const override;
};

/// Puts each element into a window, at the place that the second input (see ArgMaxPool) gives; all else is 0:
/// MediaPipe's MaxUnpooling2D. The image grows by the size of the window. Places outside the image are ignored.
class MaxUnpool : public OperatorOf<MaxUnpool> {
 public:
  static constexpr const char* type_name = "MaxUnpool";  ///< see Operator::type
  /// The inputs, in order.
  enum Operand : int {
    elements,  ///< [N, H, W, C]
    places     ///< the same shape; see ArgMaxPool
  };
  Window window;  ///< kernel and strides

  void fields(FieldVisitor& v) override { window.fields(v); }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API std::string summary(const ShapeContext&) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "arg_max_pool.inl"
#endif
