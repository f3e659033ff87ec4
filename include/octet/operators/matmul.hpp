#pragma once
#include "declare.hpp"

OCTET_BEGIN

/// Matrix product as in NumPy's matmul: batches are broadcast; a vector is a row (left) or a column (right). Both
/// operands may be computed.
class MatMul : public OperatorOf<MatMul> {
 public:
  static constexpr const char* type_name = "MatMul";  ///< see Operator::type
  /// Indices of the inputs.
  enum Operand : int { left, right };

  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API bool by_image(const ShapeContext& c) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
  OCTET_API void check(const PrepareContext& c) const override;
  OCTET_API std::int64_t macs(const ShapeContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "matmul.inl"
#endif
