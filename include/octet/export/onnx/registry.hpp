#pragma once
#include <string_view>
#include <unordered_map>

#include "operators/convolution.hpp"
#include "operators/elementwise.hpp"
#include "operators/indexed.hpp"
#include "operators/movement.hpp"
#include "operators/normalization.hpp"
#include "operators/own_operator.hpp"
#include "operators/parametrized.hpp"
#include "operators/pooling.hpp"
#include "operators/products.hpp"
#include "operators/quantize.hpp"
#include "operators/recurrent.hpp"
#include "operators/reduce.hpp"
#include "operators/sampling.hpp"
#include "operators/selection.hpp"
#include "operators/shape.hpp"

OCTET_BEGIN
namespace detail::onnx {

using Writer = void (*)(NodeExport&);

/// The function that writes octet's operators of a type; null if ONNX has no form of it.
inline Writer find_writer(std::string_view type) {
  static const std::unordered_map<std::string_view, Writer> table{
      {"Convolution", export_convolution},
      {"TransposedConvolution", export_transposed_convolution},
      {"FullyConnected", export_fully_connected},
      {"MatMul", export_matmul},
      {"Unary", export_unary},
      {"Binary", export_binary},
      {"PRelu", export_prelu},
      {"Where", export_where},
      {"Convert", export_convert},
      {"Identity", export_identity},
      {"Dropout", export_identity},
      {"MaxPool", export_max_pool},
      {"AveragePool", export_average_pool},
      {"Reduce", export_reduce},
      {"Softmax", export_softmax},
      {"ArgMax", export_arg_max},
      {"TopK", export_top_k},
      {"BatchNormalization", export_batch_normalization},
      {"LocalResponseNormalization", export_local_response_normalization},
      {"NonMaxSuppression", export_non_max_suppression},
      {"NonZero", export_non_zero},
      {"Compress", export_compress},
      {"NumberRange", export_number_range},
      {"Parametrized", export_parametrized},
      {"Reshape", export_reshape},
      {"Flatten", export_flatten},
      {"Squeeze", export_squeeze},
      {"Unsqueeze", export_unsqueeze},
      {"Transpose", export_transpose},
      {"Concat", export_concat},
      {"SizesOf", export_sizes_of},
      {"Slice", export_slice},
      {"Split", export_split},
      {"Pad", export_pad},
      {"Gather", export_gather},
      {"GatherElements", export_gather_elements},
      {"Recurrent", export_recurrent},
      {"GridSample", export_grid_sample},
      {"Unpool", export_unpool},
      {"ReverseSequence", export_reverse_sequence},
      {"GatherND", export_gather_nd},
      {"ScatterElements", export_scatter_elements},
      {"ScatterND", export_scatter_nd},
      {"CumulativeSum", export_cumulative_sum},
      {"Expand", export_expand},
      {"Resize", export_resize},
      {"QuantizeLinear", export_quantize_linear},
      {"DequantizeLinear", export_dequantize_linear},
      {"DynamicQuantizeLinear", export_dynamic_quantize_linear},
      {"MatMulInteger", export_matmul_integer},
      {"ConvInteger", export_conv_integer}};
  const auto it = table.find(type);
  return it == table.end() ? nullptr : it->second;
}

/// The version of ONNX's operator set that a node needs, if it is more than File::lowest_opset.
inline std::int64_t needed_opset(const Operator& op) {
  if (const auto* p = as<Parametrized>(op)) {
    const auto* r = as<Reshape>(*p->op);
    return r && r->allow_zero ? 14 : needed_opset(*p->op);
  }
  if (const auto* u = as<Unary>(op)) {
    if (u->kind == UnaryKind::hard_swish) return 14;
    if (u->kind == UnaryKind::gelu || u->kind == UnaryKind::gelu_tanh) return 20;
  }
  if (const auto* r = as<Resize>(op)) {
    if (r->coordinate_transformation_mode == CoordinateMode::half_pixel_symmetric) return 19;
    if (r->antialias || keeps_aspect(*r)) return 18;
  }
  if (const auto* p = as<Pad>(op))
    if (p->mode == PadMode::wrap) return 19;
  if (as<GridSample>(op)) return 20;
  if (const auto* p = as<AveragePool>(op))
    if (p->window.dilated()) return 19;
  if (const auto* s = as<ScatterElements>(op)) return scatter_opset(s->kind);
  if (const auto* s = as<ScatterND>(op)) return scatter_opset(s->kind);
  return File::lowest_opset;
}
/// Also for its weights: between integers, those of 4 bits are written as such.
inline std::int64_t needed_opset(const Node& n, const Graph& g) {
  const bool weights = n.op->traits().products != Traits::Products::none && g.value(n.inputs[0]).dtype != DType::f32;
  const bool packed = weights && bits(g.value(n.inputs[LayerInputs::weights]).dtype) == 4;
  return std::max(needed_opset(*n.op), packed ? File::packed_opset : File::lowest_opset);
}

/// Whether the operator takes images as input 0.
inline bool takes_images(const Node& n, const Graph& g) {
  static const std::set<std::string_view> types{"Convolution",
                                                "TransposedConvolution",
                                                "MaxPool",
                                                "AveragePool",
                                                "BatchNormalization",
                                                "LocalResponseNormalization",
                                                "ConvInteger",
                                                "GridSample",
                                                "Unpool"};
  if (types.count(n.op->type())) return true;
  if (const auto* r = as<Reduce>(*n.op)) {
    const int rank = g.value(n.inputs[0]).shape.rank();
    std::vector<int> axes;
    for (std::int64_t a : r->axes) axes.push_back(normalize_axis(a, rank));
    return (r->kind == ReduceKind::mean || r->kind == ReduceKind::max) && are_spatial(axes, rank);
  }
  const OperatorType* own = find_operator(n.op->type());
  return own && !find_writer(n.op->type()) && own->files.onnx_layout == OnnxLayout::channels_last;
}

/// Whether the operator keeps the order of its input's dimensions.
inline bool keeps_order(const Node& n) {
  static const std::set<std::string_view> types{
      "Reshape",       "Flatten", "Squeeze", "Unsqueeze", "Transpose",       "FullyConnected", "MatMul",
      "MatMulInteger", "Gather",  "Expand",  "Recurrent", "ReverseSequence", "GatherND",       "ScatterND"};
  const auto* p = as<Parametrized>(*n.op);
  if (types.count(p ? p->op->type() : n.op->type())) return false;
  const OperatorType* own = find_operator(n.op->type());
  return find_writer(n.op->type()) || (own && own->files.onnx_layout == OnnxLayout::any);
}

}  // namespace detail::onnx
OCTET_END
