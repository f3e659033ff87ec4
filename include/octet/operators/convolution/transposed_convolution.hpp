#pragma once
#include "../activation_range.hpp"
#include "../operands.hpp"
#include "../window.hpp"

OCTET_BEGIN
namespace detail {
struct TransposedAxis;
}

/// Transposed convolution of images [N, H, W, C] (or [N, W, C]) with weights [O, kh, kw, C / groups]. Inputs: image,
/// weights, bias [O] (optional). Output: stride * (in - 1) + output_padding + (kernel - 1) * dilation + 1 - pads; with
/// SAME padding: in * stride. If the output size is given or SAME, it determines the total padding; an odd pixel is at
/// the end for same_upper, else at the beginning (ONNX). With valid padding, there is none at the beginning (TFLite).
class TransposedConvolution : public OperatorOf<TransposedConvolution>, public detail::LayerInputs {
 public:
  static constexpr const char* type_name = "TransposedConvolution";  ///< see Operator::type
  Window window;            ///< of the convolution that this one is the transpose of; strides are those of the output
  std::int64_t groups = 1;  ///< of channels; C and O are multiples of it
  std::vector<std::int64_t> output_padding;  ///< of each spatial dimension, or empty
  std::vector<std::int64_t> output_size;     ///< of each spatial dimension, or empty: as computed
  ActivationRange activation;                ///< clamps the results

  void fields(FieldVisitor& v) override {
    window.fields(v);
    v.field("groups", groups);
    v.field("output_padding", output_padding);
    v.field("output_size", output_size);
    activation.fields(v);
  }

  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;

  bool by_image(const ShapeContext& c) const override { return c.constant_from(weights); }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API void check(const PrepareContext& c) const override;
  OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override;
  Learning learning(int input) const override {
    return input == weights || input == bias ? Learning::by_gradient : Learning::none;
  }

  OCTET_API OperatorPtr clamped(double low, double high) const override;

  OCTET_API IntegerForm integer_form() const override;
  OCTET_API Traits traits() const override;

  OCTET_API std::int64_t macs(const ShapeContext& c) const override;

 private:
  OCTET_API detail::TransposedAxis axis(std::size_t i, std::int64_t in) const;

  /// The axes for an input of this shape. 1-D images have a height of 1.
  OCTET_API std::array<detail::TransposedAxis, 2> axes(const Shape& in) const;

  template <class Form>
  std::unique_ptr<Step> step(const PrepareContext& c) const;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "transposed_convolution.inl"
#endif
