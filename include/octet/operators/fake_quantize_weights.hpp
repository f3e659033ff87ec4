#pragma once
#include "declare.hpp"

OCTET_BEGIN

/// Fake quantization of weights: rounds to 8 or 4 bits and back, symmetric and per output channel. Inputs: weights
/// [O, ...], learned scales [O] (optional; by default, the largest element of a channel determines its scale).
class FakeQuantizeWeights : public OperatorOf<FakeQuantizeWeights> {
 public:
  static constexpr const char* type_name = "FakeQuantizeWeights";  ///< see Operator::type
  /// Indices of the inputs.
  enum Operand : int { weights, scales };
  int bits = 8;  ///< 8 or 4: codes are in [-(2^(bits - 1) - 1), 2^(bits - 1) - 1]

  void fields(FieldVisitor& v) override { v.field("bits", bits); }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  Traits traits() const override {
    Traits t;
    t.fake_quantizes = true;
    return t;
  }
  OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override;
  Learning learning(int input) const override {
    return input == weights ? Learning::by_gradient : input == scales ? Learning::in_proportion : Learning::none;
  }
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "fake_quantize_weights.inl"
#endif
