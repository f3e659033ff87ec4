#pragma once
#include "../../../kernels/half.hpp"
#include "../../../operators/operands.hpp"
#include "../node_export.hpp"

/// Weights and biases.
OCTET_BEGIN
namespace detail::onnx {

/// A constant input, which may have been given other dimensions, as float numbers. `axis`: of the scales. Integers of 4
/// bits stay packed where the file may have them.
inline std::string real_weights(NodeExport& n, int i, const AnyTensor& arranged, int axis) {
  TensorExport& t = n.tensors();
  const Value& w = n.input(i);
  const bool packed = bits(arranged.dtype()) == 4 && t.file().opset() >= File::packed_opset;
  const AnyTensor elements = packed ? arranged : whole_bytes(arranged);
  n.require(constant_type_code(elements.dtype()) != 0, "weights of ", name(w.dtype),
            " cannot be written to ONNX files");
  const std::string stored = t.file().add_constant(w.name, elements);
  if (w.is_quantized()) {
    const std::vector<std::string> s = t.scale(w.name, w.quant, elements.dtype());
    Attributes a;
    if (w.quant.per_channel()) a.integer("axis", axis);
    return t.step(w.name + "/dequantized", "DequantizeLinear", {stored, s[0], s[1]}, a);
  }
  if (w.dtype == DType::f32) return stored;
  return t.step(w.name + "/float", "Cast", {stored}, Attributes().integer("to", data_type_code(DType::f32)));
}

/// Bias i as float numbers; empty if there is none. Integer biases are in units of input scale * weight scale.
inline std::string real_bias(NodeExport& n, int i) {
  if (!n.has(i)) return {};
  const Value &b = n.input(i), &x = n.input(0), &w = n.input(LayerInputs::weights);
  if (b.dtype != DType::i32) return real_weights(n, i, n.constant_input(i), 0);
  n.require(x.has_one_scale() && w.is_quantized(), "has an int32 bias '", b.name,
            "', but no integer input and weights");
  TensorExport& t = n.tensors();
  QuantParams q = w.quant;
  q.scale = bias_scales(x.quant.scale[0], w.quant);
  q.zero_point.assign(q.scale.size(), 0);
  if (t.options().onnx == OnnxForm::symmetric) {
    Tensor<float> real = Tensor<float>::uninitialized(b.shape);
    for (std::int64_t c = 0; c < real.size(); ++c)
      real[c] = static_cast<float>(static_cast<double>(b.constant.view<std::int32_t>()[c]) *
                                   static_cast<double>(q.scale[q.index_of(c)]));
    return t.file().add_constant(b.name, std::move(real));
  }
  const std::string codes = t.file().add_constant(b.name, b.constant);
  const std::vector<std::string> s = t.scale(b.name, q, DType::i32);
  Attributes a;
  if (q.per_channel()) a.integer("axis", 0);
  return t.step(b.name + "/dequantized", "DequantizeLinear", {codes, s[0], s[1]}, a);
}

/// The real numbers x of input 0 for an operator that ONNX Runtime must not compute in integers, as it would between a
/// DequantizeLinear and a QuantizeLinear. A Clip without limits in between prevents that.
inline std::string kept_float(NodeExport& n, const std::string& x) {
  if (!n.tensors().follows_codes(n.id(0))) return x;
  constexpr double limitless = std::numeric_limits<double>::infinity();
  return n.step("kept_float", "Clip", {x, n.scalar("lowest", -limitless), n.scalar("highest", limitless)});
}

/// The real numbers x of input 0, as a layer reads them: ONNX Runtime would quantize float weights, with one scale for
/// all.
inline std::string layer_input(NodeExport& n, const std::string& x) {
  return n.input(LayerInputs::weights).is_quantized() ? x : kept_float(n, x);
}

/// Whether the layer quantizes its float input at run time.
inline bool is_dynamic(const NodeExport& n) {
  return n.input(0).dtype == DType::f32 && n.input(LayerInputs::weights).is_quantized();
}

/// The tensor x as codes with a scale and zero point of its own range in each run: their names.
inline std::array<std::string, 3> dynamic_codes(NodeExport& n, const std::string& x) {
  File& file = n.tensors().file();
  std::array<std::string, 3> r{file.unique(n.name() + "/codes"), file.unique(n.name() + "/scale"),
                               file.unique(n.name() + "/zero_point")};
  file.add_node(r[0], "DynamicQuantizeLinear", {x}, {r[0], r[1], r[2]}, {}, "");
  return r;
}
/// The real numbers of these codes, for an operator that ONNX does not have for integers.
inline std::string quantized_at_run_time(NodeExport& n, const std::string& x) {
  const auto [codes, scale, zero] = dynamic_codes(n, x);
  return n.step("rounded", "DequantizeLinear", {codes, scale, zero});
}

/// Sums of products of an input quantized at run time with integer weights (of ConvInteger or MatMulInteger), in real
/// numbers. `channels`: the shape that scales for each channel get.
inline std::string dynamic_products(NodeExport& n, const char* type, const std::string& x, const AnyTensor& arranged,
                                    const Shape& channels, const Attributes& a) {
  TensorExport& t = n.tensors();
  const Value& w = n.input(LayerInputs::weights);
  for (std::int32_t z : w.quant.zero_point)
    n.require(z == 0, "has weights with the zero point ", z, " and a float input, expected 0");
  const auto [codes, scale, zero] = dynamic_codes(n, x);
  const std::string stored = t.file().add_constant(w.name, whole_bytes(arranged));
  const std::string sums = n.step("sums", type, {codes, stored, zero}, a);
  const std::string real = n.step("real", "Cast", {sums}, Attributes().integer("to", data_type_code(DType::f32)));
  Tensor<float> scales = Tensor<float>::uninitialized(w.quant.per_channel() ? channels : Shape{});
  std::copy(w.quant.scale.begin(), w.quant.scale.end(), scales.begin());
  const std::string unit = n.step("unit", "Mul", {scale, t.file().add_constant(w.name + "/scale", std::move(scales))});
  return n.step("products", "Mul", {real, unit});
}

}  // namespace detail::onnx
OCTET_END
