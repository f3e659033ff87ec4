#pragma once
#include <cstddef>
#include <cstdint>

namespace testing {

/// Number of calls of all operators new, in all threads, since the program started.
std::int64_t allocations() noexcept;
/// Bytes requested by these calls.
std::int64_t allocated_bytes() noexcept;
/// The largest number of bytes requested by one call since the last call of this function.
std::size_t largest_allocation() noexcept;
/// The largest number of bytes at one time that operators new had given and that were not given back, since the last
/// call of this function; less those at that call. 0 with the thread sanitizer.
std::int64_t most_bytes_at_once() noexcept;

}  // namespace testing
