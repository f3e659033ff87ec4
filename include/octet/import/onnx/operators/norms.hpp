#pragma once
#include "normalization.hpp"

/// Norms, and normalization without parameters.
OCTET_BEGIN
namespace detail::onnx {

/// A tensor of zeros stays 0.
inline void import_lp_normalization(NodeImport& n) {
  const Operand x = plain(n, n.input(0));
  const std::int64_t p = n.integer("p", 2);
  n.require(p == 1 || p == 2, "p is ", p, ", expected 1 or 2");
  const std::int64_t place = x.order.find(normalize_axis(n.integer("axis", -1), x.rank()));
  const int v = n.builder.value(x);
  const int terms = p == 1 ? n.step("abs", Unary(UnaryKind::abs), {v}, Keeps::all) : v;
  const int norm = n.step("norm", Reduce(p == 1 ? ReduceKind::sum : ReduceKind::l2, {place}, true), {terms});
  constexpr double least = std::numeric_limits<float>::min();
  const int divisor = n.step("divisor", Unary(UnaryKind::clip, least, infinity), {norm});
  n.result(n.add(Binary(BinaryKind::div), {v, divisor}, Keeps::all), x.order);
}

/// (x - mean) / (standard deviation + 1e-9)
inline void import_mean_variance_normalization(NodeImport& n) {
  const Operand x = plain(n, n.input(0));
  const int v = n.builder.value(x);
  const std::vector<std::int64_t> axes = stored_axes(x, n.integers("axes", {0, 2, 3}));
  const auto [mean, variance] = add_moments(n, v, axes, true);
  const int deviation = n.step("deviation", Unary(UnaryKind::sqrt), {variance});
  const int divisor = n.step("divisor", Binary(BinaryKind::add), {deviation, n.scalar("epsilon", 1e-9f)});
  const int centered = n.step("centered", Binary(BinaryKind::sub), {v, mean}, Keeps::all);
  n.result(n.add(Binary(BinaryKind::div), {centered, divisor}, Keeps::all), x.order);
}

/// |v|^p
inline int absolute_power(NodeImport& n, int v, std::int64_t p) {
  if (p == 2) return n.step("squares", Binary(BinaryKind::mul), {v, v}, Keeps::all);
  const int a = n.step("abs", Unary(UnaryKind::abs), {v}, Keeps::all);
  if (p == 1) return a;
  return n.step("powers", Binary(BinaryKind::pow), {a, n.scalar("p", static_cast<float>(p))}, Keeps::all);
}

inline std::int64_t norm_order(NodeImport& n) {
  const std::int64_t p = n.integer("p", 2);
  n.require(p > 0 && p < 1024, "p is ", p, ", expected at least 1");
  return p;
}

/// The p-th root of a sum, as output 0.
inline void root_result(NodeImport& n, int sum, std::int64_t p, const Order& order) {
  if (p == 2) return n.result(n.add(Unary(UnaryKind::sqrt), {sum}, Keeps::all), order);
  if (p == 1) return n.result(n.add(Identity(), {sum}, Keeps::all), order);
  const int root = n.scalar("1/p", static_cast<float>(1 / static_cast<double>(p)));
  n.result(n.add(Binary(BinaryKind::pow), {sum, root}, Keeps::all), order);
}

/// The sum of a window is its mean times its size.
inline void import_lp_pool(NodeImport& n) {
  const Operand& x = n.input(0);
  const std::int64_t p = norm_order(n);
  AveragePool op;
  op.window = import_window(n, n.integers("kernel_shape"));
  op.include_padding = true;
  n.require(!op.window.ceil_mode, "ceil_mode is not supported");
  const int powers = absolute_power(n, image_value(n, x), p);
  const int mean = n.step("mean", op, {powers}, Keeps::batch);
  const auto taps = static_cast<float>(op.window.taps());  // the shape rule has checked the window
  const int sum = n.step("sum", Binary(BinaryKind::mul), {mean, n.scalar("size", taps)}, Keeps::all);
  root_result(n, sum, p, Order::channels_last(x.rank()));
}

inline void import_global_lp_pool(NodeImport& n) {
  const Operand& x = n.input(0);
  const std::int64_t p = norm_order(n);
  if (p == 2) return import_global_pool(n, ReduceKind::l2);
  const int powers = absolute_power(n, image_value(n, x), p);
  const int sum = n.step("sum", Reduce(ReduceKind::sum, spatial_axes(x.rank()), true), {powers}, Keeps::batch);
  root_result(n, sum, p, Order::channels_last(x.rank()));
}

}  // namespace detail::onnx
OCTET_END
