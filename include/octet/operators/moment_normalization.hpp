#pragma once
#include "activation_range.hpp"

OCTET_BEGIN

/// (x - mean) / sqrt(variance + epsilon) * scale + shift, with the mean and variance over some dimensions: layer,
/// instance and group normalization. Executors create it; it does not occur in files. x and the result are float, or
/// bytes with one scale.
class MomentNormalization : public OperatorOf<MomentNormalization> {
 public:
  static constexpr const char* type_name = "MomentNormalization";  ///< see Operator::type
  /// Indices of the inputs. The last two are optional constants, broadcast to the last dimensions of x, from the first
  /// one on that axes contain, or behind those, if the last dimension is none of them.
  enum Operand : int { image, scale, shift };
  std::vector<std::int64_t> axes;  ///< ascending, from 0 on
  double epsilon = 0;              ///< added to the variance
  ActivationRange activation;      ///< clamps the results
  DType to = DType::f32;           ///< of the output

  void fields(FieldVisitor& v) override {
    v.field("axes", axes);
    v.field("epsilon", epsilon);
    activation.fields(v);
    v.field("to", to, last_dtype);
  }
  /// Whether the axes of a tensor of that rank are the last ones, or one block that other dimensions follow, or that
  /// and the last ones.
  OCTET_API static bool supports(const std::vector<std::int64_t>& axes, int rank);
  /// The first of the dimensions that have scales and shifts of their own, where axes are supported.
  OCTET_API static int first_scaled(const std::vector<std::int64_t>& axes, int rank);

  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  DType dtype(const ShapeContext&, int) const override { return to; }
  bool by_image(const ShapeContext&) const override { return !axes.empty() && axes[0] != 0; }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  std::string summary(const ShapeContext&) const override { return "Normalization"; }
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "moment_normalization.inl"
#endif
