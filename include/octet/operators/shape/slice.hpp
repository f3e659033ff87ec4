#pragma once
#include "../declare.hpp"

OCTET_BEGIN

/// Elements start, start + step, ... before end, along some axes, as ONNX Slice: negative starts and ends count from
/// the back, others are clamped to the tensor, negative steps go backward. Default axes: the first ones; default
/// steps: 1.
class Slice : public OperatorOf<Slice> {
 public:
  static constexpr const char* type_name = "Slice";  ///< see Operator::type
  std::vector<std::int64_t> starts;                  ///< one per axis
  std::vector<std::int64_t> ends;                    ///< one per axis; not included
  std::vector<std::int64_t> axes;                    ///< each in [-rank, rank); empty: the first ones
  std::vector<std::int64_t> steps;                   ///< one per axis, not 0; empty: 1

  Slice() = default;
  /// The elements from, from + by, ... before `to`, along the axes `along`.
  Slice(std::vector<std::int64_t> from, std::vector<std::int64_t> to, std::vector<std::int64_t> along = {},
        std::vector<std::int64_t> by = {})
      : starts(std::move(from)), ends(std::move(to)), axes(std::move(along)), steps(std::move(by)) {}

  void fields(FieldVisitor& v) override {
    v.field("starts", starts);
    v.field("ends", ends);
    v.field("axes", axes);
    v.field("steps", steps);
  }

  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;

  OCTET_API bool by_image(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API std::unique_ptr<GradientStep> prepare_gradient(const PrepareContext& c) const override;
  OCTET_API IntegerForm integer_form() const override;

 private:
  struct Range {
    std::int64_t start, step, count;
  };

  OCTET_API std::vector<std::vector<std::int64_t>> indices(const Shape& in, const Shape& out) const;

  OCTET_API int axis(std::size_t i, int rank) const;

  OCTET_API Range range(std::size_t i, std::int64_t size) const;
};

/// Splits a tensor along an axis into parts of the given sizes or, without sizes, into `parts` equal ones, the last of
/// which may be smaller. One output per part.
class Split : public OperatorOf<Split> {
 public:
  static constexpr const char* type_name = "Split";  ///< see Operator::type
  std::int64_t axis = 0;                             ///< in [-rank, rank)
  std::vector<std::int64_t> sizes;                   ///< of the parts along the axis; empty: equal parts
  std::int64_t parts = 0;                            ///< number of outputs, if `sizes` is empty

  void fields(FieldVisitor& v) override {
    v.field("axis", axis);
    v.field("sizes", sizes);
    v.field("parts", parts);
  }

  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;

  bool by_image(const ShapeContext& c) const override { return c.beyond_first(axis); }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API IntegerForm integer_form() const override;

 private:
  std::int64_t count() const noexcept { return sizes.empty() ? parts : static_cast<std::int64_t>(sizes.size()); }
  OCTET_API std::int64_t part_size(std::size_t i, std::int64_t total) const noexcept;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "slice.inl"
#endif
