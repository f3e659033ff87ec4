#pragma once
#include "declare.hpp"

OCTET_BEGIN

/// Fake quantization of an activation: rounds to 8 or 4 bits and back. Inputs: x; the observed range [low, high,
/// batches]; a learned scale [1] (optional), which replaces that of the range after the first batch; the learned number
/// of the lowest code [1] (optional, with a scale), from which the zero point follows: round(lowest code - lowest /
/// scale). Learning is LSQ (Esser et al. 2020), or with the fourth input LSQ+ (Bhalgat et al. 2020); it begins with the
/// range of least squared error of the first batch.
class FakeQuantize : public OperatorOf<FakeQuantize> {
 public:
  static constexpr const char* type_name = "FakeQuantize";  ///< see Operator::type
  /// Indices of the inputs.
  enum Operand : int { x, range, scale, lowest };
  int bits = 8;          ///< 8 or 4: rounds to codes of int8 or int4
  double decay = 0.99;   ///< of the moving averages of the smallest and largest element
  bool observes = true;  ///< false: the range is frozen, or is that of another value
  bool rounds = true;    ///< false: returns x, whose range is only observed

  void fields(FieldVisitor& v) override {
    v.field("bits", bits);
    v.field("decay", decay);
    v.field("observes", observes);
    v.field("rounds", rounds);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  Traits traits() const override {
    Traits t;
    t.fake_quantizes = true;
    return t;
  }
  OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override;
  OCTET_API Learning learning(int input) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "fake_quantize.inl"
#endif
