#pragma once
#include <algorithm>
#include <cmath>
#include <limits>

#include "../core/range.hpp"
#include "dispatch.hpp"

OCTET_BEGIN
namespace detail {

/// The range of what a convolution stores, measured by each thread: one Epilogue::range per thread.
class StoredRange {
 public:
  static std::int64_t bytes(const Kernels& kernels, int threads) noexcept { return threads * 3 * kernels.lanes * 4; }
  /// `room` is memory of bytes() bytes, which is cleared.
  StoredRange(const Kernels& kernels, int threads, std::byte* room) noexcept
      : lanes_(kernels.lanes), threads_(threads), room_(reinterpret_cast<float*>(room)) {
    std::fill_n(room_, threads * 3 * lanes_, 0.0f);
  }
  /// The epilogue of one thread; the given one has the memory of thread 0.
  static Epilogue of_worker(Epilogue e, const Kernels& kernels, int worker) noexcept {
    if (e.range) e.range += worker * 3 * kernels.lanes;
    return e;
  }
  float* room() const noexcept { return room_; }

  Range total() const noexcept {
    Range r;
    float product = 0;
    for (const float* v = room_; v != room_ + threads_ * 3 * lanes_; v += 3 * lanes_)
      for (int i = 0; i < lanes_; ++i) {
        r.low = std::min(r.low, v[i]);
        r.high = std::max(r.high, v[lanes_ + i]);
        product += v[2 * lanes_ + i];
      }
    if (std::isnan(product)) r.low = r.high = std::numeric_limits<float>::quiet_NaN();
    return r;
  }

 private:
  int lanes_, threads_;
  float* room_;
};

}  // namespace detail
OCTET_END
