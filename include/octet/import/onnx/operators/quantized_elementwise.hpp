#pragma once
#include "pooling.hpp"
#include "quantized_layers.hpp"
#include "reshape.hpp"

/// Other operators of com.microsoft on quantized tensors, with constant scales.
OCTET_BEGIN
namespace detail::onnx {

/// Input i with its scale (input i + 1) and zero point (input i + 2).
inline Operand quantized_input(NodeImport& n, int i) {
  return quantized(n, n.input(i), quant_params(n, i + 1, i + 2, -1));
}

/// Sets the node's result with its scale (input `scale`) and zero point (the input after it).
inline void quantized_result(NodeImport& n, int v, const Order& order, int scale) {
  n.result(with_params(n, v, output_type(n, scale + 1, n.builder.graph.value(v).dtype),
                       quant_params(n, scale, scale + 1, -1)),
           order);
}

inline void import_qlinear_binary(NodeImport& n, BinaryKind kind) {
  const Aligned a = align(n, {quantized_input(n, 0), quantized_input(n, 3)});
  quantized_result(n, with_broadcast_symbols(n, n.add(Binary(kind), a.values), a.values), a.order, 6);
}

inline void import_qlinear_unary(NodeImport& n, UnaryKind kind, double a = 0) {
  const Operand x = quantized_input(n, 0);
  quantized_result(n, n.add(Unary(kind, a), {n.builder.value(x)}, Keeps::all), x.order, 3);
}

inline void import_qlinear_softmax(NodeImport& n) {
  const Operand x = quantized_input(n, 0);
  const int axis = normalize_axis(n.integer("axis", -1), x.rank());
  const bool flattens = n.integer("opset", 13) < 13;
  for (int d = axis + 1; flattens && d < x.rank(); ++d)
    n.require(x.shape()[d] == 1, "softmax over several dimensions of ", x.shape(), " is not supported");
  Softmax op;
  op.axis = x.order.find(axis);
  quantized_result(n, n.add(op, {n.builder.value(x)}, Keeps::all), x.order, 3);
}

/// Input 0, an image, which must not be channels-last in the model.
inline Operand quantized_image(NodeImport& n) {
  n.require(!n.flag("channels_last"), "channels_last is not supported");
  return quantized_input(n, 0);
}

inline void import_qlinear_average_pool(NodeImport& n) {
  const Operand x = quantized_image(n);
  AveragePool op;
  op.window = import_window(n, n.integers("kernel_shape"));
  op.include_padding = n.flag("count_include_pad");
  quantized_result(n, n.add(std::move(op), {image_value(n, x)}, Keeps::batch), Order::channels_last(x.rank()), 3);
}

inline void import_qlinear_global_average_pool(NodeImport& n) {
  const Operand x = quantized_image(n);
  const int v = n.add(Reduce(ReduceKind::mean, spatial_axes(x.rank()), true), {image_value(n, x)}, Keeps::batch);
  quantized_result(n, v, Order::channels_last(x.rank()), 3);
}

/// Inputs: scale and zero point of the result, then each tensor with its scale and zero point.
inline void import_qlinear_concat(NodeImport& n) {
  n.require(n.inputs() >= 5 && n.inputs() % 3 == 2,
            "expected 2 inputs and 3 per tensor (with its scale and zero point), found ", n.inputs());
  std::vector<Operand> operands;
  for (int i = 2; i < n.inputs(); i += 3) operands.push_back(quantized_input(n, i));
  const Order order = common_order(operands);
  const int place = order.find(normalize_axis(n.integer("axis"), order.rank()));
  std::vector<int> in;
  for (const Operand& x : operands) {
    n.require(x.rank() == order.rank(), "'", x.name(), "' of shape ", x.shape(), " cannot be concatenated with ",
              operands[0].shape());
    in.push_back(n.builder.value(x, order));
  }
  quantized_result(n, n.add(Concat(place), in, keeps_all_but(place)), order, 0);
}

}  // namespace detail::onnx
OCTET_END
