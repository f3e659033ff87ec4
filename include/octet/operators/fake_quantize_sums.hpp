#pragma once
#include "declare.hpp"

OCTET_BEGIN

/// The result of a layer as an int32 sum holds it: a multiple of input scale times weight scale (times the factor of
/// the batch normalization behind it), to which its bias is rounded; and, where only a clamp lies between it and its
/// rounding to an output scale, requantized to that as the integer layer does it, to the bit. In inference only:
/// statistics of a batch make no difference of it, and training passes it by. Inputs: x [..., O]; of the layer's input,
/// the range and the learned scale (FakeQuantize); its weights and their learned scales (FakeQuantizeWeights); its
/// bias; the normalization's gamma, beta, mean and variance; the output's range and learned scale.
class FakeQuantizeSums : public OperatorOf<FakeQuantizeSums> {
 public:
  static constexpr const char* type_name = "FakeQuantizeSums";
  /// Indices of the inputs. All except x, range and weights are optional.
  enum { x, range, weights, scale, scales, bias, gamma, beta, mean, variance, out_range, out_scale, inputs };
  int input_bits = 8, weight_bits = 8, output_bits = 8;
  double epsilon = 0;

  void fields(FieldVisitor& v) override {
    v.field("input_bits", input_bits);
    v.field("weight_bits", weight_bits);
    v.field("output_bits", output_bits);
    v.field("epsilon", epsilon);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  Traits traits() const override {
    Traits t;
    t.fake_quantizes = true;
    return t;
  }
  OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext&) const override;
  Learning learning(int input) const override { return input == x ? Learning::none : Learning::elsewhere; }
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "fake_quantize_sums.inl"
#endif
