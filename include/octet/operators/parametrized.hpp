#pragma once
#include "data_sized.hpp"

OCTET_BEGIN
namespace detail {
/// A new operator of a type that files can contain, or a copy of one. Null if the type is not known. (Defined with
/// register_operator.)
std::shared_ptr<Operator> new_operator(const std::string& type);
std::shared_ptr<Operator> copy_of(const Operator& op);
}  // namespace detail

/// An operator some of whose parameters are computed by other layers: the target of a Reshape, the sizes of a Resize.
/// Inputs: those of the operator, then a vector or number for each of these parameters.
class Parametrized : public DataSizedOperator<Parametrized> {
 public:
  static constexpr const char* type_name = "Parametrized";  ///< see Operator::type
  std::shared_ptr<Operator> op;     ///< what is computed; of these parameters its values do not matter
  std::string parameters;           ///< names of the parameters (of Operator::fields), separated by commas
  std::vector<std::int64_t> shape;  ///< of each output, as far as it is known: Shape::unknown else
  std::int64_t outputs = 1;         ///< of the operator, all of the same `shape`: 2 of a TopK, the parts of a Split

  Parametrized() = default;
  /// See the members.
  template <class Op>
  Parametrized(Op computed, std::string computed_parameters, const Shape& result)
      : op(static_cast<Operator*>(new Op(std::move(computed)))),
        parameters(std::move(computed_parameters)),
        shape(result.begin(), result.end()) {}

  /// The names in `parameters`.
  OCTET_API std::vector<std::string> parameter_names() const;
  OCTET_API void fields(FieldVisitor& v) override;
  OCTET_API std::vector<Shape> shapes(const ShapeContext& c) const override;
  OCTET_API DType dtype(const ShapeContext& c, int i) const override;
  OCTET_API std::unique_ptr<Step> prepare(const PrepareContext& c) const override;
};

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "parametrized.inl"
#endif
