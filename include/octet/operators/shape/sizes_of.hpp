#pragma once
#include "../declare.hpp"

OCTET_BEGIN

/// Sizes of its input as int64 [number of axes]. For models that compute with sizes which are unknown before a run;
/// importers compute with all others themselves.
class SizesOf : public OperatorOf<SizesOf> {
 public:
  static constexpr const char* type_name = "SizesOf";  ///< see Operator::type
  std::vector<std::int64_t> axes;                      ///< each in [-rank, rank)

  SizesOf() = default;
  /// The sizes along these axes, each in [-rank, rank).
  explicit SizesOf(std::vector<std::int64_t> a) : axes(std::move(a)) {}

  void fields(FieldVisitor& v) override { v.field("axes", axes); }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  DType dtype(const ShapeContext&, int) const override { return DType::i64; }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  /// It does not read the elements, whatever their type.
  IntegerForm integer_form() const override {
    IntegerForm f;
    f.compares = true;
    return f;
  }
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "sizes_of.inl"
#endif
