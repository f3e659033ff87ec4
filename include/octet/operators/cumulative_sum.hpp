#pragma once
#include "declare.hpp"

OCTET_BEGIN

/// Sums of the elements up to each one along an axis. Input: float32, float64, int32 or int64; integers wrap around.
class CumulativeSum : public OperatorOf<CumulativeSum> {
 public:
  static constexpr const char* type_name = "CumulativeSum";  ///< see Operator::type
  std::int64_t axis = 0;                                     ///< in [-rank, rank)
  bool exclusive = false;                                    ///< without the element itself
  bool reverse = false;                                      ///< from the last element to the first

  CumulativeSum() = default;
  /// Along axis a, in [-rank, rank).
  explicit CumulativeSum(std::int64_t a, bool without_itself = false, bool from_the_end = false)
      : axis(a), exclusive(without_itself), reverse(from_the_end) {}

  void fields(FieldVisitor& v) override {
    v.field("axis", axis);
    v.field("exclusive", exclusive);
    v.field("reverse", reverse);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  bool by_image(const ShapeContext& c) const override { return c.beyond_first(axis); }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "cumulative_sum.inl"
#endif
