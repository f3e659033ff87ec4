#pragma once
#include "plain.hpp"

/// QuantizeLinear and DequantizeLinear. If scale and zero point are constant, they become parameters of the values and
/// the operator becomes a Convert. Otherwise they stay tensors.
OCTET_BEGIN
namespace detail::onnx {

/// Whether values of the type can have quantization parameters.
inline bool is_quantizable(DType t) { return !is_floating(t) && t != DType::boolean && bits(t) >= 2 && bits(t) <= 32; }

/// Whether inputs 1 and 2 (scale and zero point) are constant, with at most one scale per channel.
inline bool has_fixed_scale(const NodeImport& n) {
  return n.input(1).is_constant() && n.input(1).rank() <= 1 && (!n.has(2) || n.input(2).is_constant()) &&
         n.integer("block_size") == 0;
}

/// Parameters of x from inputs 1 and 2. The axis is that of the stored tensor.
inline QuantParams fixed_params(NodeImport& n, const Operand& x, DType dtype) {
  const bool vector = n.input(1).shape().rank() == 1 && n.input(1).shape() != Shape{1};
  const QuantParams q =
      quant_params(n, 1, 2, vector ? x.order.find(normalize_axis(n.integer("axis", 1), x.rank())) : -1);
  if (!q.per_channel() || x.source->shape[q.axis] != Shape::unknown) validate(q, x.source->shape, dtype);
  return q;
}

/// Inputs 0, 1 and 2 for an operator that takes scales as tensors, and their axis.
struct RuntimeScale {
  std::vector<int> in;
  Order order;
  std::int64_t axis = 0;
};
inline RuntimeScale runtime_scale(NodeImport& n) {
  const Operand x = plain(n, n.input(0));
  const Operand& scale = n.input(1);
  RuntimeScale r;
  const bool blocked = n.integer("block_size") != 0;  // scales have the tensor's shape, except along the axis
  r.order = blocked ? Order::identity(x.rank()) : x.order;
  r.in = {n.builder.value(x, r.order), n.builder.value(scale, Order::identity(scale.rank()))};
  if (n.has(2)) {
    const Operand& zero = n.input(2);
    int z = n.builder.value(zero, Order::identity(zero.rank()));
    if (zero.shape() != scale.shape()) {  // a single number may have shape [1] or []
      const Shape shape = scale.shape();
      z = n.step("zero_point", Reshape({shape.begin(), shape.end()}), {z});
    }
    r.in.push_back(z);
  }
  const bool single = scale.shape().known() && scale.shape().elements() == 1;
  if (!single) r.axis = r.order.find(normalize_axis(n.integer("axis", 1), x.rank()));
  return r;
}

inline void import_quantize_linear(NodeImport& n) {
  const Operand& x = n.input(0);
  DType to = n.has(2) ? n.input(2).dtype() : DType::u8;
  if (!n.has(2) && n.integer("output_dtype") != 0) to = element_type(n.integer("output_dtype"));
  if (x.dtype() == DType::f32 && is_quantizable(to) && has_fixed_scale(n)) {
    const QuantParams q = fixed_params(n, x, to);
    const int v = n.add(Convert(to), {n.builder.value(x)}, Keeps::all);
    n.builder.graph.value(v).quant = q;
    return n.result(v, x.order);
  }
  const RuntimeScale r = runtime_scale(n);
  QuantizeLinear op;
  op.axis = r.axis;
  op.block_size = n.integer("block_size");
  op.to = to;
  op.saturate = n.flag("saturate", true);
  n.result(n.add(op, r.in, Keeps::all), r.order);
}

/// Whether the value has exactly these parameters, or they can be set because it is a model input that no node reads
/// yet.
inline bool takes_params(NodeImport& n, int v, const QuantParams& q) {
  Graph& g = n.builder.graph;
  const bool is_input = std::find(g.inputs.begin(), g.inputs.end(), v) != g.inputs.end();
  if (is_input && n.builder.is_unused(v) && !g.value(v).quant) g.value(v).quant = q;
  return g.value(v).quant == q;
}

inline void import_dequantize_linear(NodeImport& n) {
  const Operand& x = n.input(0);
  const std::int64_t output_type = n.integer("output_dtype");
  const DType to = output_type != 0 ? element_type(output_type) : n.input(1).dtype();
  if (is_quantizable(x.dtype()) && has_fixed_scale(n)) {
    const QuantParams q = fixed_params(n, x, x.dtype());
    if (x.source->constant && x.source->constant.dtype() == x.dtype())
      return n.result(converted_operand(n.output_name(), x, q, to));
    if (!x.is_constant() && takes_params(n, n.builder.value(x), q))
      return n.result(n.add(Convert(to), {n.builder.value(x)}, Keeps::all), x.order);
  }
  const RuntimeScale r = runtime_scale(n);
  DequantizeLinear op;
  op.axis = r.axis;
  op.block_size = n.integer("block_size");
  op.to = to;
  n.result(n.add(op, r.in, Keeps::all), r.order);
}

inline void import_dynamic_quantize_linear(NodeImport& n) {
  const Operand& x = n.input(0);
  const int v = n.add(DynamicQuantizeLinear(), {n.builder.value(x)}, Keeps::all, 0, 3);
  n.result(v, x.order);
  for (int i = 1; i < n.outputs(); ++i) n.result(v + i, Order(), i);
}

}  // namespace detail::onnx
OCTET_END
