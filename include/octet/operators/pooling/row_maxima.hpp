#pragma once
#include <limits>

#include "pool_windows.hpp"

OCTET_BEGIN
namespace detail {

/// Maxima of windows of floats or bytes in two passes over whole rows: down the input rows of an output row, then along
/// the result. Vectors are full where a pixel has few channels, and a window of k x k takes 2 k comparisons.
class RowMaxima {
 public:
  RowMaxima() = default;
  RowMaxima(const PoolWindows& windows, bool floats, int threads)
      : windows_(windows), axis_(windows.width()), floats_(floats), pixel_(windows.pixel_bytes()) {
    lists_ = round_up(static_cast<std::int64_t>(windows_.scratch_bytes(threads)), 64);
    taps_ = round_up(axis_.kernel * static_cast<std::int64_t>(sizeof(void*)), 64);
    line_ = round_up(std::max(axis_.before + axis_.in, starts() - 1 + axis_.kernel) * pixel_, 64);
    joined_ = axis_.stride == 1 ? 0 : round_up(starts() * pixel_, 64);
  }
  /// Whether these windows can be computed so, and faster than one by one. With a stride, the second pass computes
  /// windows between those of the output.
  static bool suits(const PoolWindows& windows) noexcept {
    const WindowAxis& w = windows.width();
    return windows.contiguous() && w.kernel <= w.in && w.kernel > 1 && (w.stride == 1 || windows.pixel_bytes() <= 64);
  }
  std::size_t scratch_bytes(int threads) const noexcept {
    return static_cast<std::size_t>(lists_ + threads * (taps_ + line_ + joined_));
  }

  /// `maxima(window, out)`: the kernel of one window.
  template <class F>
  void run(const RunContext& c, F maxima) const noexcept {
    const std::int64_t channels = windows_.channels(), row_bytes = axis_.out * pixel_;
    windows_.each_row(c.input(0), c.scratch, *c.pool,
                      [&](const std::byte* const* rows, std::int64_t count, std::int64_t row, int worker) {
                        std::byte* memory = c.scratch + lists_ + worker * (taps_ + line_ + joined_);
                        auto** taps = reinterpret_cast<const std::byte**>(memory);
                        std::byte *line = memory + taps_, *out = c.output() + row * row_bytes, *joined = out;
                        if (joined_ > 0) joined = line + line_;
                        const std::int64_t begin = axis_.before * pixel_, end = begin + axis_.in * pixel_;
                        fill(line, begin);
                        fill(line + end, line_ - end);
                        maxima({rows, count, axis_.in * channels}, line + begin);
                        for (std::int64_t i = 0; i < axis_.kernel; ++i) taps[i] = line + i * pixel_;
                        maxima({taps, axis_.kernel, starts() * channels}, joined);
                        if (joined == out) return;
                        windows_.keep_windows(out, joined, axis_.out);
                      });
  }

 private:
  /// Pixels at which a window of a row can begin.
  std::int64_t starts() const noexcept { return (axis_.out - 1) * axis_.stride + 1; }
  /// With what no maximum sees.
  void fill(std::byte* p, std::int64_t bytes) const noexcept {
    if (floats_)
      std::fill_n(reinterpret_cast<float*>(p), bytes / 4, -std::numeric_limits<float>::infinity());
    else
      std::fill_n(p, bytes, std::byte{0});
  }

  PoolWindows windows_;
  WindowAxis axis_;
  bool floats_ = false;
  std::int64_t pixel_ = 1, lists_ = 0;
  std::int64_t taps_ = 0, line_ = 0, joined_ = 0;  // bytes of a worker's memory
};

}  // namespace detail
OCTET_END
