#pragma once
#include <unordered_map>

#include "../../operators/register_operator.hpp"
#include "branches.hpp"
#include "microsoft_operators.hpp"
#include "operators/arithmetic.hpp"
#include "operators/constants.hpp"
#include "operators/einsum.hpp"
#include "operators/elementwise.hpp"
#include "operators/indexed.hpp"
#include "operators/masks.hpp"
#include "operators/norms.hpp"
#include "operators/pad.hpp"
#include "operators/rearrange.hpp"
#include "operators/recurrent.hpp"
#include "operators/reduce.hpp"
#include "operators/repeat.hpp"
#include "operators/resize.hpp"
#include "operators/sampling.hpp"
#include "operators/selection.hpp"
#include "operators/shape_arithmetic.hpp"
#include "operators/signal.hpp"
#include "operators/softmax.hpp"
#include "operators/transposed_convolution.hpp"

OCTET_BEGIN
namespace detail::onnx {

template <UnaryKind kind>
void unary(NodeImport& n) {
  import_unary(n, kind);
}
template <BinaryKind kind>
void binary(NodeImport& n) {
  import_binary(n, kind);
}
template <BinaryKind kind>
void chain(NodeImport& n) {
  import_chain(n, kind);
}
template <ReduceKind kind>
void reduce(NodeImport& n) {
  import_reduce(n, kind);
}
template <ReduceKind kind>
void global_pool(NodeImport& n) {
  import_global_pool(n, kind);
}
/// Operators of the default ONNX domain.
inline const Handlers& standard_handlers() {
  using U = UnaryKind;
  using B = BinaryKind;
  static const Handlers table{
      // unary functions
      {"Relu", [](NodeImport& n) { import_unary(n, U::clip, 0, infinity); }},
      {"LeakyRelu", [](NodeImport& n) { import_unary(n, U::leaky_relu, n.real("alpha", 0.01)); }},
      {"Elu", [](NodeImport& n) { import_unary(n, U::elu, n.real("alpha", 1)); }},
      {"HardSigmoid",
       [](NodeImport& n) { import_unary(n, U::hard_sigmoid, n.real("alpha", 0.2), n.real("beta", 0.5)); }},
      {"Sigmoid", unary<U::sigmoid>},
      {"HardSwish", unary<U::hard_swish>},
      {"Tanh", unary<U::tanh>},
      {"Softplus", unary<U::softplus>},
      {"Exp", unary<U::exp>},
      {"Log", unary<U::log>},
      {"Sqrt", unary<U::sqrt>},
      {"Neg", unary<U::negate>},
      {"Abs", unary<U::abs>},
      {"Floor", unary<U::floor>},
      {"Ceil", unary<U::ceil>},
      {"Round", unary<U::round>},
      {"Reciprocal", unary<U::reciprocal>},
      {"Erf", unary<U::erf>},
      {"Sign", unary<U::sign>},
      {"Sin", unary<U::sin>},
      {"Cos", unary<U::cos>},
      {"Tan", unary<U::tan>},
      {"Asin", unary<U::asin>},
      {"Acos", unary<U::acos>},
      {"Atan", unary<U::atan>},
      {"Sinh", unary<U::sinh>},
      {"Cosh", unary<U::cosh>},
      {"Asinh", unary<U::asinh>},
      {"Acosh", unary<U::acosh>},
      {"Atanh", unary<U::atanh>},
      {"IsNaN", import_is_nan},
      {"IsInf", import_is_inf},
      {"Clip", import_clip},
      {"Gelu", import_gelu},
      {"Selu", import_selu},
      {"Mish", import_mish},
      {"Softsign", import_softsign},
      {"ThresholdedRelu", import_thresholded_relu},
      {"Celu", import_celu},
      {"Shrink", import_shrink},
      {"PRelu", import_prelu},
      {"If", import_if},
      {"Identity", import_identity},
      {"Dropout", import_dropout},
      {"Cast", import_cast},
      {"CastLike", import_cast_like},
      // arithmetic
      {"Add", binary<B::add>},
      {"Sub", binary<B::sub>},
      {"Mul", binary<B::mul>},
      {"Div", binary<B::div>},
      {"Pow", binary<B::pow>},
      {"Mod", import_mod},
      {"Less", binary<B::less>},
      {"LessOrEqual", binary<B::less_or_equal>},
      {"Greater", binary<B::greater>},
      {"GreaterOrEqual", binary<B::greater_or_equal>},
      {"Equal", binary<B::equal>},
      {"And", binary<B::min>},
      {"Or", binary<B::max>},
      {"Xor", binary<B::not_equal>},
      {"Not", import_not},
      {"Min", chain<B::min>},
      {"Max", chain<B::max>},
      {"Sum", chain<B::add>},
      {"Mean", [](NodeImport& n) { import_chain(n, B::add, true); }},
      {"Where", import_where},
      // layers
      {"Conv", import_convolution},
      {"ConvTranspose", import_transposed_convolution},
      {"Gemm", import_gemm},
      {"MatMul", import_matmul},
      {"MaxPool", import_max_pool},
      {"AveragePool", import_average_pool},
      {"GlobalAveragePool", global_pool<ReduceKind::mean>},
      {"GlobalMaxPool", global_pool<ReduceKind::max>},
      {"BatchNormalization", import_batch_normalization},
      {"InstanceNormalization", import_instance_normalization},
      {"LayerNormalization", import_layer_normalization},
      {"GroupNormalization", import_group_normalization},
      {"LRN", import_lrn},
      {"LSTM", [](NodeImport& n) { import_recurrent(n, RecurrentKind::lstm); }},
      {"GRU", import_gru},
      {"RNN", [](NodeImport& n) { import_recurrent(n, RecurrentKind::rnn); }},
      {"MaxUnpool", import_max_unpool},
      {"GridSample", import_grid_sample},
      {"AffineGrid", import_affine_grid},
      {"STFT", import_stft},
      {"HannWindow", [](NodeImport& n) { import_window_function(n, 0.5, 0.5, 0); }},
      {"HammingWindow", [](NodeImport& n) { import_window_function(n, 25.0 / 46, 21.0 / 46, 0); }},
      {"BlackmanWindow", [](NodeImport& n) { import_window_function(n, 0.42, 0.5, 0.08); }},
      {"Einsum", import_einsum},
      {"LpNormalization", import_lp_normalization},
      {"MeanVarianceNormalization", import_mean_variance_normalization},
      {"LpPool", import_lp_pool},
      {"GlobalLpPool", import_global_lp_pool},
      {"CumSum", import_cumulative_sum},
      {"Hardmax", import_hardmax},
      {"Softmax", [](NodeImport& n) { import_softmax(n, false); }},
      {"LogSoftmax", [](NodeImport& n) { import_softmax(n, true); }},
      {"ReduceMean", reduce<ReduceKind::mean>},
      {"ReduceSum", reduce<ReduceKind::sum>},
      {"ReduceMax", reduce<ReduceKind::max>},
      {"ReduceMin", reduce<ReduceKind::min>},
      {"ReduceProd", reduce<ReduceKind::prod>},
      {"ReduceL1", import_reduce_l1},
      {"ReduceL2", import_reduce_l2},
      {"ReduceSumSquare", import_reduce_sum_square},
      {"ReduceLogSum", import_reduce_log_sum},
      {"ReduceLogSumExp", import_reduce_log_sum_exp},
      {"TopK", import_top_k},
      {"ArgMax", [](NodeImport& n) { import_arg_max(n, false); }},
      {"ArgMin", [](NodeImport& n) { import_arg_max(n, true); }},
      // selections, whose size depends on the data
      {"NonMaxSuppression", import_non_max_suppression},
      {"NonZero", import_non_zero},
      {"Compress", import_compress},
      // shapes
      {"Reshape", import_reshape},
      {"Flatten", import_flatten},
      {"Squeeze", import_squeeze},
      {"Unsqueeze", import_unsqueeze},
      {"Transpose", import_transpose},
      {"Concat", import_concat},
      {"Slice", import_slice},
      {"Split", import_split},
      {"Pad", import_pad},
      {"Gather", import_gather},
      {"GatherElements", import_gather_elements},
      {"GatherND", import_gather_nd},
      {"Scatter", import_scatter_elements},
      {"ScatterElements", import_scatter_elements},
      {"ScatterND", import_scatter_nd},
      {"ReverseSequence", import_reverse_sequence},
      {"OneHot", import_one_hot},
      {"Trilu", import_trilu},
      {"EyeLike", import_eye_like},
      {"Range", import_range},
      {"Expand", import_expand},
      {"Tile", import_tile},
      {"Resize", import_resize},
      {"Upsample", import_resize},
      {"DepthToSpace", import_depth_to_space},
      {"SpaceToDepth", import_space_to_depth},
      {"Shape", import_shape},
      {"Size", import_size},
      {"Constant", import_constant},
      {"ConstantOfShape", import_constant_of_shape},
      // quantized
      {"QuantizeLinear", import_quantize_linear},
      {"DequantizeLinear", import_dequantize_linear},
      {"DynamicQuantizeLinear", import_dynamic_quantize_linear},
      {"ConvInteger", import_conv_integer},
      {"MatMulInteger", import_matmul_integer},
      {"QLinearConv", import_qlinear_conv},
      {"QLinearMatMul", import_qlinear_matmul}};
  return table;
}

/// The function that imports an operator; null if it is not supported.
inline Handler find_handler(std::string_view domain, std::string_view type) {
  if (domain != "" && domain != "ai.onnx" && domain != "com.microsoft") return nullptr;
  const Handlers& table = domain == "com.microsoft" ? microsoft_handlers() : standard_handlers();
  const auto it = table.find(type);
  return it == table.end() ? nullptr : it->second;
}

/// ONNX's operators that take images, which octet stores as [N, spatial ..., C].
inline const std::unordered_set<std::string_view>& image_operators() {
  static const std::unordered_set<std::string_view> types{"Conv",
                                                          "FusedConv",
                                                          "ConvTranspose",
                                                          "MaxPool",
                                                          "AveragePool",
                                                          "GlobalAveragePool",
                                                          "GlobalMaxPool",
                                                          "BatchNormalization",
                                                          "InstanceNormalization",
                                                          "GroupNormalization",
                                                          "LRN",
                                                          "LpPool",
                                                          "GlobalLpPool",
                                                          "MaxUnpool",
                                                          "GridSample",
                                                          "ConvInteger",
                                                          "QLinearConv",
                                                          "QLinearAveragePool",
                                                          "QLinearGlobalAveragePool"};
  return types;
}

/// ONNX's other operators whose result does not have the order of dimensions of their input.
inline const std::unordered_set<std::string_view>& reordering_operators() {
  static const std::unordered_set<std::string_view> types{
      "STFT",      "AffineGrid", "HannWindow", "HammingWindow", "BlackmanWindow",    "LSTM",          "GRU",
      "RNN",       "Einsum",     "Reshape",    "Flatten",       "Squeeze",           "Unsqueeze",     "Transpose",
      "Gemm",      "MatMul",     "FusedGemm",  "FusedMatMul",   "MatMulInteger",     "QLinearMatMul", "QGemm",
      "Shape",     "Size",       "Gather",     "DepthToSpace",  "SpaceToDepth",      "Expand",        "GatherND",
      "ScatterND", "OneHot",     "EyeLike",    "Range",         "NonMaxSuppression", "NonZero",       "Compress"};
  return types;
}

/// Whether the operator takes images, which octet stores as [N, spatial ..., C].
inline bool wants_images(std::string_view domain, std::string_view type) {
  if (!find_handler(domain, type)) {
    const OperatorType* own = find_onnx_operator(domain, type);
    return own && own->files.onnx_layout == OnnxLayout::channels_last;
  }
  return image_operators().count(type) > 0;
}

/// Whether the operator keeps the order of its input's dimensions.
inline bool passes_order_on(std::string_view domain, std::string_view type) {
  if (!find_handler(domain, type)) {
    const OperatorType* own = find_onnx_operator(domain, type);
    return own && own->files.onnx_layout == OnnxLayout::any;
  }
  return reordering_operators().count(type) == 0 && !wants_images(domain, type);
}

}  // namespace detail::onnx
OCTET_END
