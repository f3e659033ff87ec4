#include <doctest/doctest.h>

#include <octet/quantization/calibration.hpp>
#include <octet/quantization/range.hpp>

// How ranges of activations are chosen from their histograms.

using namespace octet;
using namespace octet::detail;

namespace {

/// A histogram of n numbers spread evenly over [low, high], and of the numbers in `more`.
Histogram even(float low, float high, int n, const std::vector<float>& more = {}) {
  Histogram h;
  std::vector<float> x = more;
  for (int i = 0; i < n; ++i) x.push_back(low + (high - low) * (static_cast<float>(i) + 0.5f) / static_cast<float>(n));
  h.add(x.data(), static_cast<std::int64_t>(x.size()));
  return h;
}

bool close(const Range& r, double low, double high, double error) {
  return std::abs(static_cast<double>(r.low) - low) <= error && std::abs(static_cast<double>(r.high) - high) <= error;
}

}  // namespace

TEST_CASE("range: percentiles cut off the same part at both ends") {
  const Range seen{-1, 3};
  const Histogram h = even(-1, 3, 10000);
  CHECK(percentile_range(h, seen, 100) == seen);
  CHECK(close(percentile_range(h, seen, 90), -0.8, 2.8, 0.02));  // a bin is less than 1 % wide
  CHECK(close(percentile_range(h, seen, 50), 0, 2, 0.02));
}

TEST_CASE("range: the least squared error keeps evenly spread numbers") {
  const Range seen{-1, 3};
  const Histogram h = even(-1, 3, 10000);
  CHECK(close(mse_range(h, seen, 256, false), -1, 3, 0.05));
  CHECK(close(mse_range(h, seen, 256, true), -3, 3, 0.05));
}

TEST_CASE("range: the least squared error clips rare large numbers, but not zero") {
  // 10,000 numbers in [0, 1], and 10 of 4: a step of 4 / 15 costs more than the clipped numbers.
  const Histogram few = even(0, 1, 100000, std::vector<float>(10, 4.0f));
  const Range clipped = mse_range(few, {0, 4}, 16, false);
  CHECK(clipped.low == 0);
  CHECK((clipped.high > 0.9f && clipped.high < 2));
  // With 8 bits, the step is small enough to keep them.
  const Range kept = mse_range(even(0, 1, 1000, std::vector<float>(100, 4.0f)), {0, 4}, 256, false);
  CHECK(kept.high > 3.5f);
}

TEST_CASE("range: with more codes, less is cut off, but what the user set stays") {
  Calibration c;
  TensorStatistics& t = c.tensors["x"];
  t.histogram = even(0, 1, 1000000, std::vector<float>(10, 4.0f));
  t.seen = {0, 4};
  for (const RangeMethod method : {RangeMethod::mse, RangeMethod::entropy}) {
    c.method = method;
    CHECK(c.range("x").high < 3.8f);
    CHECK(c.range("x", 1 << 16).high > 3.9f);
  }
  c.method = RangeMethod::percentile;
  CHECK(c.range("x", 1 << 16) == c.range("x"));
  c.set_range("x", {0, 2});
  CHECK(c.range("x", 1 << 16) == Range{0, 2});
}

TEST_CASE("range: a number that is not of the distribution does not decide") {
  const Histogram h = even(-1, 1, 100000, {1e6f});
  const Observed o = without_outliers(h, {-1, 1e6f});
  CHECK(close(o.seen, -1, 1, 0.01));
  CHECK(close(mse_range(h, {-1, 1e6f}, 256, false), -1, 1, 0.05));
  // More than one of 10,000 are part of it.
  const Histogram many = even(-1, 1, 1000, {1e6f});
  CHECK(without_outliers(many, {-1, 1e6f}).seen.high == 1e6f);
}

TEST_CASE("range: one number, and only zeros") {
  CHECK(close(mse_range(even(2, 2, 10), {2, 2}, 256, true), -2, 2, 0.02));
  const Range zeros = mse_range(even(0, 0, 10), {0, 0}, 256, false);
  CHECK((zeros.low == 0 && zeros.high == 0));
}
