#pragma once
#include "../operator_import.hpp"

/// Pooling and reductions.
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

}  // namespace detail::tflite
OCTET_END
