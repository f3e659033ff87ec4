#pragma once
#include "declare.hpp"

OCTET_BEGIN

/// The index of the largest (or smallest) element along an axis, as int64 or int32. Selects the first or the last of
/// equal elements. NaN counts as larger (smaller) than any number. Quantized tensors with one scale are compared by
/// their codes.
class ArgMax : public OperatorOf<ArgMax> {
 public:
  static constexpr const char* type_name = "ArgMax";  ///< see Operator::type
  std::int64_t axis = 0;                              ///< in [-rank, rank)
  bool keep_dims = true;  ///< the output has size 1 along the axis; false: no such dimension
  bool smallest = false;  ///< the index of the smallest element instead
  bool last = false;      ///< selects the last of equal elements
  DType to = DType::i64;  ///< i64 or i32

  ArgMax() = default;
  /// Along axis a, in [-rank, rank); `keep`: see keep_dims; `type`: i64 or i32.
  explicit ArgMax(std::int64_t a, bool keep = true, DType type = DType::i64) : axis(a), keep_dims(keep), to(type) {}

  void fields(FieldVisitor& v) override {
    v.field("axis", axis);
    v.field("keep_dims", keep_dims);
    v.field("smallest", smallest);
    v.field("last", last);
    v.field("to", to, last_dtype);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  DType dtype(const ShapeContext&, int) const override { return to; }
  bool by_image(const ShapeContext& c) const override { return c.beyond_first(axis); }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API IntegerForm integer_form() const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "arg_max.inl"
#endif
