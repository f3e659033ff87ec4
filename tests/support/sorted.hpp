#pragma once
#include <algorithm>
#include <limits>
#include <octet/graph/graph.hpp>
#include <octet/runtime/executor.hpp>

#include "messages.hpp"

/// References for operators that order the elements along an axis.
namespace testing {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

/// Calls f(o, i, at, places) for each row of x along the axis; o and i are the indices before and after the axis, at(k)
/// is element k of the row, and `places` are all its indices in the order of the elements, equal ones in ascending
/// order.
template <class T, class F>
void each_sorted_row(const octet::Tensor<T>& x, std::int64_t axis, bool smallest_first, F f) {
  const octet::Shape& s = x.shape();
  const int a = static_cast<int>(axis < 0 ? axis + s.rank() : axis);
  const std::int64_t inner = s.product(a + 1, s.rank()), size = s[a];
  for (std::int64_t o = 0; o < s.product(0, a); ++o)
    for (std::int64_t i = 0; i < inner; ++i) {
      const auto at = [&, o, i](std::int64_t k) { return x[(o * size + k) * inner + i]; };
      std::vector<std::int64_t> places;
      for (std::int64_t k = 0; k < size; ++k) places.push_back(k);
      std::stable_sort(places.begin(), places.end(),
                       [&](std::int64_t p, std::int64_t q) { return smallest_first ? at(p) < at(q) : at(p) > at(q); });
      f(o, i, at, places);
    }
}

/// The text of the error with which a model of this layer alone cannot be built or run; empty if it runs.
template <class Op>
std::string layer_error(const Op& op, const octet::AnyTensor& x) {
  return message([&] {
    octet::Graph g;
    g.outputs = {g.add("y", op, {g.add_input("x", x.shape(), x.dtype())})};
    octet::Executor(g).run({x});
  });
}

}  // namespace testing
