#pragma once
#include "../core/thread_pool.hpp"
#include "../kernels/pack.hpp"

OCTET_BEGIN
namespace detail {

/// How the rows of [rows][channels] are divided among threads. The chunks depend only on the sizes, so that sums do not
/// depend on the number of threads.
struct RowChunks {
  std::int64_t rows = 0, channels = 0, chunk = 1, count = 0;

  RowChunks() = default;
  RowChunks(std::int64_t all_rows, std::int64_t all_channels) : rows(all_rows), channels(all_channels) {
    constexpr std::int64_t elements = 16384;  // per chunk, so that it stays in the cache for a second pass
    chunk = std::clamp<std::int64_t>(elements / std::max<std::int64_t>(1, channels) / 4 * 4, 4, 1024);
    count = (rows + chunk - 1) / chunk;
  }
  /// Calls f(index of the chunk, first row, rows) for each chunk.
  template <class F>
  void parallel(ThreadPool& pool, const F& f) const {
    pool.parallel(count, [&](std::int64_t i, int) { f(i, i * chunk, std::min(chunk, rows - i * chunk)); });
  }
  /// Calls f(first channel, end) for parts of the channels.
  template <class F>
  void parallel_channels(ThreadPool& pool, const F& f) const {
    parallel_parts(pool, channels, 64, [&](std::int64_t first, std::int64_t n) { f(first, first + n); });
  }
};

/// Sums over the rows of a matrix for each channel: the gradient of a bias.
class ChannelSums {
 public:
  /// Returns the size of the scratch memory that run needs, in bytes.
  std::size_t plan(std::int64_t rows, std::int64_t channels) {
    chunks_ = RowChunks(rows, channels);
    return static_cast<std::size_t>(chunks_.count * channels) * sizeof(float);
  }
  void run(const Kernels& kernels, const float* x, float* out, std::byte* scratch, ThreadPool& pool) const noexcept {
    auto* sums = reinterpret_cast<float*>(scratch);
    const std::int64_t channels = chunks_.channels;
    chunks_.parallel(pool, [&](std::int64_t i, std::int64_t first, std::int64_t rows) {
      std::fill(sums + i * channels, sums + (i + 1) * channels, 0.0f);
      kernels.gradient.channel_sums({x + first * channels, rows, channels}, sums + i * channels);
    });
    chunks_.parallel_channels(pool, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t c = begin; c < end; ++c) {
        double sum = 0;
        for (std::int64_t i = 0; i < chunks_.count; ++i) sum += static_cast<double>(sums[i * channels + c]);
        out[c] = static_cast<float>(sum);
      }
    });
  }

 private:
  RowChunks chunks_;
};

}  // namespace detail
OCTET_END
