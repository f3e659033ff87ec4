#pragma once
#include "pooling.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// (x - mean) / sqrt(variance + epsilon) * scale + shift. x is channels-last; the other values are [C] or [N, 1 ...,
/// C].
inline int add_normalized(NodeImport& n, int x, int mean, int variance, int scale, int shift, double epsilon) {
  const int deviation = n.step("centered", Binary(BinaryKind::sub), {x, mean}, Keeps::all);
  const int sum =
      n.step("stable", Binary(BinaryKind::add), {variance, n.scalar("epsilon", static_cast<float>(epsilon))});
  const int divisor = n.step("deviation", Unary(UnaryKind::sqrt), {sum});
  const int unit = n.step("unit", Binary(BinaryKind::div), {deviation, divisor}, Keeps::all);
  const int scaled = n.step("scaled", Binary(BinaryKind::mul), {unit, scale}, Keeps::all);
  return n.add(Binary(BinaryKind::add), {scaled, shift}, Keeps::all);
}

/// The mean and variance of x over the axes.
inline std::pair<int, int> add_moments(NodeImport& n, int x, const std::vector<std::int64_t>& axes, bool keep) {
  const int mean = n.step("mean", Reduce(ReduceKind::mean, axes, keep), {x});
  const int deviation = n.step("difference", Binary(BinaryKind::sub), {x, mean}, Keeps::all);
  const int square = n.step("square", Binary(BinaryKind::mul), {deviation, deviation}, Keeps::all);
  return {mean, n.step("variance", Reduce(ReduceKind::mean, axes, keep), {square})};
}

/// Output i: old * momentum + current * (1 - momentum).
inline void running_average(NodeImport& n, int i, int old, int current, double momentum) {
  if (!n.wants(i)) return;
  const int kept = n.step("kept", Binary(BinaryKind::mul), {old, n.scalar("momentum", static_cast<float>(momentum))});
  const int fresh =
      n.step("new", Binary(BinaryKind::mul), {current, n.scalar("rest", static_cast<float>(1 - momentum))});
  n.result(n.add(Binary(BinaryKind::add), {kept, fresh}, Keeps::none, i), Order::identity(1), i);
}

inline void import_batch_normalization(NodeImport& n) {
  n.require(n.integer("spatial", 1) == 1, "spatial = 0 is not supported");
  const Operand& x = n.input(0);
  n.require(x.rank() >= 2, "expected an input [N, C, ...], found ", x.shape());
  const Order order = Order::channels_last(x.rank());
  const double epsilon = n.real("epsilon", 1e-5);
  std::vector<int> in{n.builder.value(x, order)};
  bool fixed = true;
  for (int i = 1; i < 5; ++i) {
    n.require(n.input(i).rank() == 1, "input ", i, " has shape ", n.input(i).shape(), ", expected [C]");
    in.push_back(n.builder.value(n.input(i)));
    fixed = fixed && n.builder.is_fixed(n.input(i));
  }
  if (n.flag("training_mode")) {
    std::vector<std::int64_t> axes;
    for (int d = 0; d + 1 < x.rank(); ++d) axes.push_back(d);
    const auto [mean, variance] = add_moments(n, in[0], axes, false);
    n.result(add_normalized(n, in[0], mean, variance, in[1], in[2], epsilon), order);
    running_average(n, 1, in[3], mean, n.real("momentum", 0.9));
    running_average(n, 2, in[4], variance, n.real("momentum", 0.9));
  } else if (!fixed) {
    n.result(add_normalized(n, in[0], in[3], in[4], in[1], in[2], epsilon), order);
  } else {
    BatchNormalization op;
    op.epsilon = epsilon;
    n.result(n.add(op, in, Keeps::all), order);
  }
}

/// Normalizes each channel of each image by its own mean and variance.
inline void import_instance_normalization(NodeImport& n) {
  const Operand& x = n.input(0);
  const int v = image_value(n, x);
  const auto [mean, variance] = add_moments(n, v, spatial_axes(x.rank()), true);
  const int scale = n.builder.value(n.input(1)), shift = n.builder.value(n.input(2));
  n.result(add_normalized(n, v, mean, variance, scale, shift, n.real("epsilon", 1e-5)), Order::channels_last(x.rank()));
}

inline void import_lrn(NodeImport& n) {
  const Operand& x = n.input(0);
  LocalResponseNormalization op;
  op.size = n.integer("size");
  op.alpha = n.real("alpha", 1e-4);
  op.beta = n.real("beta", 0.75);
  op.bias = n.real("bias", 1);
  n.result(n.add(op, {image_value(n, x)}, Keeps::all), Order::channels_last(x.rank()));
}

}  // namespace detail::onnx
OCTET_END
