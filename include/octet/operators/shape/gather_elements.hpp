#pragma once
#include "../declare.hpp"

OCTET_BEGIN

/// out[i][j][k] = data[i][places[i][j][k]][k], for axis 1; likewise for other axes. Inputs: data, places (int32 or
/// int64; negative ones count from the back). Except along the axis, the places are not larger than data. Places out of
/// range are an error if they are constant, and clamped if they are computed.
class GatherElements : public OperatorOf<GatherElements> {
 public:
  static constexpr const char* type_name = "GatherElements";  ///< see Operator::type
  /// Indices of the inputs.
  enum Operand : int { data, places };
  std::int64_t axis = 0;  ///< of data; in [-rank, rank)

  GatherElements() = default;
  /// Along axis a, in [-rank, rank).
  explicit GatherElements(std::int64_t a) : axis(a) {}

  void fields(FieldVisitor& v) override { v.field("axis", axis); }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API IntegerForm integer_form() const override;
};

/// Slices of `data` at places of several dimensions. Inputs: data, places [..., n] of int32 or int64, each row of which
/// has the places in the first n dimensions of data (after the batch dimensions). The output has the shape of the
/// places without n, followed by the other dimensions of data. Places out of range are as for GatherElements.
class GatherND : public OperatorOf<GatherND> {
 public:
  static constexpr const char* type_name = "GatherND";  ///< see Operator::type
  /// Indices of the inputs.
  enum Operand : int { data, places };
  std::int64_t batch_dims = 0;  ///< the number of first dimensions that both inputs share

  GatherND() = default;
  /// With b batch dimensions.
  explicit GatherND(std::int64_t b) : batch_dims(b) {}

  void fields(FieldVisitor& v) override { v.field("batch_dims", batch_dims); }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API IntegerForm integer_form() const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "gather_elements.inl"
#endif
