#pragma once
#include "../operator_import.hpp"

/// Unary functions, arithmetic and conversions.
OCTET_BEGIN
namespace detail::tflite {

inline void import_unary(OperatorImport& n, UnaryKind kind, double a = 0, double b = 0) {
  n.add(Unary(kind, a, b), {n.value(0)});
}

inline void import_gelu(OperatorImport& n) { import_unary(n, n.flag(0) ? UnaryKind::gelu_tanh : UnaryKind::gelu); }

inline void import_prelu(OperatorImport& n) { n.add(PRelu(), {n.value(0), n.weights(1)}); }

/// `activation`: the field of the fused activation, or -1.
inline void import_binary(OperatorImport& n, BinaryKind kind, int activation = -1) {
  const ActivationRange range = activation < 0 ? ActivationRange() : n.activation(activation);
  n.add(Binary(kind, range), {n.value(0), n.value(1)});
}

/// For booleans, "and" is the minimum and "or" the maximum.
inline void import_not(OperatorImport& n) {
  const int no =
      n.add_constant(n.name() + "/false", AnyTensor::make(DType::boolean, {}, [](std::byte* to) { *to = {}; }));
  n.add(Binary(BinaryKind::equal), {n.value(0), no});
}

/// SELECT and SELECT_V2. A condition of rank 1 in SELECT chooses whole rows.
inline void import_select(OperatorImport& n, bool rows) {
  int condition = n.value(0);
  const QuantParams out = n.output(0).quant;
  const bool moves = n.graph_value(n.value(1)).quant == out && n.graph_value(n.value(2)).quant == out;
  const int a = moves ? n.value(1) : n.real_value(1), b = moves ? n.value(2) : n.real_value(2);
  const int rank = n.graph_value(a).shape.rank();
  if (rows && n.graph_value(condition).shape.rank() == 1 && rank > 1) {
    std::vector<std::int64_t> axes;
    for (int d = 1; d < rank; ++d) axes.push_back(d);
    condition = n.step("rows", Unsqueeze(axes), {condition});
  }
  if (moves) return void(n.add(Where(), {condition, a, b}));
  const int real = n.step("chosen", Where(), {condition, a, b});
  n.add(Convert(n.output(0).dtype), {real});
}

inline void import_comparison(OperatorImport& n, BinaryKind kind) {
  const std::array<int, 2> in = n.comparable(0, 1);
  n.add(Binary(kind), {in[0], in[1]});
}

inline void import_square(OperatorImport& n) {
  const int x = n.value(0);
  n.add(Binary(BinaryKind::mul), {x, x});
}

inline void import_squared_difference(OperatorImport& n) {
  n.require(!n.is_quantized(0), "is not supported for quantized tensors");
  const int d = n.step("difference", Binary(BinaryKind::sub), {n.value(0), n.value(1)});
  n.add(Binary(BinaryKind::mul), {d, d});
}

/// Converts between float, quantized and plain integer types.
inline void import_convert(OperatorImport& n) { n.add(Convert(n.output(0).dtype), {n.value(0)}); }

inline void import_cast(OperatorImport& n) {
  if (n.is_sizes(0)) return n.result(n.sizes(0));
  import_convert(n);
}

inline void import_dequantize(OperatorImport& n) {
  if (!n.result_is_half()) import_convert(n);
}

inline void import_softmax(OperatorImport& n, bool log) {
  Softmax op;
  op.beta = log ? 1 : n.real(0);
  op.log = log;
  n.add(std::move(op), {n.value(0)});
}

/// The window has 2 * radius + 1 channels. alpha applies to each of them (in ONNX: to their mean).
inline void import_local_response_normalization(OperatorImport& n) {
  const std::int64_t radius = n.integer(0);
  n.require(radius >= 0 && radius < (1 << 18), "the radius is ", radius, ", expected 0 to 2^18");
  LocalResponseNormalization op;
  op.size = 2 * radius + 1;
  op.bias = n.real(1);
  op.alpha = n.real(2) * static_cast<double>(op.size);
  op.beta = n.real(3);
  n.add(std::move(op), {n.value(0)});
}

}  // namespace detail::tflite
OCTET_END
