#pragma once
#include <string_view>
#include <type_traits>

#include "declare.hpp"

OCTET_BEGIN

/// The layout in which a custom operator takes image tensors of ONNX files, where they are [N, C, spatial ...]. (octet
/// stores them as [N, spatial ..., C], as in TFLite files.)
enum class OnnxLayout : std::uint8_t {
  as_file,        ///< as in the file; transposed if necessary
  channels_last,  ///< inputs with three or more dimensions, and all outputs, are [N, spatial ..., C]
  any             ///< elementwise: all inputs and outputs have the same shape
};

/// The names of a custom operator in other file formats.
struct OperatorNames {
  std::string onnx_domain = {};                  ///< in ONNX files; empty: ONNX's own domain
  std::string onnx_type = {};                    ///< op_type in ONNX files; empty: none
  OnnxLayout onnx_layout = OnnxLayout::as_file;  ///< how the operator takes images of ONNX files
  std::string tflite_code = {};                  ///< custom code in TFLite files; empty: none
  /// How the operator is written to files in which it has no name: adds operators of octet that compute the same to the
  /// graph, and returns the value of the result. `inputs` are values of the graph. Null: such files are refused.
  int (*as_built_in)(Graph& graph, const Operator& op, const std::vector<int>& inputs) = nullptr;
};

namespace detail {

/// A type of operators that files can contain.
struct OperatorType {
  std::string name;
  Operator* (*create)();  // creates one with default parameters
  Operator* (*clone)(const Operator&);
  /// Creates an operator with default parameters, or a copy. It can be modified before it is shared.
  std::shared_ptr<Operator> make() const { return std::shared_ptr<Operator>(create()); }
  std::shared_ptr<Operator> copy(const Operator& op) const { return std::shared_ptr<Operator>(clone(op)); }
  OperatorNames files = {};
};

template <class Op>
OperatorType operator_type(OperatorNames files = {}) {
  return {Op::type_name, []() -> Operator* { return new Op; },
          [](const Operator& op) -> Operator* { return new Op(static_cast<const Op&>(op)); }, std::move(files)};
}

/// octet's built-in operators.
const std::vector<OperatorType>& built_in_operators();
/// Finds a built-in or registered operator by its type. Null if there is none. Pointers stay valid.
const OperatorType* find_operator(const std::string& type);
/// Finds a registered operator by its name in ONNX or TFLite files.
const OperatorType* find_onnx_operator(std::string_view domain, std::string_view type);
const OperatorType* find_tflite_operator(std::string_view code);
void register_operator(OperatorType type);

}  // namespace detail

/// Registers a custom operator for files: .octet files refer to it by `Op::type_name`, ONNX and TFLite files by
/// `names`. Importers set its parameters (those that Op::fields visits) from attributes with the same names (TFLite:
/// from a FlexBuffers map); missing ones keep their defaults. Operators that octet imports itself cannot be replaced.
///
/// Op is derived from OperatorOf<Op> and has a default constructor and a constant `type_name`. An operator that is not
/// registered can run, but cannot be saved or loaded. In integer models, it computes in float, between conversions,
/// unless its integer_form says otherwise.
///
/// Can be called from any thread, before the first file with the operator is read. Throws Error if the type or one of
/// the names is already registered.
template <class Op>
void register_operator(OperatorNames names = {}) {
  static_assert(std::is_base_of_v<Operator, Op> && std::is_default_constructible_v<Op>,
                "an operator has to be derived from OperatorOf and have a default constructor");
  detail::register_operator(detail::operator_type<Op>(std::move(names)));
}

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "register_operator.inl"
#endif
