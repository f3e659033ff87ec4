#pragma once
#include "../activation_range.hpp"
#include "../operands.hpp"
#include "../window.hpp"

OCTET_BEGIN
namespace detail {
class ConvolutionStep;
}

/// Convolution of images [N, H, W, C] (or [N, W, C]) with weights [O, kh, kw, C / groups]; groups = C is depthwise.
/// Inputs: image, weights, bias [O] (optional), residual with the output's shape (optional), which is added before the
/// activation.
class Convolution : public OperatorOf<Convolution>, public detail::ConvolutionInputs {
 public:
  static constexpr const char* type_name = "Convolution";  ///< see Operator::type
  Window window;                                           ///< kernel size, strides, dilations and padding
  std::int64_t groups = 1;                                 ///< of channels; C and O are multiples of it
  ActivationRange activation;                              ///< clamps the results
  /// Of integer layers with a residual: scale and zero point (as int8) that suit the result before the residual is
  /// added. It is not rounded to them: they are for files of other formats, which need them. 0: not known.
  double unsummed_scale = 0;
  std::int64_t unsummed_zero_point = 0;  ///< see unsummed_scale
  /// For Rounding::litert: it is a depthwise convolution although it has one group.
  bool as_depthwise = false;

  void fields(FieldVisitor& v) override {
    window.fields(v);
    v.field("groups", groups);
    activation.fields(v);
    v.field("unsummed_scale", unsummed_scale);
    v.field("unsummed_zero_point", unsummed_zero_point);
    v.field("as_depthwise", as_depthwise);
  }

  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;

  bool by_image(const ShapeContext& c) const override { return c.value(weights).is_constant(); }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  /// As prepare, for joined operators, which need the step's own type.
  OCTET_API std::unique_ptr<detail::ConvolutionStep> prepare_convolution(const PrepareContext& c) const;
  OCTET_API void check(const PrepareContext& c) const override;

  OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override;
  OCTET_API Learning learning(int input) const override;

  OCTET_API OperatorPtr clamped(double low, double high) const override;

  OCTET_API OperatorPtr padded(const std::vector<std::int64_t>& before, const std::vector<std::int64_t>& after,
                               double value) const override;
  OCTET_API IntegerForm integer_form() const override;
  OCTET_API Traits traits() const override;
  OCTET_API std::string summary(const ShapeContext& c) const override;

  OCTET_API std::int64_t macs(const ShapeContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "convolution.inl"
#endif
