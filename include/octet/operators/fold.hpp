#pragma once
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN
namespace detail {

/// Combines n elements in four partial results, which a processor computes side by side: f(part k % 4, k) for each k.
/// The order, and so the result, is the same on every machine. `start` does not change what it is combined with.
template <class T, class F, class Combine>
T fold(std::int64_t n, T start, F f, Combine combine) noexcept {
  T a = start, b = start, c = start, d = start;
  std::int64_t k = 0;
  for (; k + 4 <= n; k += 4) {
    f(a, k);
    f(b, k + 1);
    f(c, k + 2);
    f(d, k + 3);
  }
  for (; k < n; ++k) f(a, k);
  return combine(combine(a, b), combine(c, d));
}

}  // namespace detail
OCTET_END
