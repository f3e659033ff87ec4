#pragma once
#include "../declare.hpp"

OCTET_BEGIN

/// What a scattered element does to the one that is at its place.
enum class ScatterKind : std::uint8_t {
  replace,  ///< of several for one place, the last one stays
  add,
  mul,
  min,
  max,
  last = max  ///< the last one
};

/// A copy of `data` in which out[i][places[i][j][k]][k] becomes updates[i][j][k], for axis 0 or 1 likewise. Inputs:
/// data, places (int32 or int64; negative ones count from the back), updates (data's type, the shape of the places).
/// Places out of range are an error if they are constant, and clamped if they are computed.
class ScatterElements : public OperatorOf<ScatterElements> {
 public:
  static constexpr const char* type_name = "ScatterElements";  ///< see Operator::type
  /// Indices of the inputs.
  enum Operand : int { data, places, updates };
  std::int64_t axis = 0;                    ///< of data; in [-rank, rank)
  ScatterKind kind = ScatterKind::replace;  ///< see ScatterKind

  ScatterElements() = default;
  /// Along axis a, in [-rank, rank).
  explicit ScatterElements(std::int64_t a, ScatterKind k = ScatterKind::replace) : axis(a), kind(k) {}

  void fields(FieldVisitor& v) override {
    v.field("axis", axis);
    v.field("kind", kind, ScatterKind::last);
  }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

/// A copy of `data`, some slices of which become those of `updates`. Inputs: data, places [..., n] of int32 or int64,
/// each row of which has the places in the first n dimensions of data; updates, of the shape of the places without n,
/// followed by the other dimensions of data. Places out of range are as for ScatterElements.
class ScatterND : public OperatorOf<ScatterND> {
 public:
  static constexpr const char* type_name = "ScatterND";  ///< see Operator::type
  /// Indices of the inputs.
  enum Operand : int { data, places, updates };
  ScatterKind kind = ScatterKind::replace;  ///< see ScatterKind

  ScatterND() = default;
  /// With that effect of the updates.
  explicit ScatterND(ScatterKind k) : kind(k) {}

  void fields(FieldVisitor& v) override { v.field("kind", kind, ScatterKind::last); }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "scatter.inl"
#endif
