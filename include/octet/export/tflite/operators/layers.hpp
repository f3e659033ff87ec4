#pragma once
#include "../../../import/onnx/order.hpp"
#include "../../../operators/convolution/convolution.hpp"
#include "../../../operators/convolution/transposed_convolution.hpp"
#include "../../../operators/fully_connected.hpp"
#include "../../../operators/matmul.hpp"
#include "../../before_residual.hpp"
#include "window.hpp"

/// Layers with weights.
OCTET_BEGIN
namespace detail::tflite {

/// How a layer computes. Integer layers with a float result become float layers between conversions.
enum class LayerForm { floating, integer, dynamic, integer_to_float };

inline LayerForm layer_form(NodeExport& n) {
  const bool x = n.input(0).is_quantized(), w = n.input(LayerInputs::weights).is_quantized();
  if (!w) return LayerForm::floating;
  if (!x) return LayerForm::dynamic;
  return n.has_codes() ? LayerForm::integer : LayerForm::integer_to_float;
}

/// Whether the layer's weights are written as int4: as TFLite has it, symmetric and after int8 activations.
inline bool has_packed_weights(NodeExport& n, LayerForm form) {
  const bool codes = form == LayerForm::integer || form == LayerForm::integer_to_float;
  return codes && n.tensors().file_type(n.id(0)) == DType::i8 && n.input(LayerInputs::weights).dtype == DType::i4;
}

/// The weights, which may have been given other dimensions; `axis`: of their scales. `packed`: as int4, if they are.
inline int layer_weights(NodeExport& n, LayerForm form, const AnyTensor& arranged, int axis, bool packed = false) {
  TensorExport& t = n.tensors();
  const Value& w = n.input(LayerInputs::weights);
  n.require(w.dtype != DType::bf16, "has weights of bfloat16, which TFLite does not have: quantize to fp16");
  if (!w.is_quantized()) {
    if (w.dtype == DType::f32) return t.constant(w.name, arranged);
    n.require(w.dtype == DType::f16, "has weights of ", name(w.dtype), ", which TFLite does not have");
    const int half = t.constant(w.name, arranged), real = t.add(w.name + "/float", DType::f32, arranged.shape());
    t.operate("DEQUANTIZE", 3, {half}, {real}, Options(38));
    return real;
  }
  QuantParams q = w.quant;
  if (q.per_channel()) q.axis = axis;
  const bool older = t.codes() == DType::u8;
  n.require(!older || !q.per_channel(),
            "has a scale for each channel, in a model with uint8 weights with one scale, "
            "which TFLite cannot have together: quantize the float model again");
  const DType type = older && form != LayerForm::dynamic ? DType::u8 : DType::i8;
  const AnyTensor bytes = whole_bytes(arranged);
  // uint4 has the codes of int4 plus 8, uint8 those of int8 plus 128.
  const std::int32_t shift = arranged.dtype() == DType::u4 && type == DType::i8 ? -8 : code_shift(bytes.dtype(), type);
  for (std::int32_t& z : q.zero_point) {
    z += shift;
    n.require(older || z == 0, "has weights with the zero point ", z, ", expected 0: quantize with symmetric weights");
  }
  const int codes = t.constant(w.name, packed ? arranged : moved_codes(bytes, type, shift), q);
  if (form != LayerForm::integer_to_float) return codes;
  const int real = t.add(w.name + "/float", DType::f32, arranged.shape());
  t.operate("DEQUANTIZE", packed ? 6 : q.per_channel() ? 5 : 2, {codes}, {real}, Options(38));
  return real;
}

/// The bias, or zeros.
inline int layer_bias(NodeExport& n, LayerForm form, std::int64_t out) {
  TensorExport& t = n.tensors();
  const Value& w = n.input(LayerInputs::weights);
  const bool given = n.has(LayerInputs::bias);
  const std::string own = given ? n.input(LayerInputs::bias).name : n.name() + "/bias";
  QuantParams sums;
  if (w.is_quantized() && n.input(0).is_quantized()) {
    sums.scale = bias_scales(n.input(0).quant.scale[0], w.quant);
    sums.zero_point.assign(sums.scale.size(), 0);
    if (w.quant.per_channel()) sums.axis = 0;
  }
  if (form == LayerForm::integer) {
    const bool wide = n.input(0).dtype == DType::i16;
    const AnyTensor zeros = wide ? AnyTensor(Tensor<std::int64_t>({out})) : AnyTensor(Tensor<std::int32_t>({out}));
    const AnyTensor b = given ? n.constant_input(LayerInputs::bias) : zeros;
    n.require(b.dtype() == DType::i32 || (wide && b.dtype() == DType::i64), "has a bias of ", name(b.dtype()),
              ", expected ", wide ? "int64" : "int32");
    return t.constant(own, b, sums);
  }
  if (!given) return t.constant(own, Tensor<float>({out}));
  const AnyTensor& b = n.constant_input(LayerInputs::bias);
  if (b.dtype() != DType::i32 && b.dtype() != DType::i64) return t.constant(own, to_float(b.ref()));
  n.require(static_cast<bool>(sums), "has an ", name(b.dtype()), " bias '", own, "', but no integer input and weights");
  Tensor<float> real = Tensor<float>::uninitialized({out});
  for (std::int64_t c = 0; c < out; ++c)
    real[c] =
        static_cast<float>(load_element(b.dtype(), b.data(), c) * static_cast<double>(sums.scale[sums.index_of(c)]));
  return t.constant(own, std::move(real));
}

/// Input 0 as the layer reads it.
inline int layer_input(NodeExport& n, LayerForm form) {
  const int x = n.in(0);
  if (form != LayerForm::integer_to_float) return x;
  const int real = n.step("input", DType::f32, n.input(0).shape);
  n.tensors().operate("DEQUANTIZE", n.input(0).dtype == DType::i16 ? 3 : 2, {x}, {real}, Options(38));
  return real;
}

/// The range of an integer convolution's own result, before a residual is added: the one that the model has, or what
/// the sum needs. Whatever is outside of that saturates the sum as well.
inline QuantParams sum_params(NodeExport& n, const Convolution& c) {
  if (const auto own = params_before_residual(c)) {
    QuantParams q = *own;
    if (n.code_type() != DType::i16) q.zero_point[0] += code_shift(int8_format.activations, n.code_type());
    return q;
  }
  n.note(n.tensors().options(),
         "the range of its result before the residual is added is not known (calibration and QAT keep it): one that "
         "holds every sum is taken, which is coarser");
  const IntegerRange r = integer_range(n.code_type());
  const auto range = [&](const QuantParams& q) {
    return std::make_pair(detail::real_value(static_cast<double>(r.low), q),
                          detail::real_value(static_cast<double>(r.high), q));
  };
  const auto sum = range(n.tensors().file_params(n.out_id())),
             other = range(n.tensors().file_params(n.id(Convolution::residual)));
  const double low = std::min(0.0, sum.first - other.second), high = std::max(0.0, sum.second - other.first);
  if (n.code_type() == DType::i16) return {static_cast<float>(std::max(-low, high) / static_cast<double>(r.high)), 0};
  const double scale = (high - low) / static_cast<double>(r.high - r.low);
  const double zero = std::nearbyint(static_cast<double>(r.low) - low / scale);
  return {static_cast<float>(scale),
          static_cast<std::int32_t>(std::clamp(zero, static_cast<double>(r.low), static_cast<double>(r.high)))};
}

inline bool is_depthwise(NodeExport& n, const Convolution& c) {
  const Shape& w = n.input(LayerInputs::weights).shape;
  return c.groups > 1 && w.back() == 1 && n.input(0).shape.back() == c.groups;
}

/// The convolution without residual, as tensor `to`, with a fused activation.
inline void write_convolution(NodeExport& n, const Convolution& c, int to, int activation) {
  const LayerForm form = layer_form(n);
  const Shape& w = n.input(LayerInputs::weights).shape;
  const FilePadding p = file_padding(n, c.window, n.input(0).shape);
  const int x = padded_input(n, p, layer_input(n, form));
  const bool per_channel = n.input(LayerInputs::weights).quant.per_channel();
  const bool depthwise = is_depthwise(n, c);
  Options o(depthwise ? 2 : 1);
  o.byte(0, p.code).integer(1, c.window.strides[1]).integer(2, c.window.strides[0]);
  const int k = depthwise ? 4 : 3;
  if (depthwise) o.integer(3, w[0] / c.groups);
  o.byte(k, activation).integer(k + 1, c.window.dilations[1]).integer(k + 2, c.window.dilations[0]);
  const AnyTensor& stored = n.constant_input(LayerInputs::weights);
  const bool packed = has_packed_weights(n, form) && (depthwise || c.groups == 1);
  const int weights = depthwise ? layer_weights(n, form, onnx::permuted(stored, onnx::Order{3, 1, 2, 0}), 3, packed)
                                : layer_weights(n, form, stored, 0, packed);
  int version = depthwise && (c.window.dilations[0] > 1 || c.window.dilations[1] > 1) ? 2 : 1;
  if (form == LayerForm::integer) version = n.tensors().codes() == DType::u8 ? version : 3;
  if (form == LayerForm::integer && n.code_type() == DType::i16) version = depthwise ? 5 : 4;
  if (form == LayerForm::dynamic) version = depthwise ? (per_channel ? 6 : 4) : (per_channel ? 5 : 2);
  if (!depthwise && c.groups > 1) version = 6;
  if (packed && form == LayerForm::integer) version = 7;
  n.tensors().operate(depthwise ? "DEPTHWISE_CONV_2D" : "CONV_2D", version, {x, weights, layer_bias(n, form, w[0])},
                      {to}, o);
}

inline void export_convolution(NodeExport& n) {
  const auto& c = static_cast<const Convolution&>(n.op());
  if (!n.has(Convolution::residual))
    return n.result(c.activation, true, [&](int to, int code) { write_convolution(n, c, to, code); });
  const int products = n.has_codes() ? n.step("products", n.code_type(), n.output().shape, sum_params(n, c))
                                     : n.step("products", DType::f32, n.output().shape);
  write_convolution(n, c, products, 0);
  n.result(c.activation, true, [&](int to, int code) {
    n.operate("ADD", 1, 2, {products, n.in(Convolution::residual)}, {to},
              n.code_type() == DType::i16 ? Options(11).byte(0, code).clear(1) : Options(11).byte(0, code));
  });
}

/// Padding as TFLite computes it from the size of the result, or none and a SLICE of the whole result.
inline void export_transposed_convolution(NodeExport& n) {
  const auto& c = static_cast<const TransposedConvolution&>(n.op());
  const Window& w = c.window;
  const Shape &in = n.input(0).shape, &out = n.output().shape, &weights = n.input(LayerInputs::weights).shape;
  n.require(w.rank() == 2 && c.groups == 1 && w.dilations == std::vector<std::int64_t>{1, 1},
            "is a transposed convolution with groups or dilation, which TFLite does not have");
  n.require(
      in[1] > 0 && in[2] > 0 && out[1] > 0 && out[2] > 0,
      "has images of unknown size, for which TFLite needs the size of the result: set the size of the model's input");
  const LayerForm form = layer_form(n);
  Shape full = out;
  std::vector<std::int64_t> begin{0, 0, 0, 0};
  bool same = true, whole = true, inside = true;  // inside: no pixel of the result is beyond the whole one
  for (int i = 0; i < 2; ++i) {
    const auto k = static_cast<std::size_t>(i);
    full[i + 1] = w.strides[k] * (in[i + 1] - 1) + w.kernel[k];
    const std::int64_t total = std::max<std::int64_t>(0, full[i + 1] - out[i + 1]);
    std::int64_t before = w.padding == Window::Padding::valid        ? 0
                          : w.padding == Window::Padding::same_lower ? total - total / 2
                                                                     : total / 2;
    if (w.padding == Window::Padding::given) before = c.output_size.empty() ? w.pads_before[k] : total - total / 2;
    begin[k + 1] = before;
    same = same && before == total / 2 && in[i + 1] == (out[i + 1] + w.strides[k] - 1) / w.strides[k];
    whole = whole && before == 0 && full[i + 1] == out[i + 1];
    inside = inside && out[i + 1] <= full[i + 1] - before;
  }
  n.require(inside || same, "adds pixels to the result (output_padding), which TFLite does not have");
  const int x = layer_input(n, form), filter = layer_weights(n, form, n.constant_input(LayerInputs::weights), 0),
            bias = layer_bias(n, form, weights[0]);
  const auto write = [&](int to, const Shape& size, int padding, int activation) {
    const int sizes = n.integers("output_shape", {in[0] > 0 ? in[0] : 1, size[1], size[2], size[3]});
    Options o(49);
    o.byte(0, padding).integer(1, w.strides[1]).integer(2, w.strides[0]).byte(3, activation);
    n.tensors().operate("TRANSPOSE_CONV", activation ? 4 : 3, {sizes, filter, x, bias}, {to}, o);
  };
  if (same || whole)
    return n.result(c.activation, true, [&](int to, int code) { write(to, out, whole ? 1 : 0, code); });
  n.result(c.activation, false, [&](int to, int) {
    const int all = n.step("whole", n.tensors().file_type(n.out_id()), full, n.tensors().file_params(n.out_id()));
    write(all, full, 1, 0);
    const std::vector<std::int64_t> size{-1, out[1], out[2], -1};
    n.operate("SLICE", 1, 2, {all, n.integers("begin", begin), n.integers("size", size)}, {to}, Options(48));
  });
}

inline void export_fully_connected(NodeExport& n) {
  const auto& f = static_cast<const FullyConnected&>(n.op());
  const LayerForm form = layer_form(n);
  const AnyTensor& stored = n.constant_input(LayerInputs::weights);
  const bool per_channel = n.input(LayerInputs::weights).quant.per_channel();
  const bool packed = has_packed_weights(n, form);
  const int x = layer_input(n, form), w = layer_weights(n, form, stored, 0, packed),
            b = n.has(LayerInputs::bias) ? layer_bias(n, form, stored.shape()[0]) : TensorExport::none;
  int version = 1;
  if (form == LayerForm::integer) version = n.tensors().codes() == DType::u8 ? 1 : 4;
  if (form == LayerForm::integer && n.code_type() == DType::i16) version = 7;
  if (form == LayerForm::dynamic) version = per_channel ? 12 : 3;
  if (n.rank() != 2 && version < 5) version = 5;
  if (packed && form == LayerForm::integer) version = 10;
  n.result(f.activation, true, [&](int to, int code) {
    Options o(8);
    o.byte(0, code);
    if (n.rank() != 2) o.byte(2, 1);
    n.tensors().operate("FULLY_CONNECTED", version, {x, w, b}, {to}, o);
  });
}

inline void export_matmul(NodeExport& n) {
  n.require(n.rank(0) >= 2 && n.rank(1) >= 2,
            "multiplies a vector, which TFLite does not have: reshape it to a matrix");
  n.operate("BATCH_MATMUL", 1, 3, {n.in(0), n.in(1)}, {n.out()}, Options(101));
}

}  // namespace detail::tflite
OCTET_END
