#pragma once
#include <octet/operators/all.hpp>

namespace testing {

/// Joins two branches [N, H, W, ...] by a concat of their channels, "joined", and a 2x2 max pooling, "pool". Returns
/// the pooled value.
inline int add_pooled_concat(octet::Graph& g, int a, int b) {
  octet::MaxPool pool;
  pool.window = octet::Window(2, 2, 2);
  return g.add("pool", pool, {g.add("joined", octet::Concat(3), {a, b})});
}

}  // namespace testing
