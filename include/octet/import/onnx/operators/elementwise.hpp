#pragma once
#include "alignment.hpp"
#include "plain.hpp"

/// Unary functions, and operators that return their input.
OCTET_BEGIN
namespace detail::onnx {

/// Applies a unary function to each element.
inline void import_unary(NodeImport& n, UnaryKind kind, double a = 0, double b = 0) {
  const Operand& x = n.input(0);
  n.result(n.add(Unary(kind, a, b), {plain_value(n, x)}, Keeps::all), x.order);
}

constexpr double infinity = std::numeric_limits<double>::infinity();

inline void import_identity(NodeImport& n) {
  const Operand& x = n.input(0);
  if (x.is_constant()) return n.result(x);
  n.result(n.add(Identity(), {n.builder.value(x)}, Keeps::all), x.order);
}

/// Limits are attributes before operator set 11, and inputs since then, which may be computed.
inline void import_clip(NodeImport& n) {
  double low = n.real("min", -infinity), high = n.real("max", infinity);
  const bool fixed = (!n.has(1) || n.input(1).is_constant()) && (!n.has(2) || n.input(2).is_constant());
  if (fixed) {
    if (n.has(1)) low = static_cast<double>(n.constant_reals(1, 1)[0]);
    if (n.has(2)) high = static_cast<double>(n.constant_reals(2, 1)[0]);
    if (low == -infinity && high == infinity) return import_identity(n);
    return import_unary(n, UnaryKind::clip, low, high);
  }
  const Operand& x = n.input(0);
  int v = plain_value(n, x);
  if (n.has(1) && n.has(2))
    v = n.step("at least", Binary(BinaryKind::max), {v, n.builder.value(n.input(1))}, Keeps::all);
  const Binary last(n.has(2) ? BinaryKind::min : BinaryKind::max);
  n.result(n.add(last, {v, n.builder.value(n.input(n.has(2) ? 2 : 1))}, Keeps::all), x.order);
}

inline void import_gelu(NodeImport& n) {
  const std::string form = n.text("approximate", "none");
  n.require(form == "none" || form == "tanh", "approximate '", form, "' is not supported");
  import_unary(n, form == "tanh" ? UnaryKind::gelu_tanh : UnaryKind::gelu);
}

inline void import_selu(NodeImport& n) {
  const Operand& x = n.input(0);
  const double gamma = n.real("gamma", 1.0507009873554805);
  const int elu =
      n.step("elu", Unary(UnaryKind::elu, n.real("alpha", 1.6732632423543772)), {plain_value(n, x)}, Keeps::all);
  n.result(n.add(Binary(BinaryKind::mul), {elu, n.scalar("gamma", static_cast<float>(gamma))}, Keeps::all), x.order);
}

/// x tanh(softplus(x))
inline void import_mish(NodeImport& n) {
  const Operand& x = n.input(0);
  const int v = plain_value(n, x), s = n.step("softplus", Unary(UnaryKind::softplus), {v}, Keeps::all);
  const int t = n.step("tanh", Unary(UnaryKind::tanh), {s}, Keeps::all);
  n.result(n.add(Binary(BinaryKind::mul), {v, t}, Keeps::all), x.order);
}

/// x / (1 + |x|)
inline void import_softsign(NodeImport& n) {
  const Operand& x = n.input(0);
  const int v = plain_value(n, x), a = n.step("abs", Unary(UnaryKind::abs), {v}, Keeps::all);
  const int d = n.step("divisor", Binary(BinaryKind::add), {a, n.scalar("one", 1)}, Keeps::all);
  n.result(n.add(Binary(BinaryKind::div), {v, d}, Keeps::all), x.order);
}

/// x > alpha ? x : 0
inline void import_thresholded_relu(NodeImport& n) {
  const Operand& x = n.input(0);
  const int v = plain_value(n, x), alpha = n.scalar("alpha", static_cast<float>(n.real("alpha", 1)));
  const int above = n.step("above", Binary(BinaryKind::greater), {v, alpha}, Keeps::all);
  n.result(n.add(Where(), {above, v, n.scalar("zero", 0)}, Keeps::all), x.order);
}

/// max(x, 0) + min(alpha (exp(x / alpha) - 1), 0)
inline void import_celu(NodeImport& n) {
  const Operand& x = n.input(0);
  const double alpha = n.real("alpha", 1);
  n.require(alpha > 0, "alpha is ", alpha, ", expected a positive number");
  const int v = plain_value(n, x), divisor = n.scalar("alpha", static_cast<float>(alpha));
  const int positive = n.step("positive", Unary(UnaryKind::clip, 0, infinity), {v}, Keeps::all);
  const int negative = n.step("negative", Unary(UnaryKind::clip, -infinity, 0), {v}, Keeps::all);
  const int scaled = n.step("scaled", Binary(BinaryKind::div), {negative, divisor}, Keeps::all);
  const int elu = n.step("elu", Unary(UnaryKind::elu, alpha), {scaled}, Keeps::all);
  n.result(n.add(Binary(BinaryKind::add), {positive, elu}, Keeps::all), x.order);
}

/// x + bias below -lambd, x - bias above lambd, else 0.
inline void import_shrink(NodeImport& n) {
  const Operand& x = n.input(0);
  const auto lambd = static_cast<float>(n.real("lambd", 0.5));
  const int v = plain_value(n, x), bias = n.scalar("bias", static_cast<float>(n.real("bias", 0)));
  const int low = n.step("below", Binary(BinaryKind::less), {v, n.scalar("low", -lambd)}, Keeps::all);
  const int high = n.step("above", Binary(BinaryKind::greater), {v, n.scalar("high", lambd)}, Keeps::all);
  const int up = n.step("raised", Binary(BinaryKind::add), {v, bias}, Keeps::all);
  const int down = n.step("lowered", Binary(BinaryKind::sub), {v, bias}, Keeps::all);
  const int rest = n.step("rest", Where(), {high, down, n.scalar("zero", 0)}, Keeps::all);
  n.result(n.add(Where(), {low, up, rest}, Keeps::all), x.order);
}

/// Only a NaN differs from itself.
inline void import_is_nan(NodeImport& n) {
  const Operand& x = n.input(0);
  const int v = plain_value(n, x);
  n.result(n.add(Binary(BinaryKind::not_equal), {v, v}, Keeps::all), x.order);
}

inline void import_is_inf(NodeImport& n) {
  const Operand& x = n.input(0);
  int v = plain_value(n, x);
  const bool above = n.flag("detect_positive", true), below = n.flag("detect_negative", true);
  if (!above && !below) return n.result(n.add(Binary(BinaryKind::less), {v, v}, Keeps::all), x.order);  // never
  if (above && below) v = n.step("abs", Unary(UnaryKind::abs), {v}, Keeps::all);
  const auto limit = static_cast<float>(above ? infinity : -infinity);
  n.result(n.add(Binary(BinaryKind::equal), {v, n.scalar("infinity", limit)}, Keeps::all), x.order);
}

inline void import_prelu(NodeImport& n) {
  const Operand &x = n.input(0), &slope = n.input(1);
  n.require(n.builder.is_fixed(slope), "input 1 ('", slope.name(), "') has to be constant");
  n.require(slope.rank() <= x.rank(), "slopes of shape ", slope.shape(),
            " have more dimensions than the input of shape ", x.shape());
  const int s = broadcast_value(n, slope, x.order);
  n.result(n.add(PRelu(), {n.builder.value(x), s}, Keeps::all), x.order);
}

inline void import_dropout(NodeImport& n) {
  n.require(!n.wants(1), "output 1 (the mask) is not supported");
  const bool training = n.opset() >= 12 && n.has(2) && n.constant_reals(2, 1)[0] != 0;
  n.require(!training || (n.has(1) && n.constant_reals(1, 1)[0] == 0), "training mode is not supported");
  import_identity(n);
}

inline void cast(NodeImport& n, DType to) {
  const Operand& x = n.input(0);
  if (x.dtype() == to) return import_identity(n);
  // Constants are cast when they are used.
  const bool simple = x.source->constant && x.source->constant.dtype() == x.dtype() && !x.source->quant;
  if (simple) return n.result(converted_operand(n.output_name(), x, {}, to));
  n.result(n.add(Convert(to), {plain_value(n, x)}, Keeps::all), x.order);
}
inline void import_cast(NodeImport& n) { cast(n, element_type(n.integer("to"))); }
inline void import_cast_like(NodeImport& n) { cast(n, n.input(1).dtype()); }

}  // namespace detail::onnx
OCTET_END
