#pragma once
#include "declare.hpp"

OCTET_BEGIN

/// Fake quantization of a layer's int32 sums: rounds results, and with them the bias, to multiples of input scale times
/// weight scale (times the factor of the batch normalization after the layer). If only a clamp is between the layer and
/// the rounding of its output, also requantizes to the output scale, with the same bits as the integer layer. Only in
/// inference; in training, it returns its input. Inputs: x [..., O]; range and learned scale of the layer's input
/// (FakeQuantize); its weights and their learned scales (FakeQuantizeWeights); its bias; gamma, beta, mean and variance
/// of the normalization; range and learned scale of the output.
class FakeQuantizeSums : public OperatorOf<FakeQuantizeSums> {
 public:
  static constexpr const char* type_name = "FakeQuantizeSums";  ///< see Operator::type
  /// Indices of the inputs. All except x, range and weights are optional.
  enum { x, range, weights, scale, scales, bias, gamma, beta, mean, variance, out_range, out_scale, inputs };
  int input_bits = 8;   ///< of FakeQuantize before the layer: 8 or 4
  int weight_bits = 8;  ///< of FakeQuantizeWeights: 8 or 4
  int output_bits = 8;  ///< of FakeQuantize after the layer: 8 or 4
  double epsilon = 0;   ///< of the normalization after the layer

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
