#pragma once
#include "../core/thread_pool.hpp"
#include "../kernels/dispatch.hpp"
#include "activation_range.hpp"

OCTET_BEGIN
namespace detail {

/// The gradient of a clamp, computed from its results y: 0 where y is at a limit. dx may be dy.
inline void clamp_gradient(const Kernels& kernels, const ActivationRange& range, const float* y, const float* dy,
                           float* dx, std::int64_t n, ThreadPool& pool) noexcept {
  parallel_parts(pool, n, 16384, [&](std::int64_t first, std::int64_t count) {
    kernels.gradient.clamp_gradient(y + first, dy + first, dx + first, count, static_cast<float>(range.low),
                                    static_cast<float>(range.high));
  });
}

}  // namespace detail
OCTET_END
