#include <octet/core/linear_log.hpp>

#include "testing.hpp"

using namespace octet::detail;

TEST_CASE("linear logarithm: exact at powers of two, and each function is the inverse of the other") {
  for (int e = -60; e <= 60; ++e) {
    CHECK(linear_log2(std::ldexp(1.0, e)) == e);
    CHECK(linear_exp2(e) == std::ldexp(1.0, e));
  }
  for (double x = 0.001; x < 1000; x *= 1.01) {
    CHECK(std::abs(linear_log2(x) - std::log2(x)) <= 0.09);
    CHECK(linear_exp2(linear_log2(x)) == doctest::Approx(x));
  }
}
