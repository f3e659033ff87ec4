#pragma once
#include <unordered_map>

#include "operators/fused.hpp"
#include "operators/quantized_elementwise.hpp"

OCTET_BEGIN
namespace detail::onnx {

using Handler = void (*)(NodeImport&);
using Handlers = std::unordered_map<std::string_view, Handler>;

template <BinaryKind kind>
void qlinear_binary(NodeImport& n) {
  import_qlinear_binary(n, kind);
}

/// Operators of the domain com.microsoft that ONNX Runtime's quantizer and optimizer write.
inline const Handlers& microsoft_handlers() {
  static const Handlers table{
      {"QuantizeLinear", import_quantize_linear},
      {"DequantizeLinear", import_dequantize_linear},
      {"Gelu", import_gelu},
      {"BiasGelu", [](NodeImport& n) { import_bias_function(n, UnaryKind::gelu); }},
      {"FastGelu", [](NodeImport& n) { import_bias_function(n, UnaryKind::gelu_tanh); }},
      {"QuickGelu", import_quick_gelu},
      {"FusedConv", import_fused_convolution},
      {"FusedGemm", import_fused_gemm},
      {"FusedMatMul", import_fused_matmul},
      {"QLinearConv", import_qlinear_conv},
      {"QLinearMatMul", import_qlinear_matmul},
      {"QGemm", import_qgemm},
      {"QLinearAdd", qlinear_binary<BinaryKind::add>},
      {"QLinearMul", qlinear_binary<BinaryKind::mul>},
      {"QLinearSigmoid", [](NodeImport& n) { import_qlinear_unary(n, UnaryKind::sigmoid); }},
      {"QLinearLeakyRelu",
       [](NodeImport& n) { import_qlinear_unary(n, UnaryKind::leaky_relu, n.real("alpha", 0.01)); }},
      {"QLinearSoftmax", import_qlinear_softmax},
      {"QLinearAveragePool", import_qlinear_average_pool},
      {"QLinearGlobalAveragePool", import_qlinear_global_average_pool},
      {"QLinearConcat", import_qlinear_concat}};
  return table;
}

}  // namespace detail::onnx
OCTET_END
