#pragma once
#include <cstdint>

namespace testing {

/// Calls of operator new, of every form and by every thread, since the program started. Counted by
/// allocations.cpp.
std::int64_t allocations() noexcept;

}  // namespace testing
