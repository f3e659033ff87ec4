#pragma once
#include "../operator_import.hpp"

/// Operators that repeat, reverse, add and normalize tensors.
OCTET_BEGIN
namespace detail::tflite {

/// Along each axis, the tensor is concatenated with itself. Axes of size 1 are expanded. Input 1: how often.
inline void import_tile(OperatorImport& n) {
  int v = n.value(0);
  const int rank = n.graph_value(v).shape.rank();
  const std::vector<std::int64_t> counts = n.integers(1, rank);
  Expand expand;
  for (int d = 0; d < rank; ++d) {
    const std::int64_t count = counts[static_cast<std::size_t>(d)];
    n.require(count >= 0 && count <= 1'000'000'000, "multiple ", d, " is ", count, ", expected 0 to 10^9");
    const bool single = n.graph_value(v).shape[d] == 1 && count > 0;
    expand.shape.push_back(single ? count : 1);
    if (single || count == 1) continue;
    if (count == 0) {
      v = n.step("nothing", Slice({0}, {0}, {d}), {v});
    } else {
      n.spend(512 * static_cast<std::size_t>(count));  // an input of a layer, and its shape while shapes are inferred
      v = n.step("repeated", Concat(d), std::vector<int>(static_cast<std::size_t>(count), v));
    }
  }
  n.add(std::move(expand), {v});
}

/// Input 1: the new shape.
inline void import_broadcast_to(OperatorImport& n) {
  const int x = n.value(0);
  const Shape in = n.graph_value(x).shape;
  const Sizes sizes = n.sizes(1);
  const auto given = static_cast<int>(sizes.entries.size());
  n.require(given >= in.rank() && given <= Shape::max_rank, "cannot broadcast ", in, " to ", given, " dimensions");
  Expand op;
  for (int d = 0; d < given; ++d) {
    const Size& s = sizes.entries[static_cast<std::size_t>(d)];
    const int own = d - (given - in.rank());
    const bool kept = own >= 0 && in[own] == Shape::unknown && (!s.known() || (own == 0 && s.value == 1));
    n.require(kept || s.known(), "size ", d, " of the shape has to be known on import");
    n.require(kept || s.value >= 0, "size ", d, " of the shape is ", s.value, ", expected at least 0");
    op.shape.push_back(kept ? 1 : s.value);
  }
  n.add(std::move(op), {x});
}

/// Input 1: the axes.
inline void import_reverse(OperatorImport& n) {
  const int x = n.value(0);
  Slice op;
  for (std::int64_t a : n.integers(1)) {
    const int axis = normalize_axis(a, n.graph_value(x).shape.rank());
    n.require(std::find(op.axes.begin(), op.axes.end(), axis) == op.axes.end(), "axis ", axis, " is listed twice");
    op.axes.push_back(axis);
    op.starts.push_back(std::numeric_limits<std::int64_t>::max());
    op.ends.push_back(-std::numeric_limits<std::int64_t>::max());
    op.steps.push_back(-1);
  }
  n.add(std::move(op), {x});
}

/// Adds the last operator of a computation in float. Its result is converted to the type of output 0.
template <class Op>
void add_real(OperatorImport& n, Op op, const std::vector<int>& in) {
  if (n.output(0).quant)
    n.add(Convert(n.output(0).dtype), {n.step("real result", std::move(op), in)});
  else
    n.add(std::move(op), in);
}

/// The sum of any number of tensors.
inline void import_add_n(OperatorImport& n) {
  n.require(n.inputs() > 0, "has no inputs");
  int sum = n.real_value(0);
  for (int i = 1; i + 1 < n.inputs(); ++i) sum = n.step("sum", Binary(BinaryKind::add), {sum, n.real_value(i)});
  if (n.inputs() == 1) return add_real(n, Identity(), {sum});
  add_real(n, Binary(BinaryKind::add), {sum, n.real_value(n.inputs() - 1)});
}

/// Divides by the norm of the last dimension, which counts as at least 1e-6.
inline void import_l2_normalization(OperatorImport& n) {
  const int x = n.real_value(0);
  n.require(n.graph_value(x).shape.rank() > 0, "expected an input with dimensions, found a scalar");
  const int norm = n.step("norm", Reduce(ReduceKind::l2, {-1}, true), {x});
  const int divisor = n.step("divisor", Unary(UnaryKind::clip, 1e-6, std::numeric_limits<double>::infinity()), {norm});
  add_real(n, Binary(BinaryKind::div, n.activation(0)), {x, divisor});
}

}  // namespace detail::tflite
OCTET_END
