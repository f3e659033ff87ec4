#pragma once
#include "declare.hpp"

OCTET_BEGIN

/// The k largest (or smallest) elements along an axis in sorted order, and their indices as int64 or int32. Of equal
/// elements, the one with the lower index comes first. NaN counts as larger than any number. Quantized tensors with one
/// scale are compared by their codes.
class TopK : public OperatorOf<TopK> {
 public:
  static constexpr const char* type_name = "TopK";  ///< see Operator::type
  std::int64_t k = 1;                               ///< elements selected along the axis, at least 0
  std::int64_t axis = -1;                           ///< in [-rank, rank)
  bool smallest = false;                            ///< the smallest elements instead
  DType to = DType::i64;                            ///< of the indices: i64 or i32

  TopK() = default;
  /// `count` elements along axis a, in [-rank, rank); `type` of the indices: i64 or i32.
  explicit TopK(std::int64_t count, std::int64_t a = -1, DType type = DType::i64) : k(count), axis(a), to(type) {}

  void fields(FieldVisitor& v) override {
    v.field("k", k);
    v.field("axis", axis);
    v.field("smallest", smallest);
    v.field("to", to, last_dtype);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  DType dtype(const ShapeContext& c, int i) const override { return i == 0 ? c.dtype(0) : to; }
  bool by_image(const ShapeContext& c) const override { return c.beyond_first(axis); }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API IntegerForm integer_form() const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "top_k.inl"
#endif
