#pragma once
#include "declare.hpp"
#include "reduce_kind.hpp"

OCTET_BEGIN

/// Mean, sum, ... over axes (all axes if none are given).
class Reduce : public OperatorOf<Reduce> {
 public:
  static constexpr const char* type_name = "Reduce";  ///< see Operator::type
  ReduceKind kind = ReduceKind::mean;                 ///< what is computed
  std::vector<std::int64_t> axes;                     ///< each in [-rank, rank); empty: all
  bool keep_dims = true;                              ///< reduced dimensions stay, with size 1; false: they are removed
  bool int8_codes = false;                            ///< for Rounding::litert: the values were int8

  Reduce() = default;
  /// Reduces over the given axes.
  Reduce(ReduceKind k, std::vector<std::int64_t> over, bool keep) : kind(k), axes(std::move(over)), keep_dims(keep) {}

  void fields(FieldVisitor& v) override {
    v.field("kind", kind, ReduceKind::last);
    v.field("axes", axes);
    v.field("keep_dims", keep_dims);
    v.field("int8_codes", int8_codes);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API bool by_image(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override;
  OCTET_API OperatorPtr for_shifted_codes() const override;
  OCTET_API IntegerForm integer_form() const override;
  OCTET_API Traits traits() const override;
  OCTET_API std::string summary(const ShapeContext&) const override;

 private:
  /// Whether the axes are all of `rank` dimensions except the first and the last.
  OCTET_API bool spatial(int rank) const;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "reduce.inl"
#endif
