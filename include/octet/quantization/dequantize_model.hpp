#pragma once
#include <map>

#include "../core/integer_format.hpp"
#include "../operators/shape/views.hpp"
#include "../passes/simplify.hpp"
#include "../passes/without_blocks.hpp"
#include "quantize.hpp"

OCTET_BEGIN
namespace detail {

/// An integer model converted to float: dequantized weights and biases, and the scales and zero points of its
/// activations (converted to int8) by value name.
struct DequantizedModel {
  Graph graph;
  std::map<std::string, QuantParams> activations;
  std::map<std::string, int> constant_bits;  // of the integers that constants were, by value name
};

/// Whether integer layers may have biases of that type.
inline bool is_sums(DType t) noexcept {
  for (const IntegerFormat& f : integer_formats)
    if (f.sums == t) return true;
  return false;
}

/// Dequantizes biases of integer layers, whose scale is input scale * weight scale.
inline void dequantize_biases(Graph& g) {
  for (Node& n : g.nodes) {
    const IntegerForm form = n.op->integer_form();
    const int b = form.bias < 0 ? Node::none : input_of(n, static_cast<std::size_t>(form.bias));
    if (b == Node::none || !g.value(b).is_constant() || !is_sums(g.value(b).dtype)) continue;
    const DType sums = g.value(b).dtype;
    const QuantParams x = g.value(n.inputs[0]).quant,
                      w = g.value(n.inputs[static_cast<std::size_t>(form.weights)]).quant;
    require(x && w, "layer '", n.name, "': the ", name(sums), " bias '", g.value(b).name,
            "' has no scale, because the input or the weights of the layer are not quantized");
    Tensor<float> bias = Tensor<float>::uninitialized(g.value(b).constant.shape());
    for (std::int64_t i = 0; i < bias.size(); ++i)
      bias[i] = static_cast<float>(load_element(sums, g.value(b).constant.data(), i) * static_cast<double>(x.scale[0]) *
                                   static_cast<double>(w.scale[w.index_of(i)]));
    const std::string bias_name = g.value(b).name;
    n.inputs[static_cast<std::size_t>(form.bias)] = g.add_constant(bias_name, std::move(bias));
  }
}

/// Float models are unchanged, except that half-precision weights become float.
inline DequantizedModel dequantize_model(const Model& model) {
  DequantizedModel d;
  Graph g = without_blocks(model);
  dequantize_biases(g);
  for (Value& v : g.values) {
    if (v.is_constant() && (v.dtype == DType::f16 || v.dtype == DType::bf16)) {
      v.constant = to_float(v.constant.ref());
    } else if (v.is_quantized() && v.is_constant()) {
      d.constant_bits[v.name] = bits(v.dtype);
      v.constant = real_values(v.constant.ref(), v.quant);
    } else if (v.is_quantized()) {
      const IntegerFormat* format = format_of_activations(v.dtype);
      require(format && v.has_one_scale(), "tensor '", v.name, "' is ", name(v.dtype), " with ", v.quant.channels(),
              " scales, expected int8, uint8 or int16 with one scale");
      const bool wide = format->computes(int16_format.computed);
      const auto codes = [](DType t) { return static_cast<float>(integer_range(t).high); };
      d.activations[v.name] =
          wide ? QuantParams(v.quant.scale[0] * codes(int16_format.activations) / codes(int8_format.activations), 0)
               : QuantParams(v.quant.scale[0], v.quant.zero_point[0] + code_shift(v.dtype, format->activations));
    } else {
      continue;
    }
    v.dtype = DType::f32;
    v.quant = {};
  }
  for (Node& n : g.nodes) {
    if (!n.op->traits().converts || g.value(n.inputs[0]).dtype != DType::f32 ||
        g.value(n.outputs[0]).dtype != DType::f32)
      continue;
    n.op = make_operator(Identity());
    const auto in = d.activations.find(g.value(n.inputs[0]).name), out = d.activations.find(g.value(n.outputs[0]).name);
    if (in == d.activations.end() && out != d.activations.end())
      d.activations[g.value(n.inputs[0]).name] = QuantParams(out->second);
    else if (in != d.activations.end() && out == d.activations.end())
      d.activations[g.value(n.outputs[0]).name] = QuantParams(in->second);
  }
  g.rounding = Rounding::fp32;
  d.graph = remove_identities(std::move(g), true);
  return d;
}

}  // namespace detail
OCTET_END
