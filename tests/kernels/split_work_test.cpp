#include <doctest/doctest.h>

#include <octet/kernels/split_work.hpp>

#include "support/random.hpp"

using namespace octet;
using namespace octet::detail;

namespace {

struct Work {
  std::int64_t repeats, rows, least_row_parts, columns, column_unit, row_overhead, threads;
};

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

WorkParts split(const Work& w) {
  return split_work(w.repeats, w.rows, w.least_row_parts, w.columns, w.column_unit, w.row_overhead, w.threads);
}

// The work of the busiest thread, in rows times columns, if threads take whole parts.
std::int64_t load(const Work& w, const WorkParts& p) {
  const std::int64_t rows = ceil_div(w.rows, p.rows) + w.row_overhead;
  const std::int64_t columns =
      std::min(w.columns, ceil_div(ceil_div(w.columns, w.column_unit), p.columns) * w.column_unit);
  return ceil_div(w.repeats * p.rows * p.columns, w.threads) * rows * columns;
}

}  // namespace

TEST_CASE("split work: one thread gets all work in as few parts as possible") {
  for (const std::int64_t least : {1, 2, 7}) {
    const WorkParts p = split({3, 100, least, 512, 64, 2, 1});
    CHECK(p.rows == least);
    CHECK(p.columns == 1);
  }
}

TEST_CASE("split work: by rows, or by columns if there are too few rows") {
  const auto check = [](const Work& w, std::int64_t rows, std::int64_t columns) {
    const WorkParts p = split(w);
    CHECK(p.rows == rows);
    CHECK(p.columns == columns);
  };
  check({1, 3136, 1, 64, 64, 2, 2}, 2, 1);  // many rows, one panel
  check({1, 1, 1, 1000, 64, 2, 2}, 1, 2);   // one row: a fully connected layer
  check({1, 1, 1, 1000, 64, 2, 4}, 1, 4);   // 16 panels, 4 for each thread
  check({1, 1, 1, 64, 64, 2, 8}, 1, 1);     // too little to split
  check({4, 1, 1, 64, 64, 2, 4}, 1, 1);     // groups are already distributed
  check({1, 49, 1, 2048, 64, 2, 2}, 1, 2);  // 49 rows split into 25 and 24, columns evenly
  check({1, 196, 3, 512, 64, 2, 2}, 4, 1);  // the same number of blocks for both threads
  check({1, 0, 1, 64, 64, 2, 3}, 1, 1);     // no work
}

TEST_CASE("split work: no other number of parts is better balanced") {
  testing::Random r(80);
  for (int round = 0; round < 3000; ++round) {
    const Work w{r.chance(60) ? 1 : r.between(2, 9),   r.between(1, 300), r.between(1, 6), r.between(1, 1100),
                 r.chance(50) ? 64 : r.between(1, 40), r.between(0, 3),   r.between(1, 9)};
    const WorkParts p = split(w);
    CAPTURE(round);
    REQUIRE(p.rows >= w.least_row_parts);
    REQUIRE(p.columns >= 1);
    CHECK(p.rows <= std::max(w.rows, w.least_row_parts));  // at most one part per row, unless blocks require more
    CHECK(p.columns <= std::min(w.threads, ceil_div(w.columns, w.column_unit)));
    const std::int64_t got = load(w, p);
    for (std::int64_t c = 1; c <= std::min(w.threads, ceil_div(w.columns, w.column_unit)); ++c)
      CHECK(got <= load(w, {w.least_row_parts, c}));
  }
}
