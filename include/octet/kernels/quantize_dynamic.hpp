#pragma once
#include <array>
#include <cmath>

#include "../core/thread_pool.hpp"
#include "dispatch.hpp"
#include "dynamic_scale.hpp"

OCTET_BEGIN
namespace detail {

/// Quantizes n floats by their own range; threads share both passes.
inline DynamicScale quantize_dynamic(const Kernels& kernels, const float* in, std::int64_t n, std::uint8_t* out,
                                     ThreadPool& pool) noexcept {
  if (n == 0) return {};  // has no range
  constexpr std::int64_t max_parts = 64, least = 4096;
  const std::int64_t parts = std::clamp<std::int64_t>(n / least, 1, std::min<std::int64_t>(pool.size(), max_parts));
  std::array<std::array<float, 2>, max_parts> ranges;
  pool.parallel(parts, [&](std::int64_t p, int) {
    const std::int64_t from = n * p / parts;
    kernels.minmax_f32(in + from, n * (p + 1) / parts - from, ranges[static_cast<std::size_t>(p)].data());
  });
  float low = ranges[0][0], high = ranges[0][1];
  for (std::size_t p = 1; p < static_cast<std::size_t>(parts); ++p) {
    low = ranges[p][0] < low || std::isnan(ranges[p][0]) ? ranges[p][0] : low;
    high = ranges[p][1] > high || std::isnan(ranges[p][1]) ? ranges[p][1] : high;
  }
  const DynamicScale s = dynamic_scale(low, high);
  pool.parallel(parts, [&](std::int64_t p, int) {
    const std::int64_t from = n * p / parts;
    QuantizeF32 q;
    q.in = in + from, q.out = out + from, q.count = n * (p + 1) / parts - from;
    q.scale = s.scale, q.zero_point = s.zero_point;
    kernels.quantize_f32(q);
  });
  return s;
}

}  // namespace detail
OCTET_END
