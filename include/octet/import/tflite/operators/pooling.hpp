#pragma once
#include "../operator_import.hpp"

/// Pooling, reductions, and places of the largest elements.
OCTET_BEGIN
namespace detail::tflite {

template <class Pool>
void import_pool(OperatorImport& n) {
  Pool op;
  op.window = n.window(n.integer(4), n.integer(3), -1);
  n.add_clamped(std::move(op), {n.value(0)}, n.activation(5));
}

/// Input 1: the axes.
inline void import_reduce(OperatorImport& n, ReduceKind kind) {
  const std::vector<std::int64_t> axes = n.integers(1);
  const int x = n.value(0);
  if (axes.empty()) return void(n.add(Identity(), {x}));
  n.add(Reduce(kind, axes, n.flag(0)), {x});
}

/// The axis is input 1; the output's type is that of the tensor.
inline void import_arg_max(OperatorImport& n, bool smallest) {
  const std::vector<std::int64_t> axis = n.integers(1, 1);
  const DType to = n.output(0).dtype;
  n.require(to == DType::i32 || to == DType::i64, "gives int32 or int64, found ", name(to));
  ArgMax op(axis[0], false, to);
  op.smallest = smallest;
  n.add(std::move(op), {n.value(0)});
}

/// Along the last dimension. Input 1: k.
inline void import_top_k(OperatorImport& n) {
  TopK op(n.integers(1, 1)[0], -1, n.output(1).dtype);
  n.add(std::move(op), {n.value(0)}, 0, 2);
}

}  // namespace detail::tflite
OCTET_END
