#pragma once
#include <chrono>

#include <octet/core/config.hpp>

namespace testing {

#if defined(OCTET_SANITIZED)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

/// Rounds of a test at random: with sanitizers, whose kernels are slow, a tenth.
constexpr int rounds(int n) { return sanitized ? n / 10 : n; }

/// By how much sanitizers slow a program down, at most.
constexpr int slowdown = sanitized ? 20 : 1;

/// What a hostile input may take before it counts as one that hangs: far more than it needs on a busy machine.
constexpr std::chrono::seconds patience(5 * slowdown);

}  // namespace testing
