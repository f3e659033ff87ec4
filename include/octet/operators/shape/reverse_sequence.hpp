#pragma once
#include "../declare.hpp"

OCTET_BEGIN

/// Reverses the first elements along one axis, as many as input 1 (int32 or int64, [n]) says for each of the n elements
/// of another axis. The others stay. Numbers are clamped to the size of the axis.
class ReverseSequence : public OperatorOf<ReverseSequence> {
 public:
  static constexpr const char* type_name = "ReverseSequence";  ///< see Operator::type
  /// The inputs, in order.
  enum Operand : int { elements, lengths };
  std::int64_t axis = 0;        ///< that is reversed; in [-rank, rank)
  std::int64_t batch_axis = 1;  ///< that lengths belong to; in [-rank, rank)

  ReverseSequence() = default;
  /// Along axis a, with lengths for axis b.
  ReverseSequence(std::int64_t a, std::int64_t b) : axis(a), batch_axis(b) {}

  void fields(FieldVisitor& v) override {
    v.field("axis", axis);
    v.field("batch_axis", batch_axis);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API IntegerForm integer_form() const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "reverse_sequence.inl"
#endif
