#pragma once
#include "flat_table.hpp"

/// The parts of TFLite's schema (version 3) that octet uses: field numbers, in the order of their declaration, and
/// enumerations.
OCTET_BEGIN
namespace detail::tflite {

namespace model_field {
enum { version, operator_codes, subgraphs, description, buffers, metadata_buffer, metadata, signature_defs };
}
namespace subgraph_field {
enum { tensors, inputs, outputs, operators, name };
}
namespace tensor_field {
enum { shape, type, buffer, name, quantization, is_variable, sparsity, shape_signature };
}
namespace quantization_field {
enum { min, max, scale, zero_point, details_type, details, quantized_dimension };
}
namespace buffer_field {
enum { data, offset, size };
}
namespace operator_code_field {
enum { deprecated_builtin_code, custom_code, version, builtin_code };
}
namespace operator_field {
enum { opcode_index, inputs, outputs, options_type, options, custom_options };
}

/// The element type for a TensorType of the schema. Throws FormatError if it is not supported.
inline DType element_type(int code) {
  static constexpr DType types[] = {DType::f32,     DType::f16,  DType::i32,  DType::u8,  DType::i64, DType::none,
                                    DType::boolean, DType::i16,  DType::none, DType::i8,  DType::f64, DType::none,
                                    DType::u64,     DType::none, DType::none, DType::u32, DType::u16, DType::i4};
  static constexpr int count = sizeof types / sizeof types[0];
  const DType t = code >= 0 && code < count ? types[code] : DType::none;
  require<FormatError>(t != DType::none, "element type ", code, " of the schema is not supported");
  return t;
}

/// The name of a builtin operator.
inline std::string operator_name(int code) {
  // clang-format off
  static constexpr const char* names[] = {
      "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "DEPTH_TO_SPACE",
      "DEQUANTIZE", "EMBEDDING_LOOKUP", "FLOOR", "FULLY_CONNECTED", "HASHTABLE_LOOKUP", "L2_NORMALIZATION",
      "L2_POOL_2D", "LOCAL_RESPONSE_NORMALIZATION", "LOGISTIC", "LSH_PROJECTION", "LSTM", "MAX_POOL_2D",
      "MUL", "RELU", "RELU_N1_TO_1", "RELU6", "RESHAPE", "RESIZE_BILINEAR", "RNN", "SOFTMAX",
      "SPACE_TO_DEPTH", "SVDF", "TANH", "CONCAT_EMBEDDINGS", "SKIP_GRAM", "CALL", "CUSTOM",
      "EMBEDDING_LOOKUP_SPARSE", "PAD", "UNIDIRECTIONAL_SEQUENCE_RNN", "GATHER", "BATCH_TO_SPACE_ND",
      "SPACE_TO_BATCH_ND", "TRANSPOSE", "MEAN", "SUB", "DIV", "SQUEEZE", "UNIDIRECTIONAL_SEQUENCE_LSTM",
      "STRIDED_SLICE", "BIDIRECTIONAL_SEQUENCE_RNN", "EXP", "TOPK_V2", "SPLIT", "LOG_SOFTMAX", "DELEGATE",
      "BIDIRECTIONAL_SEQUENCE_LSTM", "CAST", "PRELU", "MAXIMUM", "ARG_MAX", "MINIMUM", "LESS", "NEG",
      "PADV2", "GREATER", "GREATER_EQUAL", "LESS_EQUAL", "SELECT", "SLICE", "SIN", "TRANSPOSE_CONV",
      "SPARSE_TO_DENSE", "TILE", "EXPAND_DIMS", "EQUAL", "NOT_EQUAL", "LOG", "SUM", "SQRT", "RSQRT", "SHAPE",
      "POW", "ARG_MIN", "FAKE_QUANT", "REDUCE_PROD", "REDUCE_MAX", "PACK", "LOGICAL_OR", "ONE_HOT",
      "LOGICAL_AND", "LOGICAL_NOT", "UNPACK", "REDUCE_MIN", "FLOOR_DIV", "REDUCE_ANY", "SQUARE",
      "ZEROS_LIKE", "FILL", "FLOOR_MOD", "RANGE", "RESIZE_NEAREST_NEIGHBOR", "LEAKY_RELU",
      "SQUARED_DIFFERENCE", "MIRROR_PAD", "ABS", "SPLIT_V", "UNIQUE", "CEIL", "REVERSE_V2", "ADD_N",
      "GATHER_ND", "COS", "WHERE", "RANK", "ELU", "REVERSE_SEQUENCE", "MATRIX_DIAG", "QUANTIZE",
      "MATRIX_SET_DIAG", "ROUND", "HARD_SWISH", "IF", "WHILE", "NON_MAX_SUPPRESSION_V4",
      "NON_MAX_SUPPRESSION_V5", "SCATTER_ND", "SELECT_V2", "DENSIFY", "SEGMENT_SUM", "BATCH_MATMUL",
      "PLACEHOLDER_FOR_GREATER_OP_CODES", "CUMSUM", "CALL_ONCE", "BROADCAST_TO", "RFFT2D", "CONV_3D", "IMAG",
      "REAL", "COMPLEX_ABS", "HASHTABLE", "HASHTABLE_FIND", "HASHTABLE_IMPORT", "HASHTABLE_SIZE",
      "REDUCE_ALL", "CONV_3D_TRANSPOSE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "BROADCAST_ARGS",
      "RANDOM_STANDARD_NORMAL", "BUCKETIZE", "RANDOM_UNIFORM", "MULTINOMIAL", "GELU", "DYNAMIC_UPDATE_SLICE",
      "RELU_0_TO_1", "UNSORTED_SEGMENT_PROD", "UNSORTED_SEGMENT_MAX", "UNSORTED_SEGMENT_SUM", "ATAN2",
      "UNSORTED_SEGMENT_MIN", "SIGN", "BITCAST", "BITWISE_XOR", "RIGHT_SHIFT"};
  // clang-format on
  constexpr int count = sizeof names / sizeof names[0];
  return code >= 0 && code < count ? names[code] : "builtin operator " + std::to_string(code);
}

}  // namespace detail::tflite
OCTET_END
