#pragma once
#include "../node.hpp"

/// Conversion between plain integers and quantized real numbers.
OCTET_BEGIN
namespace detail::onnx {

inline AnyTensor scales_of(const QuantParams& q) {
  return Tensor<float>(q.per_channel() ? Shape{q.channels()} : Shape{}, q.scale);
}
inline AnyTensor zero_points_of(const QuantParams& q, DType dtype) {
  return AnyTensor::make(dtype, q.per_channel() ? Shape{q.channels()} : Shape{}, [&](std::byte* to) {
    for (std::size_t i = 0; i < q.zero_point.size(); ++i)
      store_element(dtype, to, static_cast<std::int64_t>(i), q.zero_point[i]);
  });
}

/// The operand without quantization parameters, for operators that compute with the integers themselves.
inline Operand plain(NodeImport& n, const Operand& x) {
  if (x.is_constant()) return x;
  const int v = n.builder.value(x);
  const QuantParams q = n.builder.graph.value(v).quant;
  if (!q) return x;
  const int real = n.step("real", Convert(DType::f32), {v}, Keeps::all);
  QuantizeLinear op;
  op.axis = std::max(0, q.axis);
  op.to = x.dtype();
  const int scale = n.builder.add_constant(n.name() + "/scale", scales_of(q));
  const int zero = n.builder.add_constant(n.name() + "/zero_point", zero_points_of(q, x.dtype()));
  return n.builder.operand(n.step("integers", std::move(op), {real, scale, zero}, Keeps::all), x.order, x.name());
}

inline int plain_value(NodeImport& n, const Operand& x) { return n.builder.value(plain(n, x)); }

/// Quantization parameters from a constant scale (input `scale`) and an optional zero point (input `zero`). If they are
/// vectors, `axis` is the axis of the channels.
inline QuantParams quant_params(NodeImport& n, int scale, int zero, int axis) {
  const Shape shape = n.input(scale).shape();
  QuantParams q;
  q.scale = n.constant_reals(scale);
  q.zero_point.assign(q.scale.size(), 0);
  if (n.has(zero)) {
    const std::vector<std::int64_t> z = n.constant_integers(zero);
    n.require(z.size() == q.scale.size(), "expected ", q.scale.size(), " zero points, as many as scales, found ",
              z.size());
    for (std::size_t i = 0; i < z.size(); ++i) {
      n.require(z[i] >= std::numeric_limits<std::int32_t>::min() && z[i] <= std::numeric_limits<std::int32_t>::max(),
                "zero point ", z[i], " is out of range");
      q.zero_point[i] = static_cast<std::int32_t>(z[i]);
    }
  }
  const bool single = shape.rank() == 0 || shape == Shape{1};
  n.require(shape.rank() <= 1 && !q.scale.empty(), "scales of shape ", shape, " are not supported here");
  if (!single) q.axis = axis;
  for (float s : q.scale) n.require(std::isfinite(s) && s > 0, "scale ", s, ", expected a positive finite number");
  return q;
}

}  // namespace detail::onnx
OCTET_END
