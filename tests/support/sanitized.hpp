#pragma once
#include <octet/core/config.hpp>

namespace testing {

#if defined(OCTET_SANITIZED)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

/// Rounds of a test at random: with sanitizers, whose kernels are slow, a tenth.
constexpr int rounds(int n) { return sanitized ? n / 10 : n; }

}  // namespace testing
