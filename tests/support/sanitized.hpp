#pragma once
#include <chrono>

#include <octet/core/config.hpp>

namespace testing {

#if defined(OCTET_SANITIZED)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

/// Number of rounds of a randomized test: a tenth with sanitizers, which are slow.
constexpr int rounds(int n) { return sanitized ? n / 10 : n; }

/// Largest slowdown by sanitizers.
constexpr int slowdown = sanitized ? 20 : 1;

/// Time limit for hostile inputs: much more than they need on a busy machine; only detects hangs.
constexpr std::chrono::seconds patience(5 * slowdown);

}  // namespace testing
