#pragma once
#include "data_sized.hpp"

/// Operators that select elements by their values. How many there are is known only after a run.
OCTET_BEGIN
namespace detail {

/// The indices of the elements that are not `zero`: int64 [rank, elements found], or [elements found, rank].
AnyTensor non_zero(const TensorRef& x, double zero, bool rows);

/// How many numbers start, start + delta, ... are before the limit. Throws Error if one of the three is not finite,
/// delta is 0, or there are 10^12 or more.
std::int64_t range_length(double start, double limit, double delta);
/// These numbers.
AnyTensor number_range(DType type, double start, double limit, double delta);

}  // namespace detail

/// The indices of the elements that are not zero, in ascending order: int64 [rank of the input, elements found], as
/// ONNX's NonZero, or [elements found, rank], as TFLite's WHERE. NaN is not zero. A quantized element is zero if its
/// real value is.
class NonZero : public DataSizedOperator<NonZero> {
 public:
  static constexpr const char* type_name = "NonZero";  ///< see Operator::type
  bool rows = false;                                   ///< each element found is a row, not a column

  NonZero() = default;
  /// See NonZero::rows.
  explicit NonZero(bool by_rows) : rows(by_rows) {}

  void fields(FieldVisitor& v) override { v.field("rows", rows); }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  DType dtype(const ShapeContext&, int) const override { return DType::i64; }
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

/// The slices of input 0 along an axis at which input 1, a boolean vector, is true. The vector may be shorter than the
/// axis. (ONNX's Compress.)
class Compress : public DataSizedOperator<Compress> {
 public:
  static constexpr const char* type_name = "Compress";  ///< see Operator::type
  std::int64_t axis = 0;                                ///< in [-rank, rank)

  Compress() = default;
  /// Along axis a, in [-rank, rank).
  explicit Compress(std::int64_t a) : axis(a) {}

  void fields(FieldVisitor& v) override { v.field("axis", axis); }
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API IntegerForm integer_form() const override;
};

/// start, start + delta, start + 2 delta, ... before limit (for a negative delta: above). Inputs: three numbers of one
/// type. (ONNX's Range.)
class NumberRange : public DataSizedOperator<NumberRange> {
 public:
  static constexpr const char* type_name = "NumberRange";  ///< see Operator::type
  /// The inputs, in order.
  enum Operand : int { start, limit, delta };

  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "selection.inl"
#endif
