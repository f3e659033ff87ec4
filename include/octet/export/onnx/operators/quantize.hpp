#pragma once
#include "../../../operators/onnx_integer.hpp"
#include "../../../operators/onnx_quantize.hpp"
#include "window.hpp"

/// Operators whose scales and zero points are tensors.
OCTET_BEGIN
namespace detail::onnx {

/// Input i as it is, in octet's order.
inline std::string plain_input(NodeExport& n, int i) {
  return n.has(i) ? n.tensors().tensor(n.id(i), Order::identity(n.rank(i))) : "";
}

template <class Op>
void export_linear(NodeExport& n, const char* type) {
  const auto& q = static_cast<const Op&>(n.op());
  n.require(q.block_size == 0, "has scales of blocks, which octet does not write");
  const Order o = n.order();
  std::vector<std::string> in{n.tensors().tensor(n.id(0), o), plain_input(n, 1)};
  if (n.has(2)) in.push_back(plain_input(n, 2));
  Attributes a;
  if (n.rank(1) == 1) a.integer("axis", o[normalize_axis(q.axis, o.rank())]);
  n.require(n.has(2) || n.output().dtype == DType::u8 || is_floating(n.output().dtype),
            "has no zero point, by which ONNX "
            "knows the type");
  n.node(type, in, o, a);
}
inline void export_quantize_linear(NodeExport& n) { export_linear<QuantizeLinear>(n, "QuantizeLinear"); }
inline void export_dequantize_linear(NodeExport& n) {
  n.require(n.output().dtype == DType::f32, "gives ", name(n.output().dtype), ", expected float32");
  export_linear<DequantizeLinear>(n, "DequantizeLinear");
}

inline void export_dynamic_quantize_linear(NodeExport& n) {
  const Order o = n.order();
  n.whole_node("DynamicQuantizeLinear", {n.real(0, o)}, {o, Order(), Order()});
}

inline void export_matmul_integer(NodeExport& n) {
  std::vector<std::string> in;
  for (int i = 0; i < n.inputs(); ++i) in.push_back(plain_input(n, i));
  n.node("MatMulInteger", in, Order::identity(n.output().shape.rank()));
}

inline void export_conv_integer(NodeExport& n) {
  const auto& c = static_cast<const ConvInteger&>(n.op());
  const Order images = n.images();
  std::vector<std::string> in{n.tensors().tensor(n.id(0), images), n.tensors().tensor(n.id(1), images)};
  for (int i = 2; i < n.inputs(); ++i) in.push_back(plain_input(n, i));
  n.node("ConvInteger", in, images, window_attributes(n, c.window).integer("group", c.groups));
}

}  // namespace detail::onnx
OCTET_END
