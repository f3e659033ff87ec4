#pragma once
#include "operators/batches.hpp"
#include "operators/detection.hpp"
#include "operators/elementwise.hpp"
#include "operators/indexed.hpp"
#include "operators/layers.hpp"
#include "operators/pooling.hpp"
#include "operators/repeat.hpp"
#include "operators/slice.hpp"
#include "operators/views.hpp"

OCTET_BEGIN
namespace detail::tflite {

using Handler = void (*)(OperatorImport&);

template <UnaryKind kind>
void unary(OperatorImport& n) {
  import_unary(n, kind);
}
template <int low, int high>
void clamp(OperatorImport& n) {
  import_unary(n, UnaryKind::clip, low, high);
}
template <BinaryKind kind>
void binary(OperatorImport& n) {
  import_binary(n, kind);
}
template <BinaryKind kind>
void comparison(OperatorImport& n) {
  import_comparison(n, kind);
}
/// A binary operator whose first option is a fused activation.
template <BinaryKind kind>
void activated_binary(OperatorImport& n) {
  import_binary(n, kind, 0);
}
template <ReduceKind kind>
void reduce(OperatorImport& n) {
  import_reduce(n, kind);
}

/// The function that imports an operator; null if it is not supported.
inline Handler find_handler(const std::string& operator_name) {
  using U = UnaryKind;
  using B = BinaryKind;
  using R = ReduceKind;
  static const std::unordered_map<std::string, Handler> table{
      // unary functions
      {"RELU", [](OperatorImport& n) { import_unary(n, U::clip, 0, std::numeric_limits<double>::infinity()); }},
      {"RELU6", clamp<0, 6>},
      {"RELU_N1_TO_1", clamp<-1, 1>},
      {"RELU_0_TO_1", clamp<0, 1>},
      {"LEAKY_RELU", [](OperatorImport& n) { import_unary(n, U::leaky_relu, n.real(0)); }},
      {"ELU", [](OperatorImport& n) { import_unary(n, U::elu, 1); }},
      {"LOGISTIC", unary<U::sigmoid>},
      {"HARD_SWISH", unary<U::hard_swish>},
      {"TANH", unary<U::tanh>},
      {"EXP", unary<U::exp>},
      {"LOG", unary<U::log>},
      {"SQRT", unary<U::sqrt>},
      {"RSQRT", unary<U::rsqrt>},
      {"NEG", unary<U::negate>},
      {"ABS", unary<U::abs>},
      {"FLOOR", unary<U::floor>},
      {"CEIL", unary<U::ceil>},
      {"ROUND", unary<U::round>},
      {"SIGN", unary<U::sign>},
      {"SIN", unary<U::sin>},
      {"COS", unary<U::cos>},
      {"GELU", import_gelu},
      {"PRELU", import_prelu},
      {"SQUARE", import_square},
      {"CAST", import_cast},
      {"QUANTIZE", import_convert},
      {"DEQUANTIZE", import_dequantize},
      // arithmetic
      {"ADD", activated_binary<B::add>},
      {"SUB", activated_binary<B::sub>},
      {"MUL", activated_binary<B::mul>},
      {"DIV", activated_binary<B::div>},
      {"FLOOR_DIV", binary<B::floor_div>},
      {"FLOOR_MOD", binary<B::floor_mod>},
      {"ADD_N", import_add_n},
      {"MINIMUM", binary<B::min>},
      {"MAXIMUM", binary<B::max>},
      {"POW", binary<B::pow>},
      {"EQUAL", comparison<B::equal>},
      {"NOT_EQUAL", comparison<B::not_equal>},
      {"LESS", comparison<B::less>},
      {"LESS_EQUAL", comparison<B::less_or_equal>},
      {"GREATER", comparison<B::greater>},
      {"GREATER_EQUAL", comparison<B::greater_or_equal>},
      {"LOGICAL_AND", binary<B::min>},
      {"LOGICAL_OR", binary<B::max>},
      {"LOGICAL_NOT", import_not},
      {"SELECT", [](OperatorImport& n) { import_select(n, true); }},
      {"SELECT_V2", [](OperatorImport& n) { import_select(n, false); }},
      {"WHERE", [](OperatorImport& n) { n.add(NonZero(true), {n.value(0)}); }},
      {"SQUARED_DIFFERENCE", import_squared_difference},
      // layers
      {"CONV_2D", import_convolution},
      {"DEPTHWISE_CONV_2D", import_depthwise_convolution},
      {"TRANSPOSE_CONV", import_transposed_convolution},
      {"CUSTOM Convolution2DTransposeBias", import_transposed_convolution_with_bias},
      {"FULLY_CONNECTED", import_fully_connected},
      {"BATCH_MATMUL", import_batch_matmul},
      {"AVERAGE_POOL_2D", import_pool<AveragePool>},
      {"MAX_POOL_2D", import_pool<MaxPool>},
      {"L2_POOL_2D", import_l2_pool},
      {"CUSTOM MaxPoolingWithArgmax2D", import_max_pool_with_argmax},
      {"CUSTOM MaxUnpooling2D", import_max_unpool},
      {"CUSTOM TFLite_Detection_PostProcess", import_detection},
      {"NON_MAX_SUPPRESSION_V4", [](OperatorImport& n) { import_non_max_suppression(n, false); }},
      {"NON_MAX_SUPPRESSION_V5", [](OperatorImport& n) { import_non_max_suppression(n, true); }},
      {"L2_NORMALIZATION", import_l2_normalization},
      {"MEAN", reduce<R::mean>},
      {"SUM", reduce<R::sum>},
      {"REDUCE_MAX", reduce<R::max>},
      {"REDUCE_MIN", reduce<R::min>},
      {"REDUCE_PROD", reduce<R::prod>},
      {"ARG_MAX", [](OperatorImport& n) { import_arg_max(n, false); }},
      {"ARG_MIN", [](OperatorImport& n) { import_arg_max(n, true); }},
      {"CUMSUM", import_cumulative_sum},
      {"TOPK_V2", import_top_k},
      {"SOFTMAX", [](OperatorImport& n) { import_softmax(n, false); }},
      {"LOG_SOFTMAX", [](OperatorImport& n) { import_softmax(n, true); }},
      {"LOCAL_RESPONSE_NORMALIZATION", import_local_response_normalization},
      // shapes
      {"RESHAPE", import_reshape},
      {"SQUEEZE", import_squeeze},
      {"EXPAND_DIMS", import_expand_dims},
      {"TRANSPOSE", import_transpose},
      {"CONCATENATION", import_concatenation},
      {"PACK", import_pack},
      {"UNPACK", import_unpack},
      {"SLICE", import_slice},
      {"STRIDED_SLICE", import_strided_slice},
      {"REVERSE_V2", import_reverse},
      {"TILE", import_tile},
      {"BROADCAST_TO", import_broadcast_to},
      {"SPLIT", import_split},
      {"SPLIT_V", import_split_with_sizes},
      {"GATHER", import_gather},
      {"GATHER_ND", import_gather_nd},
      {"SCATTER_ND", import_scatter_nd},
      {"ONE_HOT", import_one_hot},
      {"FILL", import_fill},
      {"RANGE", import_range},
      {"REVERSE_SEQUENCE", import_reverse_sequence},
      {"RANK", import_rank},
      {"ZEROS_LIKE", import_zeros_like},
      {"PAD", import_pad},
      {"PADV2", import_pad},
      {"MIRROR_PAD", import_mirror_pad},
      {"DEPTH_TO_SPACE", import_depth_to_space},
      {"SPACE_TO_DEPTH", import_space_to_depth},
      {"RESIZE_BILINEAR", [](OperatorImport& n) { import_resize(n, ResizeMode::linear, 2); }},
      {"RESIZE_NEAREST_NEIGHBOR", [](OperatorImport& n) { import_resize(n, ResizeMode::nearest, 0); }},
      {"SPACE_TO_BATCH_ND", import_space_to_batch},
      {"BATCH_TO_SPACE_ND", import_batch_to_space},
      {"DENSIFY", import_densify},
      {"SHAPE", import_shape}};
  const auto it = table.find(operator_name);
  return it == table.end() ? nullptr : it->second;
}

}  // namespace detail::tflite
OCTET_END
