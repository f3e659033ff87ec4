#pragma once
#include "alignment.hpp"
#include "pooling.hpp"
#include "reduce.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// (x - mean) / sqrt(variance + epsilon) * scale. The values are broadcast to x.
inline int normalized(NodeImport& n, int x, int mean, int variance, int scale, double epsilon) {
  const int deviation = n.step("centered", Binary(BinaryKind::sub), {x, mean}, Keeps::all);
  const int sum =
      n.step("stable", Binary(BinaryKind::add), {variance, n.scalar("epsilon", static_cast<float>(epsilon))});
  const int divisor = n.step("deviation", Unary(UnaryKind::sqrt), {sum});
  const int unit = n.step("unit", Binary(BinaryKind::div), {deviation, divisor}, Keeps::all);
  return n.step("scaled", Binary(BinaryKind::mul), {unit, scale}, Keeps::all);
}

/// (x - mean) / sqrt(variance + epsilon) * scale + shift, as output 0 of the node. For channels-last images, the other
/// values are [C] or [N, 1 ..., C].
inline int add_normalized(NodeImport& n, int x, int mean, int variance, int scale, int shift, double epsilon) {
  const int scaled = normalized(n, x, mean, variance, scale, epsilon);
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

/// Whether all elements of a constant are `number`.
inline bool is_all(const NodeImport& n, const Operand& x, float number) {
  if (!x.is_constant() || x.dtype() != DType::f32) return false;
  const AnyTensor t = n.builder.constant(x);
  const View<const float> v = t.view<float>();
  return std::all_of(v.begin(), v.end(), [number](float e) { return e == number; });
}

/// The same for rows [N, C, L] that are stored as they are in the model: groups of channels, as exporters write group
/// normalization. Scales of 1 and shifts of 0 are left out.
inline void normalize_rows(NodeImport& n, const Operand& x) {
  const int v = n.builder.value(x);
  const auto [mean, variance] = add_moments(n, v, {2}, true);
  const int e = n.scalar("epsilon", static_cast<float>(n.real("epsilon", 1e-5)));
  const int deviation = n.step("centered", Binary(BinaryKind::sub), {v, mean}, Keeps::all);
  const int sum = n.step("stable", Binary(BinaryKind::add), {variance, e});
  const int divisor = n.step("deviation", Unary(UnaryKind::sqrt), {sum});
  const auto parameter = [&](int i) { return n.step("rows", Reshape({-1, 1}), {n.builder.value(n.input(i))}); };
  if (is_all(n, n.input(1), 1) && is_all(n, n.input(2), 0))
    return n.result(n.add(Binary(BinaryKind::div), {deviation, divisor}, Keeps::all), x.order);
  const int unit = n.step("unit", Binary(BinaryKind::div), {deviation, divisor}, Keeps::all);
  const int scaled = n.step("scaled", Binary(BinaryKind::mul), {unit, parameter(1)}, Keeps::all);
  n.result(n.add(Binary(BinaryKind::add), {scaled, parameter(2)}, Keeps::all), x.order);
}

/// Normalizes each channel of each image by its own mean and variance.
inline void import_instance_normalization(NodeImport& n) {
  const Operand& x = n.input(0);
  if (x.rank() == 3 && x.order.is_identity()) return normalize_rows(n, x);
  const int v = image_value(n, x);
  const auto [mean, variance] = add_moments(n, v, spatial_axes(x.rank()), true);
  const int scale = n.builder.value(n.input(1)), shift = n.builder.value(n.input(2));
  n.result(add_normalized(n, v, mean, variance, scale, shift, n.real("epsilon", 1e-5)), Order::channels_last(x.rank()));
}

/// Normalizes over the last dimensions, from `axis` on. Optional outputs: their mean, and 1 / the standard deviation.
inline void import_layer_normalization(NodeImport& n) {
  const Operand& x = n.input(0);
  std::vector<std::int64_t> axes;
  for (int d = normalize_axis(n.integer("axis", -1), x.rank()); d < x.rank(); ++d) axes.push_back(d);
  for (int i = 1; i < 3 && n.has(i); ++i)
    n.require(n.input(i).rank() <= x.rank(), "input ", i, " of shape ", n.input(i).shape(),
              " has more dimensions than the input of shape ", x.shape());
  const int v = n.builder.value(x), scale = broadcast_value(n, n.input(1), x.order);
  const int shift = n.has(2) ? broadcast_value(n, n.input(2), x.order) : n.scalar("no bias", 0);
  const auto [mean, variance] = add_moments(n, v, stored_axes(x, axes), true);
  const double epsilon = n.real("epsilon", 1e-5);
  n.result(add_normalized(n, v, mean, variance, scale, shift, epsilon), x.order);
  if (n.wants(1)) n.result(n.add(Identity(), {mean}, Keeps::none, 1), x.order, 1);
  if (!n.wants(2)) return;
  const int e = n.scalar("epsilon", static_cast<float>(epsilon));
  const int sum = n.step("stable", Binary(BinaryKind::add), {variance, e});
  n.result(n.add(Unary(UnaryKind::rsqrt), {sum}, Keeps::none, 2), x.order, 2);
}

/// Normalizes each group of channels of each image. The scale and shift are those of groups before operator set 21,
/// and of channels since then.
inline void import_group_normalization(NodeImport& n) {
  const Operand& x = n.input(0);
  n.require(x.rank() >= 3 && x.rank() < Shape::max_rank, "expected an input [N, C, spatial ...], found ", x.shape());
  const std::int64_t groups = n.integer("num_groups"), channels = x.shape()[1];
  n.require(groups > 0 && channels > 0 && channels % groups == 0, channels, " channels cannot be divided into ", groups,
            " groups");
  const bool by_channel = n.opset() >= 21;
  for (int i = 1; i < 3; ++i)
    n.require(n.input(i).shape() == Shape{by_channel ? channels : groups}, "input ", i, " has shape ",
              n.input(i).shape(), ", expected [", by_channel ? channels : groups, "]");
  const int pixels = x.rank() - 1;  // the batch and the spatial dimensions
  std::vector<std::int64_t> grouped(static_cast<std::size_t>(pixels), 0), axes = spatial_axes(x.rank());
  std::vector<std::int64_t> joined = grouped;
  grouped.insert(grouped.end(), {groups, channels / groups});
  joined.push_back(channels);
  axes.push_back(pixels + 1);
  const auto keeps = static_cast<Keeps>((1u << pixels) - 1);
  const int v = n.step("groups", Reshape(grouped), {image_value(n, x)}, keeps);
  const auto parameter = [&](int i) {
    const int p = n.builder.value(n.input(i));
    const std::vector<std::int64_t> shape{groups, by_channel ? channels / groups : 1};
    return n.step(i == 1 ? "scale" : "shift", Reshape(shape), {p});
  };
  const int scale = parameter(1), shift = parameter(2);
  const auto [mean, variance] = add_moments(n, v, axes, true);
  const int y = normalized(n, v, mean, variance, scale, n.real("epsilon", 1e-5));
  const int shifted = n.step("shifted", Binary(BinaryKind::add), {y, shift}, Keeps::all);
  n.result(n.add(Reshape(joined), {shifted}, keeps), Order::channels_last(x.rank()));
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
