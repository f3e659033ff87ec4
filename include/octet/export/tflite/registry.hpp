#pragma once
#include <string_view>
#include <unordered_map>

#include "operators/elementwise.hpp"
#include "operators/indexed.hpp"
#include "operators/layers.hpp"
#include "operators/movement.hpp"
#include "operators/own_operator.hpp"
#include "operators/pooling.hpp"
#include "operators/resize.hpp"

OCTET_BEGIN
namespace detail::tflite {

using Writer = void (*)(NodeExport&);

/// The function that writes octet's operators of a type; null if TFLite has no form of it.
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
      {"Reshape", export_reshape},
      {"Flatten", export_reshape},
      {"Squeeze", export_reshape},
      {"Unsqueeze", export_reshape},
      {"Transpose", export_transpose},
      {"Concat", export_concat},
      {"Slice", export_slice},
      {"Split", export_split},
      {"Pad", export_pad},
      {"Gather", export_gather},
      {"ReverseSequence", export_reverse_sequence},
      {"GatherND", export_gather_nd},
      {"CumulativeSum", export_cumulative_sum},
      {"Expand", export_expand},
      {"Resize", export_resize},
      {"SoftNonMaxSuppression", export_non_max_suppression},
      {"DetectionPostProcess", export_detection}};
  const auto it = table.find(type);
  return it == table.end() ? nullptr : it->second;
}

}  // namespace detail::tflite
OCTET_END
