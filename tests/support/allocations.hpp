#pragma once
#include <cstddef>
#include <cstdint>

namespace testing {

/// Calls of operator new, of every form and by every thread, since the program started. Counted by
/// allocations.cpp.
std::int64_t allocations() noexcept;
/// Bytes that they asked for.
std::int64_t allocated_bytes() noexcept;
/// The most bytes that one call asked for since the last call of this function.
std::size_t largest_allocation() noexcept;

}  // namespace testing
