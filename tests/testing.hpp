#pragma once
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <octet/runtime/executor.hpp>

#include "support/random.hpp"

/// Shared by tests: random tensors, running a graph, comparison.
namespace testing {

using namespace octet;

inline Tensor<float> random_tensor(const Shape& shape, unsigned seed, float low = -1, float high = 1) {
  Tensor<float> t = Tensor<float>::uninitialized(shape);
  Random(seed).fill(t.data(), t.size(), low, high);
  return t;
}

template <class T>
Tensor<T> random_integers(const Shape& shape, unsigned seed, int low, int high) {
  Tensor<T> t = Tensor<T>::uninitialized(shape);
  Random(seed).fill(t.data(), t.size(), low, high);
  return t;
}

/// Runs a graph without optimization on one thread.
inline std::vector<AnyTensor> run_plain(const Graph& g, const std::vector<AnyTensor>& inputs, int threads = 1) {
  ExecutorOptions o;
  o.threads = threads;
  o.optimize = false;
  return Executor(g, o).run(inputs);
}

inline double largest_difference(const Tensor<float>& a, const Tensor<float>& b) {
  REQUIRE(a.shape() == b.shape());
  double d = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) d = std::max(d, std::abs(static_cast<double>(a[i] - b[i])));
  return d;
}

inline Tensor<float> floats(const AnyTensor& t) { return Tensor<float>(t.view<float>()); }

/// Number of nodes of a kind.
template <class Op>
int count(const Graph& g) {
  int n = 0;
  for (const Node& node : g.nodes) n += as<Op>(*node.op) != nullptr;
  return n;
}

}  // namespace testing
