#pragma once
#include "arithmetic.hpp"
#include "convolution.hpp"
#include "elementwise.hpp"
#include "linear.hpp"

/// Operators of the domain com.microsoft that ONNX Runtime writes where it has joined several.
OCTET_BEGIN
namespace detail::onnx {

/// The function that an operator applies to its result. Its parameters are in a list, or have names of their own.
inline std::optional<Unary> fused_activation(const NodeImport& n) {
  const std::string type = n.text("activation");
  if (type.empty()) return {};
  std::vector<float> given = n.reals("activation_params");
  if (n.has_attribute("activation_alpha")) given = {static_cast<float>(n.real("activation_alpha"))};
  if (n.has_attribute("activation_beta")) given.push_back(static_cast<float>(n.real("activation_beta")));
  const auto parameter = [&](std::size_t i, double missing) {
    return i < given.size() ? static_cast<double>(given[i]) : missing;
  };
  if (type == "Relu") return Unary(UnaryKind::clip, 0, infinity);
  if (type == "Clip") return Unary(UnaryKind::clip, parameter(0, -infinity), parameter(1, infinity));
  if (type == "LeakyRelu") return Unary(UnaryKind::leaky_relu, parameter(0, 0.01));
  if (type == "HardSigmoid") return Unary(UnaryKind::hard_sigmoid, parameter(0, 0.2), parameter(1, 0.5));
  if (type == "Sigmoid") return Unary(UnaryKind::sigmoid);
  if (type == "Tanh") return Unary(UnaryKind::tanh);
  n.fail("activation '", type, "' is not supported");
}

/// A convolution, plus a tensor of the result's shape (input 3), and a function of that.
inline void import_fused_convolution(NodeImport& n) {
  const Order order = Order::channels_last(n.input(0).rank());
  const std::optional<Unary> f = fused_activation(n);
  int v = add_convolution(n, f || n.has(3) ? "products" : nullptr);
  if (n.has(3)) {
    const std::vector<int> in{v, image_value(n, n.input(3))};
    const Binary add(BinaryKind::add);
    v = f ? n.step("sum", add, in, Keeps::batch) : n.add(add, in, Keeps::batch);
  }
  n.result(f ? n.add(*f, {v}, Keeps::all) : v, order);
}

inline void import_fused_gemm(NodeImport& n) {
  const std::optional<Unary> f = fused_activation(n);
  const int v = add_gemm(n, f ? "sums" : nullptr);
  n.result(f ? n.add(*f, {v}, Keeps::all) : v, Order::identity(2));
}

/// alpha A B, where the last two dimensions of A and B may be swapped.
inline void import_fused_matmul(NodeImport& n) {
  n.require(!n.flag("transBatchA") && !n.flag("transBatchB"), "transposed batches are not supported");
  const auto side = [&](int i, const char* transposed) {
    const Operand& x = n.input(i);
    if (!n.flag(transposed) || x.rank() < 2) return x;
    Order order = Order::identity(x.rank() - 2);
    order.push_back(x.rank() - 1);
    order.push_back(x.rank() - 2);
    return reordered(x, order);
  };
  const auto alpha = static_cast<float>(n.real("alpha", 1));
  const Operand y = product_of(n, side(0, "transA"), side(1, "transB"), alpha == 1.0f ? nullptr : "product");
  if (alpha == 1.0f) return n.result(y);
  n.result(n.add(Binary(BinaryKind::mul), {n.builder.value(y), n.scalar("alpha", alpha)}, Keeps::all), y.order);
}

/// A function of x plus a bias of the last dimension, if there is one.
inline void import_bias_function(NodeImport& n, UnaryKind kind) {
  if (!n.has(1)) return import_unary(n, kind);
  const Aligned a = align(n, {plain(n, n.input(0)), plain(n, n.input(1))});
  const int sum = with_broadcast_symbols(n, n.step("sum", Binary(BinaryKind::add), a.values), a.values);
  n.result(n.add(Unary(kind), {sum}, Keeps::all), a.order);
}

/// x sigmoid(alpha x)
inline void import_quick_gelu(NodeImport& n) {
  const Operand& x = n.input(0);
  const int v = plain_value(n, x);
  const int scaled = n.step("scaled", Binary(BinaryKind::mul),
                            {v, n.scalar("alpha", static_cast<float>(n.real("alpha", 1.702)))}, Keeps::all);
  const int gate = n.step("gate", Unary(UnaryKind::sigmoid), {scaled}, Keeps::all);
  n.result(n.add(Binary(BinaryKind::mul), {v, gate}, Keeps::all), x.order);
}

}  // namespace detail::onnx
OCTET_END
