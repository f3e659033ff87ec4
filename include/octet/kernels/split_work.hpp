#pragma once
#include <algorithm>
#include <cstdint>

#include "../core/config.hpp"

OCTET_BEGIN
namespace detail {

/// Numbers of parts into which rows and columns of some work are divided.
struct WorkParts {
  std::int64_t rows = 1, columns = 1;
};

/// Divides `repeats` pieces of work of rows x columns among threads such that the largest share is as small as
/// possible. Columns are divided only if that helps, at multiples of `column_unit`; there are at least
/// `least_row_parts` parts of rows. Each part costs as much as `row_overhead` additional rows.
inline WorkParts split_work(std::int64_t repeats, std::int64_t rows, std::int64_t least_row_parts, std::int64_t columns,
                            std::int64_t column_unit, std::int64_t row_overhead, std::int64_t threads) {
  const auto ceil_div = [](std::int64_t a, std::int64_t b) { return (a + b - 1) / b; };
  const std::int64_t units = std::max<std::int64_t>(1, ceil_div(columns, column_unit));
  rows = std::max<std::int64_t>(1, rows);
  WorkParts best;
  std::int64_t least_load = 0;
  for (std::int64_t c = 1; c <= std::min(units, threads); ++c) {
    // The fewest parts of rows, or the next number that gives all threads the same number of parts.
    std::int64_t even = std::max<std::int64_t>(1, least_row_parts);
    while (repeats * even * c % threads != 0 && even < rows && even < least_row_parts + threads) ++even;
    for (const std::int64_t r : {std::max<std::int64_t>(1, least_row_parts), even}) {
      const std::int64_t parts = ceil_div(repeats * r * c, threads);
      const std::int64_t load =
          parts * (ceil_div(rows, r) + row_overhead) * std::min(columns, ceil_div(units, c) * column_unit);
      if (least_load != 0 && load >= least_load) continue;
      least_load = load;
      best = {r, c};
    }
  }
  return best;
}

}  // namespace detail
OCTET_END
