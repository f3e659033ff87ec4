#pragma once
#include "../../../operators/arithmetic/binary.hpp"
#include "../../../operators/convert.hpp"
#include "../../../operators/prelu.hpp"
#include "../../../operators/unary.hpp"
#include "../../../operators/where.hpp"
#include "../node_export.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// The name of a function that ONNX has as an operator of its own, without parameters; null for others.
inline const char* function_name(UnaryKind kind) noexcept {
  switch (kind) {
    case UnaryKind::sigmoid: return "Sigmoid";
    case UnaryKind::hard_swish: return "HardSwish";
    case UnaryKind::tanh: return "Tanh";
    case UnaryKind::softplus: return "Softplus";
    case UnaryKind::exp: return "Exp";
    case UnaryKind::log: return "Log";
    case UnaryKind::sqrt: return "Sqrt";
    case UnaryKind::negate: return "Neg";
    case UnaryKind::abs: return "Abs";
    case UnaryKind::floor: return "Floor";
    case UnaryKind::ceil: return "Ceil";
    case UnaryKind::round: return "Round";
    case UnaryKind::reciprocal: return "Reciprocal";
    case UnaryKind::erf: return "Erf";
    case UnaryKind::sign: return "Sign";
    case UnaryKind::sin: return "Sin";
    case UnaryKind::cos: return "Cos";
    case UnaryKind::tan: return "Tan";
    case UnaryKind::asin: return "Asin";
    case UnaryKind::acos: return "Acos";
    case UnaryKind::atan: return "Atan";
    case UnaryKind::sinh: return "Sinh";
    case UnaryKind::cosh: return "Cosh";
    case UnaryKind::asinh: return "Asinh";
    case UnaryKind::acosh: return "Acosh";
    case UnaryKind::atanh: return "Atanh";
    default: return nullptr;
  }
}

inline void export_unary(NodeExport& n) {
  const auto& u = static_cast<const Unary&>(n.op());
  const Order o = n.order();
  const std::string x = n.real(0, o);
  n.tensors().pass_columns(n.id(0), n.out_id());
  if (const char* const type = function_name(u.kind)) return n.node(type, {x}, o);
  Attributes a;
  switch (u.kind) {
    case UnaryKind::clip:
      return n.result(0, o, {}, [&](const std::string& out) {
        n.write_clip(n.name(), x, {u.a, u.b}, out, n.output().is_quantized() ? DType::f32 : n.output().dtype);
      });
    case UnaryKind::leaky_relu: return n.node("LeakyRelu", {x}, o, a.real("alpha", u.a));
    case UnaryKind::elu: return n.node("Elu", {x}, o, a.real("alpha", u.a));
    case UnaryKind::hard_sigmoid: return n.node("HardSigmoid", {x}, o, a.real("alpha", u.a).real("beta", u.b));
    case UnaryKind::gelu: return n.node("Gelu", {x}, o, a.text("approximate", "none"));
    case UnaryKind::gelu_tanh: return n.node("Gelu", {x}, o, a.text("approximate", "tanh"));
    case UnaryKind::silu: return n.node("Mul", {x, n.step("gate", "Sigmoid", {x})}, o);
    case UnaryKind::rsqrt: return n.node("Reciprocal", {n.step("root", "Sqrt", {x})}, o);
    default: n.fail("has a function without a form in ONNX");
  }
}

inline void export_binary(NodeExport& n) {
  const auto& b = static_cast<const Binary&>(n.op());
  const Order o = n.common_order();
  const bool logic = n.input(0).dtype == DType::boolean;
  std::vector<std::string> in;
  for (int i : {Binary::left, Binary::right}) in.push_back(n.broadcast(i, o));
  const auto write = [&](const char* type, const Attributes& a = {}) { n.node(type, in, o, a, b.activation); };
  switch (b.kind) {
    case BinaryKind::add: return write("Add");
    case BinaryKind::sub: return write("Sub");
    case BinaryKind::mul: return write("Mul");
    case BinaryKind::div: return write("Div");
    case BinaryKind::min: return write(logic ? "And" : "Min");
    case BinaryKind::max: return write(logic ? "Or" : "Max");
    case BinaryKind::pow: return write("Pow");
    case BinaryKind::less: return write("Less");
    case BinaryKind::less_or_equal: return write("LessOrEqual");
    case BinaryKind::greater: return write("Greater");
    case BinaryKind::greater_or_equal: return write("GreaterOrEqual");
    case BinaryKind::equal: return write("Equal");
    case BinaryKind::not_equal:
      if (logic) return write("Xor");
      return n.node("Not", {n.step("equal", "Equal", in)}, o);
    case BinaryKind::remainder: return write("Mod", Attributes().integer("fmod", 1));
    case BinaryKind::floor_div:
      n.require(is_floating(n.input(0).dtype), "divides integers, rounding down, which ONNX cannot say");
      return n.node("Floor", {n.step("quotient", "Div", in)}, o);
    case BinaryKind::floor_mod:
      n.require(!is_floating(n.input(0).dtype),
                "has a remainder of floats with the divisor's sign, which ONNX cannot say");
      return write("Mod");
  }
}

/// Slopes are broadcast to the input.
inline void export_prelu(NodeExport& n) {
  const Order o = n.order();
  n.node("PRelu", {n.real(0, o), n.broadcast(PRelu::slopes, o)}, o);
}

inline void export_where(NodeExport& n) {
  const Order o = n.common_order();
  std::vector<std::string> in;
  for (int i = 0; i < 3; ++i) in.push_back(n.broadcast(i, o));
  n.node("Where", in, o);
}

/// Quantizes, dequantizes, requantizes or casts.
inline void export_convert(NodeExport& n) {
  TensorExport& t = n.tensors();
  const Value &x = n.input(0), &y = n.output();
  const Order o = n.order();
  const int from = n.id(0), to = n.out_id();
  t.pass_columns(from, to);
  if (y.is_quantized()) {
    n.require(t.has_codes(to) && (x.is_quantized() || x.dtype == DType::f32), "converts ", name(x.dtype), " to ",
              name(y.dtype), " with ", y.quant.channels(), " scales, which octet does not write");
    const std::string base = n.result_name(to, o);
    t.quantize(t.real(from, o), to, base, n.name());
    return n.written(0, base, o);
  }
  if (x.is_quantized() && y.dtype == DType::f32) {
    const std::string base = n.result_name(to, o);
    t.dequantize(t.tensor(from, o), from, o, base, n.name());
    if (!x.is_constant()) t.set_real(from, o, base);
    return n.written(0, base, o);
  }
  n.require(data_type_code(y.dtype) != 0, "converts to ", name(y.dtype), ", which octet does not write");
  n.node("Cast", {t.tensor(from, o)}, o, Attributes().integer("to", data_type_code(y.dtype)));
}

/// Identity and Dropout.
inline void export_identity(NodeExport& n) {
  n.tensors().pass_columns(n.id(0), n.out_id());
  if (n.tensors().has_codes(n.out_id())) return n.node("Identity", {n.real()}, n.order());
  n.node("Identity", {n.tensors().tensor(n.id(0), n.order())}, n.order());
}

}  // namespace detail::onnx
OCTET_END
