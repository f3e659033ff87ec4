#pragma once
#include "../../../core/rounded.hpp"
#include "repeat.hpp"

/// Elements at places that are computed; tensors of one number, ranges, one-hot vectors.
OCTET_BEGIN
namespace detail::tflite {

/// Inputs: tensor, places.
inline void import_gather_nd(OperatorImport& n) {
  const int x = n.value(0), places = n.value(1);
  n.spend_on(places);
  n.add(octet::GatherND(), {x, places});
}

/// A scalar constant of that type.
inline int number(OperatorImport& n, const char* what, DType type, double x) {
  return n.add_constant(n.name() + "/" + what,
                        AnyTensor::make(type, {}, [&](std::byte* to) { store_element(type, to, 0, x); }));
}

/// Sizes that are known on import.
inline Expand expanded(OperatorImport& n, int i) {
  Expand op;
  op.shape = n.integers(i);
  for (std::int64_t d : op.shape) n.require(d >= 0, "a size is ", d, ", expected at least 0");
  return op;
}

/// Inputs: places, updates, shape. Updates for one place are added.
inline void import_scatter_nd(OperatorImport& n) {
  const int places = n.value(0), updates = n.real_value(1);
  const int zero = number(n, "zero", n.graph_value(updates).dtype, 0);
  n.spend_on(places);
  const int zeros = n.step("zeros", expanded(n, 2), {zero});
  add_real(n, ScatterND(ScatterKind::add), {zeros, places, updates});
}

/// Inputs: places, depth, on, off.
inline void import_one_hot(OperatorImport& n) {
  const int places = n.value(0), on = n.real_value(2), off = n.real_value(3);
  const DType type = n.graph_value(places).dtype;
  n.require(type == DType::i32 || type == DType::i64, "expected places of type int32 or int64, found ", name(type));
  const std::int64_t depth = n.integers(1, 1)[0];
  n.require(depth >= 0, "the depth is ", depth, ", expected at least 0");
  const int rank = n.graph_value(places).shape.rank() + 1, axis = normalize_axis(n.integer(0, -1), rank);
  Shape along{depth};
  for (int d = axis + 1; d < rank; ++d) along.push_back(1);
  const int all = n.add_copy(n.name() + "/places", type, along, {}, [&](std::byte* to) {
    for (std::int64_t i = 0; i < depth; ++i) store_element(type, to, i, static_cast<double>(i));
  });
  const int rows = n.step("rows", Unsqueeze({axis}), {places});
  const int hot = n.step("hot", Binary(BinaryKind::equal), {rows, all});
  add_real(n, Where(), {hot, on, off});
}

/// Inputs: tensor, lengths.
inline void import_reverse_sequence(OperatorImport& n) {
  n.add(ReverseSequence(n.integer(0), n.integer(1)), {n.value(0), n.value(1)});
}

/// Inputs: shape, number.
inline void import_fill(OperatorImport& n) { n.add(expanded(n, 0), {n.value(1)}); }

inline void import_zeros_like(OperatorImport& n) {
  const int x = n.real_value(0), never = number(n, "false", DType::boolean, 0);
  add_real(n, Where(), {never, x, number(n, "zero", n.graph_value(x).dtype, 0)});
}

inline void import_rank(OperatorImport& n) {
  Value rank = n.output(0);
  const int count = n.graph_value(n.value(0)).shape.rank();
  rank.shape = Shape{};
  rank.constant = AnyTensor::make(rank.dtype, {}, [&](std::byte* to) { store_element(rank.dtype, to, 0, count); });
  n.result_is_constant(std::move(rank));
}

/// Inputs: start, limit, delta.
inline void import_range(OperatorImport& n) {
  const double start = n.element(0), limit = n.element(1), delta = n.element(2);
  n.require(std::isfinite(start) && std::isfinite(limit) && std::isfinite(delta) && delta != 0, "a range from ", start,
            " to ", limit, " by ", delta, " is not supported");
  const double steps = std::max(0.0, std::ceil((limit - start) / delta));
  n.require(steps < 1e9, "has ", steps, " elements");
  const auto count = static_cast<std::int64_t>(steps);
  Value all = n.output(0);
  n.spend(bytes(all.dtype, count));
  all.shape = Shape{count};
  all.constant = AnyTensor::make(all.dtype, {count}, [&](std::byte* to) {
    for (std::int64_t i = 0; i < count; ++i)
      store_element(all.dtype, to, i, start + rounded(static_cast<double>(i) * delta));
  });
  n.result_is_constant(std::move(all));
}

/// Input 1: the axis.
inline void import_cumulative_sum(OperatorImport& n) {
  const CumulativeSum op(n.integers(1, 1)[0], n.flag(0), n.flag(1));
  add_real(n, op, {n.real_value(0)});
}

/// The root of the mean of squares.
inline void import_l2_pool(OperatorImport& n) {
  const int x = n.real_value(0);
  AveragePool op;
  op.window = n.window(n.integer(4), n.integer(3), -1);
  const int squares = n.step("squares", Binary(BinaryKind::mul), {x, x});
  const int mean = n.step("mean", std::move(op), {squares});
  if (n.activation(5).none()) return add_real(n, Unary(UnaryKind::sqrt), {mean});
  const int root = n.step("root", Unary(UnaryKind::sqrt), {mean});
  add_real(n, Unary(UnaryKind::clip, n.activation(5).low, n.activation(5).high), {root});
}

}  // namespace detail::tflite
OCTET_END
