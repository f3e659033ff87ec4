#pragma once
#include "../core/thread_pool.hpp"
#include "convolution_weights.hpp"
#include "repack.hpp"
#include "split_work.hpp"

OCTET_BEGIN
namespace detail {

/// Depthwise convolution: one filter per channel (groups = channels). T is the type of the weights: int8, with
/// uint8 images; int16, with int16 images; or float.
template <class T>
class DepthwiseConvolution {
 public:
  static constexpr std::int64_t element = sizeof(T);

  DepthwiseConvolution() = default;
  DepthwiseConvolution(const Kernels& kernels, const ConvolutionWeights<T>& w)
      : kernels_(&kernels), repeat_(w.repeat), taps_(round_up(w.k() * w.repeat, 4)) {
    const KernelWindow& window = w.window;
    by_rows_ =
        repeat_ == 1 && (window.square(3, 1) || window.square(3, 2) || window.square(5, 1) || window.square(5, 2));
    const std::int64_t taps = w.k() * repeat_, channels = w.out_c;
    std::vector<T> taps_first(static_cast<std::size_t>(taps * channels));
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t t = 0; t < taps; ++t)
        taps_first[static_cast<std::size_t>(t * channels + c)] = w.values[c * taps + t];
    packed_ = pack_depthwise(kernels, taps_first.data(), taps, channels, by_rows_);
  }

  std::size_t packed_bytes() const noexcept { return packed_.size(); }
  /// The algorithm, for display. Valid after plan.
  const char* form() const noexcept {
    const bool floats_3x3 = element == 4 && shape_.kernel_h == 3 && shape_.kernel_w == 3;
    return by_rows_ || floats_3x3 ? "depthwise, along rows" : "depthwise, by pixel";
  }
  /// Replaces the weights by others of the same shape.
  void set_weights(const WeightsView& w, std::int64_t channels) noexcept { repack_depthwise(w, channels, packed_); }
  /// Size in bytes of the padding that run needs: a row of zero points.
  static std::int64_t padding_bytes(const ConvolutionShape& s) noexcept { return s.in_w * s.in_c * element; }

  std::size_t plan(const ConvolutionShape& shape, int threads) {
    shape_ = shape;
    const std::int64_t block = 4 * kernels_->lanes;
    const WorkParts parts = split_work(shape.batch, shape.out_h, 1, shape.in_c, block, 0, threads);
    row_parts_ = parts.rows;
    channel_parts_ = parts.columns;
    part_channels_ = round_up((shape.in_c + channel_parts_ - 1) / channel_parts_, block);
    return static_cast<std::size_t>(threads * worker_bytes());
  }

  void run(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& epilogue,
           std::byte* scratch, ThreadPool& pool) const noexcept {
    const std::int64_t tasks = shape_.batch * row_parts_ * channel_parts_;
    pool.parallel(tasks, [&](std::int64_t task, int worker) {
      const std::int64_t channel_part = task % channel_parts_, row_part = task / channel_parts_ % row_parts_;
      const std::int64_t image = task / channel_parts_ / row_parts_;
      Depthwise d = whole_image(init, padding, epilogue, scratch + worker * worker_bytes());
      d.in = in + image * shape_.in_h * shape_.in_w * shape_.in_c * element;
      d.row_begin = shape_.out_h * row_part / row_parts_;
      d.row_end = shape_.out_h * (row_part + 1) / row_parts_;
      d.channel_begin = channel_part * part_channels_;
      d.channel_end = std::min(shape_.in_c, d.channel_begin + part_channels_);
      const std::int64_t first_row = image * shape_.out_h * shape_.out_w;
      d.epilogue.out += first_row * epilogue.out_stride;
      if (epilogue.residual) d.epilogue.residual += first_row * epilogue.residual_stride;
      d.epilogue.first_row += first_row;
      run(d);
    });
  }

  /// Computes output rows [first, last) of one image on the calling thread, with worker_bytes of scratch memory.
  void run_rows(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& epilogue,
                std::byte* scratch, std::int64_t first, std::int64_t last) const noexcept {
    Depthwise d = whole_image(init, padding, epilogue, scratch);
    d.in = in;
    d.row_begin = first;
    d.row_end = last;
    d.channel_end = shape_.in_c;
    run(d);
  }
  std::int64_t worker_bytes() const noexcept { return taps_ * static_cast<std::int64_t>(sizeof(void*)); }

 private:
  void run(const Depthwise& d) const noexcept {
    if (element == 1)
      kernels_->depthwise_u8s8(d);
    else if (element == 2)
      kernels_->depthwise_s16(d);
    else
      kernels_->depthwise_f32(d);
  }

  Depthwise whole_image(const std::byte* init, const std::byte* padding, const Epilogue& epilogue,
                        std::byte* scratch) const noexcept {
    Depthwise d;
    d.shape = shape_;
    d.repeat = repeat_;
    d.by_rows = by_rows_;
    d.weights = packed_.data();
    d.init = init;
    d.padding = padding;
    d.taps = reinterpret_cast<const std::byte**>(scratch);
    d.epilogue = epilogue;
    return d;
  }

  const Kernels* kernels_ = nullptr;
  std::int64_t repeat_ = 1, taps_ = 0;
  bool by_rows_ = false;
  AlignedBytes packed_;
  ConvolutionShape shape_;
  std::int64_t row_parts_ = 1, channel_parts_ = 1, part_channels_ = 0;
};

}  // namespace detail
OCTET_END
