#pragma once
#include "movement.hpp"

/// Matrix products.
OCTET_BEGIN
namespace detail::onnx {

/// The order of x if its last dimension is the model's last one, else the model's order.
inline Order rows_order(const Operand& x) {
  return x.order[x.rank() - 1] == x.rank() - 1 ? x.order : Order::identity(x.rank());
}

/// Whether b can be weights: a constant matrix that is not empty.
inline bool is_weights(const NodeImport& n, const Operand& b) {
  const Shape s = b.shape();
  return b.rank() == 2 && n.builder.is_fixed(b) && s.known() && s.elements() > 0;
}

/// Adds the product of a and b: the result of the node, or, if `what` is given, an intermediate operator of that name.
inline Operand product_of(NodeImport& n, const Operand& a, const Operand& b, const char* what) {
  n.require(a.rank() >= 1 && b.rank() >= 1, "expected inputs of rank 1 or more");
  const auto added = [&](auto op, const std::vector<int>& in, Keeps keeps, const Order* order) {
    const int v = what ? n.step(what, std::move(op), in, keeps) : n.add(std::move(op), in, keeps);
    const Order plain_order = Order::identity(n.builder.graph.value(v).shape.rank());
    return n.builder.operand(v, order ? *order : plain_order, n.output_name());
  };
  if (a.rank() >= 2 && is_weights(n, b)) {
    const Order order = rows_order(a);
    const int w = n.builder.value(b, {1, 0});  // [K, N] -> [N, K]
    return added(FullyConnected(), {n.builder.value(a, order), w}, keeps_all_but(a.rank() - 1), &order);
  }
  return added(MatMul(), {n.builder.value(a, Order::identity(a.rank())), n.builder.value(b, Order::identity(b.rank()))},
               a.rank() > 2 ? Keeps::batch : Keeps::none, nullptr);
}

inline void import_matmul(NodeImport& n) { n.result(product_of(n, n.input(0), n.input(1), nullptr)); }

/// c as the bias of a layer with `out` outputs, if it is constant and has one row; else Node::none.
inline int bias_value(NodeImport& n, const Operand& c, std::int64_t out) {
  const Shape s = c.shape();
  if (!c.is_constant() || (s.rank() == 2 && s[0] != 1) || s.rank() > 2) return Node::none;
  AnyTensor t = n.builder.constant(c);
  if (t.size() == out) {
    if (s.rank() == 1) return n.builder.value(c);
    return n.builder.add_constant(c.name(), t.reshaped({out}));
  }
  if (t.size() != 1 || t.dtype() != DType::f32) return Node::none;
  n.builder.spend(static_cast<std::size_t>(out) * sizeof(float));
  Tensor<float> each = Tensor<float>::uninitialized({out});
  std::fill(each.begin(), each.end(), *t.view<float>().begin());
  return n.builder.add_constant(c.name(), std::move(each));
}

/// Input i, which has to be a matrix, transposed if the attribute is set.
inline Operand matrix(const NodeImport& n, int i, const char* transposed) {
  const Operand& x = n.input(i);
  n.require(x.rank() == 2, "expected a matrix as input ", i, " ('", x.name(), "'), found shape ", x.shape());
  return n.flag(transposed) ? reordered(x, {1, 0}) : x;
}

/// Adds alpha A B + beta C, where A and B may be transposed: the result of the node, or an intermediate operator
/// `what`.
inline int add_gemm(NodeImport& n, const char* what) {
  const Operand a = matrix(n, 0, "transA"), b = matrix(n, 1, "transB");
  const float alpha = static_cast<float>(n.real("alpha", 1)), beta = static_cast<float>(n.real("beta", 1));
  const Order rows = Order::identity(2);
  std::vector<int> in{n.builder.value(a, rows)};
  const bool weights = is_weights(n, b), with_c = n.has(2);
  in.push_back(n.builder.value(b, weights ? Order{1, 0} : rows));
  int bias = Node::none;
  if (with_c && weights && alpha == 1.0f && beta == 1.0f) bias = bias_value(n, n.input(2), b.shape()[1]);
  if (bias != Node::none) in.push_back(bias);
  const bool scale = alpha != 1.0f, add = with_c && bias == Node::none;
  const auto next = [&](bool last, const char* part, auto op, const std::vector<int>& values) {
    return last && !what ? n.add(op, values, Keeps::batch) : n.step(last ? what : part, op, values, Keeps::batch);
  };
  int v =
      weights ? next(!scale && !add, "product", FullyConnected(), in) : next(!scale && !add, "product", MatMul(), in);
  if (scale) v = next(!add, "scaled", Binary(BinaryKind::mul), {v, n.scalar("alpha", alpha)});
  if (add) {
    int c = broadcast_value(n, n.input(2), rows);
    if (beta != 1.0f) c = n.step("addend", Binary(BinaryKind::mul), {c, n.scalar("beta", beta)});
    v = next(true, "sum", Binary(BinaryKind::add), {v, c});
  }
  return v;
}

inline void import_gemm(NodeImport& n) { n.result(add_gemm(n, nullptr), Order::identity(2)); }

}  // namespace detail::onnx
OCTET_END
