#pragma once
#include "../window.hpp"

OCTET_BEGIN

/// Puts each element of [N, spatial ..., C] at its place in the image that was pooled, as ONNX MaxUnpool; all else is
/// 0. Places (input 1, int64, of the same shape) are indices into [N, C, spatial ...], as MaxPool gives them. The image
/// has the size that the window says, or `sizes`. Places outside of it are ignored.
class Unpool : public OperatorOf<Unpool> {
 public:
  static constexpr const char* type_name = "Unpool";  ///< see Operator::type
  /// The inputs, in order.
  enum Operand : int { elements, places };
  Window window;                    ///< kernel, strides and padding of the pool
  std::vector<std::int64_t> sizes;  ///< spatial sizes of the output; empty: those that the window says

  void fields(FieldVisitor& v) override {
    window.fields(v);
    v.field("sizes", sizes);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API std::string summary(const ShapeContext&) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "unpool.inl"
#endif
