#pragma once
#include <algorithm>

#include "../core/index.hpp"
#include "../core/thread_pool.hpp"
#include "arguments.hpp"
#include "split_work.hpp"

OCTET_BEGIN
namespace detail {

/// The tasks of convolutions that work by channels (see Depthwise): each is some rows and channels of an image.
class ChannelTasks {
 public:
  ChannelTasks() = default;
  /// `taps`: pointers that a task keeps; `element`: bytes of an input element.
  ChannelTasks(std::int64_t taps, std::int64_t element) : taps_(taps), element_(element) {}

  const ConvolutionShape& shape() const noexcept { return shape_; }
  std::int64_t worker_bytes() const noexcept { return taps_ * static_cast<std::int64_t>(sizeof(void*)); }

  /// Tasks have multiples of `block` channels. Returns the size of the scratch memory in bytes.
  std::size_t plan(const ConvolutionShape& shape, std::int64_t block, int threads) {
    shape_ = shape;
    const WorkParts parts = split_work(shape.batch, shape.out_h, 1, shape.in_c, block, 0, threads);
    row_parts_ = parts.rows;
    channel_parts_ = parts.columns;
    part_channels_ = round_up((shape.in_c + channel_parts_ - 1) / channel_parts_, block);
    return static_cast<std::size_t>(threads * worker_bytes());
  }

  /// Calls one_task(d) for each task, where d is `whole` with the task's part of the images `in`.
  template <class Run>
  void run(const Depthwise& whole, const std::byte* in, std::byte* scratch, ThreadPool& pool,
           Run one_task) const noexcept {
    pool.parallel(shape_.batch * row_parts_ * channel_parts_, [&](std::int64_t task, int worker) {
      const std::int64_t channel_part = task % channel_parts_, row_part = task / channel_parts_ % row_parts_;
      const std::int64_t image = task / channel_parts_ / row_parts_, first_row = image * shape_.out_h * shape_.out_w;
      Depthwise d = with_shape(whole, scratch + worker * worker_bytes());
      d.in = in + image * shape_.in_h * shape_.in_w * shape_.in_c * element_;
      d.row_begin = shape_.out_h * row_part / row_parts_;
      d.row_end = shape_.out_h * (row_part + 1) / row_parts_;
      d.channel_begin = channel_part * part_channels_;
      d.channel_end = std::min(shape_.in_c, d.channel_begin + part_channels_);
      d.epilogue.out += first_row * whole.epilogue.out_stride;
      if (whole.epilogue.residual) d.epilogue.residual += first_row * whole.epilogue.residual_stride;
      d.epilogue.first_row += first_row;
      one_task(d);
    });
  }

  /// Output rows [first, last) of the image `in`, with worker_bytes of scratch memory.
  Depthwise rows(const Depthwise& whole, const std::byte* in, std::byte* scratch, std::int64_t first,
                 std::int64_t last) const noexcept {
    Depthwise d = with_shape(whole, scratch);
    d.in = in;
    d.row_begin = first;
    d.row_end = last;
    d.channel_end = shape_.in_c;
    return d;
  }

 private:
  Depthwise with_shape(Depthwise d, std::byte* scratch) const noexcept {
    d.shape = shape_;
    d.taps = reinterpret_cast<const std::byte**>(scratch);
    return d;
  }

  ConvolutionShape shape_;
  std::int64_t taps_ = 0, element_ = 1, row_parts_ = 1, channel_parts_ = 1, part_channels_ = 0;
};

}  // namespace detail
OCTET_END
