#pragma once
#include "../declare.hpp"

OCTET_BEGIN

/// Selects slices of `data` along an axis. Inputs: data, indices (int32 or int64, any shape, negative ones count from
/// the back). The output's shape is data's, with the axis replaced by the shape of the indices.
class Gather : public OperatorOf<Gather> {
 public:
  static constexpr const char* type_name = "Gather";  ///< see Operator::type
  /// Indices of the inputs.
  enum Operand : int { data, places };
  std::int64_t axis = 0;  ///< of data; in [-rank, rank)

  Gather() = default;
  /// Along axis a, in [-rank, rank).
  explicit Gather(std::int64_t a) : axis(a) {}

  void fields(FieldVisitor& v) override { v.field("axis", axis); }

  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  bool by_image(const ShapeContext& c) const override { return c.beyond_first(axis) && c.constant_from(places); }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API IntegerForm integer_form() const override;
};

/// Broadcasts the tensor to a shape, as in NumPy.
class Expand : public OperatorOf<Expand> {
 public:
  static constexpr const char* type_name = "Expand";  ///< see Operator::type
  std::vector<std::int64_t> shape;                    ///< broadcast with the input's, so 1 keeps a size

  Expand() = default;
  /// Broadcasts to shape s.
  explicit Expand(std::vector<std::int64_t> s) : shape(std::move(s)) {}

  void fields(FieldVisitor& v) override { v.field("shape", shape); }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API IntegerForm integer_form() const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "gather.inl"
#endif
