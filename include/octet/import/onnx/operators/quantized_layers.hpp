#pragma once
#include "convolution.hpp"
#include "linear.hpp"
#include "quantize.hpp"

/// Convolution and matrix products of quantized tensors (QLinear..., ...Integer). With constant scales they become the
/// ordinary operators on quantized values. Otherwise they become integer sums that are scaled in float.
OCTET_BEGIN
namespace detail::onnx {

/// x with quantization parameters q. The axis of q refers to the stored tensor.
inline Operand quantized(NodeImport& n, const Operand& x, const QuantParams& q) {
  validate(q, x.source->shape, x.dtype());
  if (x.is_constant()) {
    Operand c = constant_operand(x.name(), n.builder.constant(x), q);
    if (q.per_channel()) c.source->quant.axis = x.order[q.axis];
    return c;
  }
  if (takes_params(n, n.builder.value(x), q)) return x;
  // The value already has other parameters: dequantize and quantize again, which gives the same integers.
  DequantizeLinear op;
  const std::vector<int> in{plain_value(n, x), n.builder.add_constant(n.name() + "/scale", scales_of(q)),
                            n.builder.add_constant(n.name() + "/zero_point", zero_points_of(q, x.dtype()))};
  const int real = n.step("real", op, in, Keeps::all), v = n.step("quantized", Convert(x.dtype()), {real}, Keeps::all);
  n.builder.graph.value(v).quant = q;
  return n.builder.operand(v, x.order, x.name());
}

/// Sets the type and parameters of an operator's output.
inline int with_params(NodeImport& n, int v, DType dtype, const QuantParams& q) {
  Value& out = n.builder.graph.value(v);
  out.dtype = dtype;
  out.quant = q;
  validate(q, Shape{}, dtype);
  return v;
}

/// The output type of a QLinear operator: that of its zero point (input `zero`), else `missing`.
inline DType output_type(const NodeImport& n, int zero, DType missing) {
  return n.has(zero) ? n.input(zero).dtype() : missing;
}

inline bool all_constant(const NodeImport& n, std::initializer_list<int> inputs) {
  return std::all_of(inputs.begin(), inputs.end(), [&](int i) { return !n.has(i) || n.input(i).is_constant(); });
}
inline bool is_single(const Operand& scale) { return scale.shape().known() && scale.shape().elements() == 1; }

/// Requantizes int32 sums with scales that may be computed: sums * (a_scale * b_scale) / y_scale + y_zero.
inline void scale_sums(NodeImport& n, int sums, const Order& order, int a_scale, int b_scale, int y_scale, int y_zero) {
  const auto value = [&](int i) {
    const Operand& s = n.input(i);
    const int v = n.builder.value(s, Order::identity(s.rank()));
    return s.dtype() == DType::f32 ? v : n.step("scale", Convert(DType::f32), {v});
  };
  n.require(is_single(n.input(a_scale)) && is_single(n.input(y_scale)),
            "more than one scale for the input or output is not supported");
  const int f = n.step("sum", Convert(DType::f32), {sums}, Keeps::all);
  const int factor = n.step("factor", Binary(BinaryKind::mul), {value(b_scale), value(a_scale)});
  const int scaled = n.step("scaled", Binary(BinaryKind::mul), {f, factor}, Keeps::all);
  QuantizeLinear op;
  op.axis = 0;
  op.to = output_type(n, y_zero, DType::u8);
  std::vector<int> in{scaled, value(y_scale)};
  if (n.has(y_zero)) {
    n.require(n.input(y_zero).shape() == n.input(y_scale).shape(), "scale and zero point differ in shape");
    in.push_back(n.builder.value(n.input(y_zero)));
  }
  n.result(n.add(op, in, Keeps::all), order);
}

inline void import_qlinear_conv(NodeImport& n) {
  const Operand &x = n.input(0), &w = n.input(3);
  const Order order = Order::channels_last(x.rank());
  if (!all_constant(n, {1, 2, 3, 4, 5, 6, 7, 8})) {
    int sums = add_convolution_of_integers(n, "sums", x, w, 2, 5);
    if (n.has(8)) sums = n.step("biased", Binary(BinaryKind::add), {sums, n.builder.value(n.input(8))}, Keeps::all);
    return scale_sums(n, sums, order, 1, 4, 6, 7);
  }
  const Operand xq = quantized(n, x, quant_params(n, 1, 2, -1));
  const Operand wq = quantized(n, w, quant_params(n, 4, 5, w.order.find(0)));
  Convolution op;
  op.window = import_window(n, kernel_of(n, x, w));
  op.groups = n.integer("group", 1);
  std::vector<int> in{image_value(n, xq), n.builder.value(wq, order)};
  if (n.has(8)) in.push_back(n.builder.value(n.input(8)));
  const int v = n.add(std::move(op), in, Keeps::batch);
  n.result(with_params(n, v, output_type(n, 7, x.dtype()), quant_params(n, 6, 7, -1)), order);
}

inline int add_matmul_of_integers(NodeImport& n, const char* what, int b, int a_zero, int b_zero) {
  const auto value = [&](int i) {
    return n.has(i) ? n.builder.value(plain(n, n.input(i)), Order::identity(n.input(i).rank())) : Node::none;
  };
  const std::vector<int> in{value(0), value(b), value(a_zero), value(b_zero)};
  return what ? n.step(what, MatMulInteger(), in) : n.add(MatMulInteger(), in);
}

inline void import_matmul_integer(NodeImport& n) {
  const int v = add_matmul_of_integers(n, nullptr, 1, 2, 3);
  n.result(v, Order::identity(n.builder.graph.value(v).shape.rank()));
}

inline void import_qlinear_matmul(NodeImport& n) {
  const Operand &a = n.input(0), &b = n.input(3);
  if (!all_constant(n, {1, 2, 3, 4, 5, 6, 7}) || a.rank() < 2 || !is_weights(n, b) || !is_single(n.input(1))) {
    const int sums = add_matmul_of_integers(n, "sums", 3, 2, 5);
    return scale_sums(n, sums, Order::identity(n.builder.graph.value(sums).shape.rank()), 1, 4, 6, 7);
  }
  const Operand aq = quantized(n, a, quant_params(n, 1, 2, -1));
  const Operand bq = quantized(n, b, quant_params(n, 4, 5, b.order.find(1)));
  const Order order = rows_order(aq);
  const int v =
      n.add(FullyConnected(), {n.builder.value(aq, order), n.builder.value(bq, {1, 0})}, keeps_all_but(a.rank() - 1));
  n.result(with_params(n, v, output_type(n, 7, a.dtype()), quant_params(n, 6, 7, -1)), order);
}

/// com.microsoft.QGemm: alpha A B + C. C is int32 with the scale of the product. The output is float if it has no
/// scale.
inline void import_qgemm(NodeImport& n) {
  const Operand a = quantized(n, matrix(n, 0, "transA"), quant_params(n, 1, 2, -1));
  const Operand raw = matrix(n, 3, "transB");
  n.require(raw.is_constant() && is_weights(n, raw), "input 3 ('", raw.name(), "') has to be constant");
  QuantParams q = quant_params(n, 4, 5, raw.order.find(1));
  for (float& s : q.scale) s *= static_cast<float>(n.real("alpha", 1));
  const Operand b = quantized(n, raw, q);
  std::vector<int> in{n.builder.value(a, Order::identity(2)), n.builder.value(b, {1, 0})};
  if (n.has(6)) {
    in.push_back(bias_value(n, n.input(6), b.shape()[1]));
    n.require(in.back() != Node::none, "input 6 ('", n.input(6).name(),
              "') has to be constant, with one element per output");
  }
  const int v = n.add(FullyConnected(), in, Keeps::batch);
  if (n.has(7))
    with_params(n, v, output_type(n, 8, a.dtype()), quant_params(n, 7, 8, -1));
  else
    n.builder.graph.value(v).dtype = DType::f32;
  n.result(v, Order::identity(2));
}

}  // namespace detail::onnx
OCTET_END
