#pragma once
#include "../../../operators/fully_connected.hpp"
#include "../../../operators/matmul.hpp"
#include "weights.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// Weights [O, K] whose columns are in the order of the file's input.
inline AnyTensor column_weights(NodeExport& n) {
  const AnyTensor& w = n.constant_input(LayerInputs::weights);
  const auto columns = n.tensors().columns(n.id(0));
  if (!columns) return w;
  Shape split = columns->first;
  split[0] = w.shape()[0];
  return permuted(w.reshaped(split), columns->second.inverse()).reshaped(w.shape());
}

/// The sizes of a result with rows in the last dimension: those of tensor `in` where Reshape cannot compute them.
inline std::string rows_target(NodeExport& n, const std::string& in, const Shape& s) {
  if (std::count(s.begin(), s.end(), Shape::unknown) <= 1) return n.integers("sizes", {s.begin(), s.end()});
  const std::string all = n.step("input_sizes", "Shape", {in});
  const std::string leading =
      n.step("leading_sizes", "Slice", {all, n.integers("first", {0}), n.integers("last", {s.rank() - 1})});
  return n.step("all_sizes", "Concat", {leading, n.integers("row_size", {s[s.rank() - 1]})},
                Attributes().integer("axis", 0));
}

/// Gemm of matrices. Other inputs are reshaped to rows where the layer is quantized, and MatMul otherwise.
inline void export_fully_connected(NodeExport& n) {
  const auto& f = static_cast<const FullyConnected&>(n.op());
  TensorExport& t = n.tensors();
  const Order order = Order::identity(n.rank());
  const AnyTensor w = column_weights(n);
  const std::int64_t k = w.shape()[1];
  const auto cast_bias = [&] {
    return t.file().add_constant(n.input(LayerInputs::bias).name,
                                 AnyTensor(to_float(n.constant_input(LayerInputs::bias).ref())));
  };
  if (is_dynamic(n)) {
    return n.result(0, order, f.activation, [&](const std::string& out) {
      const std::string products = dynamic_products(n, "MatMulInteger", n.real(0, order), permuted(w, Order{1, 0}),
                                                    Shape{w.shape()[0]}, Attributes());
      if (!n.has(LayerInputs::bias)) return void(t.node(n.name(), "Identity", {products}, out));
      t.node(n.name(), "Add", {products, cast_bias()}, out);
    });
  }
  if (n.rank() != 2 && n.input(0).dtype == DType::f32) {
    const std::string weights = real_weights(n, LayerInputs::weights, permuted(w, Order{1, 0}), 1);
    return n.result(0, order, f.activation, [&](const std::string& out) {
      if (!n.has(LayerInputs::bias)) return void(t.node(n.name(), "MatMul", {n.real(0, order), weights}, out));
      const std::string products = n.step("products", "MatMul", {n.real(0, order), weights});
      t.node(n.name(), "Add", {products, real_bias(n, LayerInputs::bias)}, out);
    });
  }
  std::string x = n.real(0, order);
  if (n.rank() != 2) {  // the codes are reshaped, so that the layer still follows a DequantizeLinear
    x = n.step("rows", "Reshape", {t.tensor(n.id(0), order), n.integers("row_sizes", {-1, k})});
    x = t.dequantized(x, n.name() + "/rows", n.id(0), order);
  }
  std::vector<std::string> in{layer_input(n, x), real_weights(n, LayerInputs::weights, w, 0)};
  if (n.has(LayerInputs::bias)) in.push_back(real_bias(n, LayerInputs::bias));
  Attributes a;
  a.integer("transB", 1);
  n.result(0, Order::identity(n.output().shape.rank()), f.activation, [&](const std::string& out) {
    if (n.rank() == 2) return void(t.node(n.name(), "Gemm", in, out, a));
    const std::string rows = n.step("products", "Gemm", in, a);
    t.node(n.name() + "/shaped", "Reshape", {rows, rows_target(n, t.tensor(n.id(0), order), n.output().shape)}, out);
  });
}

inline void export_matmul(NodeExport& n) {
  const auto plain = [&](int i) { return n.real(i, Order::identity(n.rank(i))); };
  n.node("MatMul", {plain(MatMul::left), plain(MatMul::right)}, Order::identity(n.output().shape.rank()));
}

}  // namespace detail::onnx
OCTET_END
