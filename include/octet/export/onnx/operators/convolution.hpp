#pragma once
#include "../../../operators/convolution/convolution.hpp"
#include "../../../operators/convolution/transposed_convolution.hpp"
#include "../../before_residual.hpp"
#include "weights.hpp"
#include "window.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// The bias for [N, O, spatial ...].
inline std::string channels_first_bias(NodeExport& n, const Shape& channels) {
  const Value& b = n.input(LayerInputs::bias);
  return n.tensors().file().add_constant(b.name, AnyTensor(to_float(b.constant.ref())).reshaped(channels));
}

/// Writes the convolution alone, without residual and activation, as tensor `to`.
inline void write_products(NodeExport& n, const Convolution& c, const std::string& to) {
  TensorExport& t = n.tensors();
  const Order images = n.images();
  const AnyTensor w = permuted(n.constant_input(LayerInputs::weights), images.inverse());
  Attributes a = window_attributes(n, c.window);
  a.integer("group", c.groups);
  if (is_dynamic(n)) {
    Shape channels{w.shape()[0]};
    for (int i = 0; i < c.window.rank(); ++i) channels.push_back(1);
    const std::string products = dynamic_products(n, "ConvInteger", n.real(0, images), w, channels, a);
    if (!n.has(LayerInputs::bias)) return void(t.node(n.name(), "Identity", {products}, to));
    return void(t.node(n.name(), "Add", {products, channels_first_bias(n, channels)}, to));
  }
  std::vector<std::string> in{layer_input(n, n.real(0, images)), real_weights(n, LayerInputs::weights, w, 0)};
  if (n.has(LayerInputs::bias)) in.push_back(real_bias(n, LayerInputs::bias));
  t.node(n.name(), "Conv", in, to, a);
}

/// A residual is written as an Add. If the range of the convolution's own result is known, that result is quantized, so
/// that both nodes run with integers. Otherwise only the sum is quantized, as in octet, and the convolution runs in
/// float.
inline void export_convolution(NodeExport& n) {
  const auto& c = static_cast<const Convolution&>(n.op());
  const Order images = n.images();
  n.result(0, images, c.activation, [&](const std::string& out) {
    if (!n.has(Convolution::residual)) return write_products(n, c, out);
    TensorExport& t = n.tensors();
    std::string products = t.file().unique(n.name() + "/products");
    write_products(n, c, products);
    if (const auto own = params_before_residual(c); own && t.has_codes(n.out_id())) {
      QuantParams q = *own;
      q.zero_point[0] += code_shift(int8_format.activations, t.file_type(n.out_id()));
      const std::vector<std::string> s = t.scale(n.name() + "/products", q, t.file_type(n.out_id()));
      const std::string codes = n.step("product_codes", "QuantizeLinear", {products, s[0], s[1]});
      products = n.step("product_reals", "DequantizeLinear", {codes, s[0], s[1]});
    } else if (t.has_codes(n.out_id())) {
      n.note(t.options(),
             "the range of its result before the residual is added is not known (calibration and QAT keep it): other "
             "runtimes compute the convolution in float");
    }
    t.node(n.name() + "/sum", "Add", {products, n.real(Convolution::residual, images)}, out);
  });
}

/// Weights [O, spatial ..., C / groups] as [C, O / groups, spatial ...].
inline AnyTensor transposed_weights(const AnyTensor& w, std::int64_t groups) {
  const Shape s = w.shape();
  Shape split = s, joined{s.back() * groups, s[0] / groups};  // [groups, O / groups, spatial ..., C / groups]
  split[0] = s[0] / groups;
  split.insert(0, groups);
  Order p{0, split.rank() - 1, 1};
  for (int d = 2; d + 1 < split.rank(); ++d) p.push_back(d);
  for (int d = 1; d + 1 < s.rank(); ++d) joined.push_back(s[d]);
  return permuted(w.reshaped(split), p).reshaped(joined);
}

/// The weights as float numbers. In groups, each has its own output channels along axis 1: scales for all of them are
/// multiplied by.
inline std::string real_transposed_weights(NodeExport& n, std::int64_t groups) {
  const Value& w = n.input(LayerInputs::weights);
  const AnyTensor arranged = transposed_weights(n.constant_input(LayerInputs::weights), groups);
  if (groups == 1 || !w.quant.per_channel()) return real_weights(n, LayerInputs::weights, arranged, 1);
  const Shape s = arranged.shape();
  Shape each{s[0], s[1]};
  for (int d = 2; d < s.rank(); ++d) each.push_back(1);
  Tensor<float> scales = Tensor<float>::uninitialized(each);
  for (std::int64_t i = 0; i < scales.size(); ++i) {
    const std::int64_t group = i / s[1] / (s[0] / groups);
    scales[i] = w.quant.scale[w.quant.index_of(group * s[1] + i % s[1])];
  }
  for (std::int32_t z : w.quant.zero_point) n.require(z == 0, "has weights with the zero point ", z, ", expected 0");
  File& file = n.tensors().file();
  const std::string codes = file.add_constant(w.name, whole_bytes(arranged));
  const std::string real = n.step("codes", "Cast", {codes}, Attributes().integer("to", data_type_code(DType::f32)));
  return n.step("weights", "Mul", {real, file.add_constant(w.name + "/scale", std::move(scales))});
}

inline void export_transposed_convolution(NodeExport& n) {
  const auto& c = static_cast<const TransposedConvolution&>(n.op());
  const Window& w = c.window;
  const Shape &in = n.input(0).shape, &out = n.output().shape;
  std::vector<std::int64_t> before, after, extra;
  for (int i = 0; i < w.rank(); ++i) {
    const auto k = static_cast<std::size_t>(i);
    const std::int64_t given = c.output_padding.empty() ? 0 : c.output_padding[k];
    if (w.padding == Window::Padding::given && c.output_size.empty()) {
      before.push_back(w.pads_before[k]);
      after.push_back(w.pads_after[k]);
      extra.push_back(given);
      continue;
    }
    n.require(in[i + 1] > 0 && out[i + 1] > 0,
              "has images of unknown size, whose padding ONNX cannot say: set the size "
              "of the model's input");
    const std::int64_t full = w.strides[k] * (in[i + 1] - 1) + given + (w.kernel[k] - 1) * w.dilations[k] + 1;
    const std::int64_t total = std::max<std::int64_t>(0, full - out[i + 1]);
    const std::int64_t first = w.padding == Window::Padding::valid        ? 0
                               : w.padding == Window::Padding::same_upper ? total / 2
                                                                          : total - total / 2;
    before.push_back(first);
    after.push_back(total - first);
    extra.push_back(given + std::max<std::int64_t>(0, out[i + 1] - full));
  }
  before.insert(before.end(), after.begin(), after.end());
  Attributes a;
  a.integers("kernel_shape", w.kernel).integers("strides", w.strides).integers("dilations", w.dilations);
  a.integers("pads", before).integers("output_padding", extra).integer("group", c.groups);
  const std::string x = n.real(0, n.images());
  std::vector<std::string> inputs{is_dynamic(n) ? quantized_at_run_time(n, x) : layer_input(n, x),
                                  real_transposed_weights(n, c.groups)};
  if (n.has(LayerInputs::bias)) inputs.push_back(real_bias(n, LayerInputs::bias));
  n.node("ConvTranspose", inputs, n.images(), a, c.activation);
}

}  // namespace detail::onnx
OCTET_END
