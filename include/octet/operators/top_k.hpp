#pragma once
#include "declare.hpp"

OCTET_BEGIN

/// The k largest (or smallest) elements along an axis in sorted order, and their indices as int64 or int32. Of equal
/// elements, the one with the lower index comes first. NaN counts as larger than any number. Quantized tensors with one
/// scale are compared by their codes.
class TopK : public OperatorOf<TopK> {
 public:
  static constexpr const char* type_name = "TopK";
  std::int64_t k = 1, axis = -1;
  bool smallest = false;
  DType to = DType::i64;  // of the indices

  TopK() = default;
  explicit TopK(std::int64_t count, std::int64_t a = -1, DType type = DType::i64) : k(count), axis(a), to(type) {}

  void fields(FieldVisitor& v) override {
    v.field("k", k);
    v.field("axis", axis);
    v.field("smallest", smallest);
    v.field("to", to, last_dtype);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  DType dtype(const ShapeContext& c, int i) const override { return i == 0 ? c.dtype(0) : to; }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API IntegerForm integer_form() const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "top_k.inl"
#endif
