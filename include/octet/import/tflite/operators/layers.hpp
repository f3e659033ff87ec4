#pragma once
#include "../../../operators/shape/indexed_copy.hpp"
#include "../operator_import.hpp"

/// Convolutions and fully connected layers.
OCTET_BEGIN
namespace detail::tflite {

/// Throws if the types of activations and weights are not supported together.
inline void require_layer_types(OperatorImport& n, int x, const Value& w) {
  const Value& a = n.graph_value(x);
  const bool packed = w.dtype == DType::i4;
  const bool plain = a.dtype == DType::f32 && (is_floating(w.dtype) || w.dtype == DType::i8 || packed);
  const bool integer = is_byte(a.dtype) && a.is_quantized() && (is_byte(w.dtype) || packed);
  const bool wide = a.dtype == DType::i16 && a.is_quantized() && (w.dtype == DType::i8 || packed);
  n.require(plain || integer || wide, "activations of ", name(a.dtype), " and weights of ", name(w.dtype),
            " are not supported");
}

/// Weights [O, h, w, C / groups].
inline void import_convolution(OperatorImport& n) {
  const int x = n.value(0), w = n.weights(1);
  require_layer_types(n, x, n.graph_value(w));
  const Shape in = n.graph_value(x).shape, weights = n.graph_value(w).shape;
  const bool fits = in.rank() == 4 && weights.rank() == 4 &&
                    (in[3] == weights[3] || (weights[3] > 0 && (in[3] < 0 || in[3] % weights[3] == 0)));
  n.require(fits, "expected an input [N, H, W, C] and weights [O, h, w, C / groups], found ", in, " and ", weights);
  Convolution op;
  op.window = n.window(weights[1], weights[2], 4);
  op.activation = n.activation(3);
  op.groups = in[3] > 0 ? in[3] / weights[3] : 1;
  n.add(std::move(op), {x, w, n.bias(2, weights[0])});
}

/// Converts weights [1, h, w, C * multiplier] to [C * multiplier, h, w, 1].
inline int depthwise_weights(OperatorImport& n, const Value& v) {
  const std::int64_t taps = v.shape[1] * v.shape[2], channels = v.shape[3], element = bits(v.dtype) / 8;
  QuantParams quant = v.quant;
  if (quant.per_channel()) {
    n.require(quant.axis == 3, "depthwise weights are quantized along axis ", quant.axis, ", expected 3");
    quant.axis = 0;
  }
  const Shape shape{channels, v.shape[1], v.shape[2], 1};
  if (taps == 1) return n.add_constant(v.name, v.constant.reshaped(shape), std::move(quant));
  if (element == 0) {  // packed
    const int width = bits(v.dtype);
    return n.add_copy(v.name, v.dtype, shape, std::move(quant), [&](std::byte* to) {
      for (std::int64_t c = 0; c < channels; ++c)
        for (std::int64_t t = 0; t < taps; ++t)
          store_bits(to, c * taps + t, width, load_bits(v.constant.data(), t * channels + c, width));
    });
  }
  return n.add_copy(v.name, v.dtype, shape, std::move(quant), [&](std::byte* to) {
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t t = 0; t < taps; ++t)
        copy_bytes(to + (c * taps + t) * element, v.constant.data() + (t * channels + c) * element, element);
  });
}

inline void import_depthwise_convolution(OperatorImport& n) {
  const int x = n.value(0);
  const Value* const codes = n.dequantized(1);  // weights that a DEQUANTIZE makes floats
  const Value w = codes ? *codes : n.constant(1);
  require_layer_types(n, x, codes ? n.graph_value(n.value(1)) : w);
  const Shape in = n.graph_value(x).shape, weights = w.shape;
  n.require(in.rank() == 4 && weights.rank() == 4 && weights[0] == 1 && in[3] > 0 && weights[3] % in[3] == 0,
            "expected an input [N, H, W, C] and weights [1, h, w, C * multiplier], found ", in, " and ", weights);
  Convolution op;
  op.window = n.window(weights[1], weights[2], 5);
  op.activation = n.activation(4);
  op.groups = in[3];
  op.as_depthwise = in[3] == 1;
  int arranged = depthwise_weights(n, w);
  if (codes) {
    arranged = n.step("weights", Convert(DType::f32), {arranged});
    n.remove_scale(arranged);
  }
  n.add(std::move(op), {x, arranged, n.bias(2, weights[3])});
}

/// Inputs: output shape, weights [O, h, w, C], images, bias.
inline void import_transposed_convolution(OperatorImport& n) {
  const int x = n.value(2), w = n.weights(1);
  require_layer_types(n, x, n.graph_value(w));
  const Shape weights = n.graph_value(w).shape;
  n.require(weights.rank() == 4, "expected weights [O, h, w, C], found ", weights);
  const Sizes out = n.sizes(0);
  n.require(out.entries.size() == 4, "expected an output shape of 4 sizes, found ", out.entries.size());
  TransposedConvolution op;
  op.window = n.window(weights[1], weights[2], -1);
  op.activation = n.activation(3);
  const Size &height = out.entries[1], &width = out.entries[2];
  if (height.known() && width.known()) op.output_size = {height.value, width.value};
  n.require(!op.output_size.empty() || op.window.padding == Window::Padding::same_upper,
            "the output size has to be known on import");
  n.add(std::move(op), {x, w, n.bias(3, weights[0])});
}

/// MediaPipe's custom operator. Inputs: images, weights [O, h, w, C], bias. Options: three int32
/// (TfLiteTransposeConvParams): padding (1: same, 2: valid), horizontal and vertical stride.
inline void import_transposed_convolution_with_bias(OperatorImport& n) {
  const int x = n.value(0), w = n.weights(1);
  require_layer_types(n, x, n.graph_value(w));
  const Shape in = n.graph_value(x).shape, weights = n.graph_value(w).shape;
  n.require(weights.rank() == 4 && in.rank() == 4, "expected images and weights of rank 4, found ", in, " and ",
            weights);
  const std::vector<std::uint8_t> options = n.custom_options();
  n.require(options.size() >= 12, "expected options of at least 12 bytes, found ", options.size());
  const auto option = [&](std::int64_t i) {
    return load_as<std::int32_t>(reinterpret_cast<const std::byte*>(options.data()), i);
  };
  n.require(option(0) == 1 || option(0) == 2, "padding ", option(0), " is not supported");
  TransposedConvolution op;
  op.window = Window(weights[1], weights[2]);
  op.window.padding = option(0) == 1 ? Window::Padding::same_upper : Window::Padding::valid;
  op.window.strides = {option(2), option(1)};
  n.add(std::move(op), {x, w, n.bias(2, weights[0])});
}

/// Weights [O, K]. Unless keep_num_dims is set, the input is reshaped to [rows, K].
inline void import_fully_connected(OperatorImport& n) {
  n.require(n.choice(1) == 0, "shuffled weights are not supported");
  int x = n.value(0);
  const int w = n.weights(1);
  require_layer_types(n, x, n.graph_value(w));
  const Shape in = n.graph_value(x).shape, weights = n.graph_value(w).shape;
  n.require(weights.rank() == 2, "expected weights [O, K], found ", weights);
  if (!n.flag(2) && !(in.rank() == 2 && in[1] == weights[1])) {
    Shape rest = in;
    if (in.rank() > 0) rest.erase(0);
    const bool one_row_each = in.rank() > 0 && rest.known() && rest.elements() == weights[1];
    x = n.step("rows", Reshape({one_row_each ? 0 : -1, weights[1]}), {x});
  }
  FullyConnected op;
  op.activation = n.activation(0);
  n.add(std::move(op), {x, w, n.bias(2, weights[0])});
}

/// Products of the matrices in the last two dimensions. Options can transpose either side first.
inline void import_batch_matmul(OperatorImport& n) {
  const auto side = [&](int i, bool transposed) {
    const int v = n.value(i), rank = n.graph_value(v).shape.rank();
    n.require(rank >= 2, "expected inputs of rank 2 or more, found ", n.graph_value(v).shape);
    if (!transposed) return v;
    std::vector<std::int64_t> perm;
    for (int d = 0; d < rank; ++d) perm.push_back(d);
    std::swap(perm[static_cast<std::size_t>(rank - 1)], perm[static_cast<std::size_t>(rank - 2)]);
    return n.step("transposed", Transpose(std::move(perm)), {v});
  };
  const int a = side(0, n.flag(0)), b = side(1, n.flag(1));
  n.add(MatMul(), {a, b});
}

}  // namespace detail::tflite
OCTET_END
