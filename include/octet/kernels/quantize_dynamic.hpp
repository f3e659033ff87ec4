#pragma once
#include <array>
#include <cmath>

#include "../core/dynamic_scale.hpp"
#include "../core/thread_pool.hpp"
#include "stored_range.hpp"

OCTET_BEGIN
namespace detail {

/// Number of parts in which threads process n floats.
inline std::int64_t parts_of(std::int64_t n, const ThreadPool& pool) noexcept {
  constexpr std::int64_t least = 4096;
  return std::clamp<std::int64_t>(n / least, 1, pool.size());
}

/// The range of n floats, n > 0, computed in parallel.
inline Range range_of(const Kernels& kernels, const float* in, std::int64_t n, ThreadPool& pool) noexcept {
  constexpr std::int64_t most = 64;
  std::array<std::array<float, 2>, most> ranges;
  const std::int64_t parts = std::min(parts_of(n, pool), most);
  pool.parallel(parts, [&](std::int64_t p, int) {
    const std::int64_t from = n * p / parts;
    kernels.minmax_f32(in + from, n * (p + 1) / parts - from, ranges[static_cast<std::size_t>(p)].data());
  });
  Range r;
  for (std::size_t p = 0; p < static_cast<std::size_t>(parts); ++p) {
    r.low = ranges[p][0] < r.low || std::isnan(ranges[p][0]) ? ranges[p][0] : r.low;
    r.high = ranges[p][1] > r.high || std::isnan(ranges[p][1]) ? ranges[p][1] : r.high;
  }
  return r;
}

/// The arguments that quantize n floats by the scale.
inline QuantizeF32 quantized_by(const DynamicScale& s, const float* in, std::int64_t n, std::uint8_t* out) noexcept {
  QuantizeF32 q;
  q.in = in;
  q.out = out;
  q.count = n;
  q.scale = s.scale;
  q.inverse = s.inverse;
  q.tflite = s.tflite;
  q.zero_point = s.zero_point;
  return q;
}

/// Quantizes n floats in parallel.
inline void quantize_by(const Kernels& kernels, const DynamicScale& s, const float* in, std::int64_t n,
                        std::uint8_t* out, ThreadPool& pool) noexcept {
  const std::int64_t parts = parts_of(n, pool);
  pool.parallel(parts, [&](std::int64_t p, int) {
    const std::int64_t from = n * p / parts;
    kernels.quantize_f32(quantized_by(s, in + from, n * (p + 1) / parts - from, out + from));
  });
}

}  // namespace detail
OCTET_END
