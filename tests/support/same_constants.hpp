#pragma once
#include <doctest/doctest.h>

#include <cstring>
#include <octet/graph/graph.hpp>

namespace testing {

/// Whether all constants of two models of the same layers have the same bits.
inline bool same_constants(const octet::Model& a, const octet::Model& b) {
  REQUIRE(a.values.size() == b.values.size());
  for (std::size_t v = 0; v < a.values.size(); ++v) {
    const octet::AnyTensor &x = a.values[v].constant, &y = b.values[v].constant;
    if (x.size_bytes() != y.size_bytes() || (x && std::memcmp(x.data(), y.data(), x.size_bytes()) != 0)) return false;
  }
  return true;
}

}  // namespace testing
