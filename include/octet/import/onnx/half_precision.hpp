#pragma once
#include <unordered_map>

#include "node.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// Tensors that have half precision (fp16 or bf16) in the file: they are computed in float; the model's outputs are
/// converted to the type that the file gives them.
class HalfPrecision {
 public:
  HalfPrecision(GraphBuilder& builder, Tensors& tensors) : builder_(builder), tensors_(tensors) {}

  /// Converts the tensor to float if it is of half precision. Constants stay in half precision until they are used.
  void compute_in_float(std::string_view name) {
    Operand& x = tensors_.at(name);
    const DType type = x.dtype();
    if (!is_half(type)) return;
    half_.emplace(name, type);
    const std::string text(name);
    const std::string real = builder_.derived(text + ":float");
    if (x.source->sizes) {
      Sizes sizes = *x.source->sizes;
      sizes.dtype = DType::f32;
      x = sizes_operand(text, std::move(sizes));
      return;
    }
    if (x.is_constant()) {
      const bool rounds = !x.source->quant && x.source->constant.dtype() != type;  // a cast to half precision
      if (rounds) x = constant_operand(text, builder_.constant(x));
      x = converted_operand(real, x, x.source->quant, DType::f32);
      return;
    }
    const int v = builder_.add(real, make_operator(Convert(DType::f32)), {builder_.value(x)}, {real}, Keeps::all);
    x = builder_.operand(v, x.order, text);
  }

  /// Notes the type of a node's output: float results of half-precision inputs are of half precision in the file.
  void note_output(const NodeProto& n, std::string_view output) {
    if (!tensors_.count(output)) return;
    compute_in_float(output);
    if (half_.count(output) || tensors_.at(output).dtype() != DType::f32 || n.op_type == "Cast") return;
    for (std::string_view in : n.inputs)
      if (const auto half = half_.find(in); half != half_.end()) half_.emplace(output, half->second);
  }

  /// Notes that `other` is the same tensor as `name`.
  void note_same(std::string_view name, std::string_view other) {
    if (const auto half = half_.find(name); half != half_.end()) half_.emplace(other, half->second);
  }

  /// The value of a model's output in the type of the file: v, or v converted to half precision.
  int output(const ValueInfo& o, int v) {
    Graph& g = builder_.graph;
    const DType type = type_of_output(o, g.value(v).dtype);
    if (type == g.value(v).dtype) return v;
    const std::string name = g.value(v).name;
    g.value(v).name = builder_.derived(name + ":float");
    const int half = builder_.add(name, make_operator(Convert(type)), {v}, {name}, Keeps::all);
    g.value(half).name = name;
    return half;
  }

 private:
  static bool is_half(DType t) noexcept { return t == DType::f16 || t == DType::bf16; }

  /// Half precision where the file says so or, where it gives no type, where the output depends on half-precision
  /// tensors; otherwise the type in which it is computed.
  DType type_of_output(const ValueInfo& o, DType computed) const {
    if (computed != DType::f32) return computed;
    if (o.data_type != 0) {
      const DType given = element_type(o.data_type);
      return is_half(given) ? given : computed;
    }
    const auto half = half_.find(o.name);
    return half == half_.end() ? computed : half->second;
  }

  GraphBuilder& builder_;
  Tensors& tensors_;
  std::unordered_map<std::string_view, DType> half_;  // types in the file of tensors that are computed in float
};

}  // namespace detail::onnx
OCTET_END
