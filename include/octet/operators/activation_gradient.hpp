#pragma once
#include "../core/thread_pool.hpp"
#include "../kernels/dispatch.hpp"
#include "activation_range.hpp"

OCTET_BEGIN
namespace detail {

/// The gradient of a clamp, computed from its results y: 0 where y is at a limit. dx may be dy.
inline void clamp_gradient(const Kernels& kernels, const ActivationRange& range, const float* y, const float* dy,
                           float* dx, std::int64_t n, ThreadPool& pool) noexcept {
  constexpr std::int64_t part = 16384;
  pool.parallel((n + part - 1) / part, [&](std::int64_t t, int) {
    const std::int64_t at = t * part;
    kernels.gradient.clamp_gradient(y + at, dy + at, dx + at, std::min(part, n - at), static_cast<float>(range.low),
                                    static_cast<float>(range.high));
  });
}

}  // namespace detail
OCTET_END
