#pragma once
#include <string_view>
#include <type_traits>

#include "declare.hpp"

OCTET_BEGIN

/// The layout of images in which an operator of the program's own takes the tensors of ONNX files, where they are
/// [N, C, spatial ...]. (octet keeps them as [N, spatial ..., C], as TFLite's files do.)
enum class OnnxLayout : std::uint8_t {
  as_file,        // as the file has them: transposed first, where need be
  channels_last,  // inputs with three or more dimensions, and all outputs, are [N, spatial ..., C]
  any             // each element of the outputs is computed from those at the same place of inputs of the same shape
};

/// Where models of other formats have an operator of the program's own.
struct OperatorNames {
  std::string onnx_domain = {}, onnx_type = {};  // domain and op_type in ONNX files; without a type it is in none
  OnnxLayout onnx_layout = OnnxLayout::as_file;
  std::string tflite_code = {};  // custom code in TFLite files; empty: it is in none
};

namespace detail {

/// An operator that files can name.
struct OperatorType {
  std::string name;
  Operator* (*create)();  // with default parameters
  Operator* (*clone)(const Operator&);
  /// One with default parameters, or a copy, which may be changed before it is shared.
  std::shared_ptr<Operator> make() const { return std::shared_ptr<Operator>(create()); }
  std::shared_ptr<Operator> copy(const Operator& op) const { return std::shared_ptr<Operator>(clone(op)); }
  OperatorNames files = {};
};

template <class Op>
OperatorType operator_type(OperatorNames files = {}) {
  return {Op::type_name, []() -> Operator* { return new Op; },
          [](const Operator& op) -> Operator* { return new Op(static_cast<const Op&>(op)); }, std::move(files)};
}

/// octet's own operators.
const std::vector<OperatorType>& built_in_operators();
/// Any of them, or one of the program's, by its type; null where there is none. Pointers stay valid.
const OperatorType* find_operator(const std::string& type);
/// Those of the program alone, by what models call them.
const OperatorType* find_onnx_operator(std::string_view domain, std::string_view type);
const OperatorType* find_tflite_operator(std::string_view code);
void register_operator(OperatorType type);

}  // namespace detail

/// Makes an operator of the program's own known to files: `save` and `load` of .octet files find it by
/// `Op::type_name`, ONNX and TFLite files by `names`. Importers set its parameters, those that Op::fields visits, from
/// attributes (TFLite: from a FlexBuffers map) of the same names; those that are missing keep their defaults. What
/// octet imports itself cannot be replaced.
///
/// Op is derived from OperatorOf<Op>, and has a default constructor and a constant `type_name`. An operator that is not
/// registered runs as well, but can be in no file. In integer models it computes with floats, between conversions,
/// unless its integer_form says otherwise.
///
/// May be called from any thread, before the first file that has the operator is read. Throws Error where the type, or
/// one of the names, is taken.
template <class Op>
void register_operator(OperatorNames names = {}) {
  static_assert(std::is_base_of_v<Operator, Op> && std::is_default_constructible_v<Op>,
                "an operator is derived from OperatorOf, and has a default constructor");
  detail::register_operator(detail::operator_type<Op>(std::move(names)));
}

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "register_operator.inl"
#endif
