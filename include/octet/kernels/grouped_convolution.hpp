#pragma once
#include "../core/thread_pool.hpp"
#include "convolution_weights.hpp"
#include "split_work.hpp"

OCTET_BEGIN
namespace detail {

/// Convolution of floats in groups of few channels, as many in as out. The bits are those of GemmConvolution.
class GroupedConvolution {
 public:
  GroupedConvolution() = default;
  GroupedConvolution(const Kernels& kernels, const ConvolutionWeights<float>& w)
      : kernels_(&kernels), taps_(round_up(w.window.taps(), 4)), width_(kernels.lanes / w.group_in * w.group_in) {
    const std::int64_t vectors = (w.out_c + width_ - 1) / width_, taps = w.window.taps(), k = w.k();
    packed_ = AlignedBytes(static_cast<std::size_t>(vectors * k * kernels.lanes) * sizeof(float));
    auto* to = reinterpret_cast<float*>(packed_.data());
    std::fill_n(to, vectors * k * kernels.lanes, 0.0f);
    for (std::int64_t c = 0; c < w.out_c; ++c)
      for (std::int64_t t = 0; t < taps; ++t)
        for (std::int64_t i = 0; i < w.group_in; ++i)
          to[((c / width_ * taps + t) * w.group_in + i) * kernels.lanes + c % width_] =
              w.values[c * k + t * w.group_in + i];
  }

  /// Whether it is faster than a matrix product.
  static bool pays(const Kernels& kernels, const ConvolutionWeights<float>& w) noexcept {
    return w.groups > 1 && w.group_in > 1 && w.group_in * w.groups == w.out_c && 2 * w.group_in <= kernels.lanes &&
           w.repeat == 1 && !w.varies;
  }
  bool empty() const noexcept { return kernels_ == nullptr; }
  std::size_t packed_bytes() const noexcept { return packed_.size(); }
  /// Size in bytes of the padding that run needs: a row of zeros.
  static std::int64_t padding_bytes(const ConvolutionShape& s) noexcept { return s.in_w * s.in_c * 4; }

  /// Returns the size of the scratch memory of run in bytes.
  std::size_t plan(const ConvolutionShape& shape, int threads) {
    shape_ = shape;
    const WorkParts parts = split_work(shape.batch, shape.out_h, 1, shape.in_c, width_, 0, threads);
    row_parts_ = parts.rows;
    channel_parts_ = parts.columns;
    part_channels_ = round_up((shape.in_c + channel_parts_ - 1) / channel_parts_, width_);
    return static_cast<std::size_t>(threads * worker_bytes());
  }
  void run(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& epilogue,
           std::byte* scratch, ThreadPool& pool) const noexcept {
    pool.parallel(shape_.batch * row_parts_ * channel_parts_, [&](std::int64_t task, int worker) {
      const std::int64_t channel_part = task % channel_parts_, row_part = task / channel_parts_ % row_parts_;
      const std::int64_t image = task / channel_parts_ / row_parts_, first_row = image * shape_.out_h * shape_.out_w;
      Depthwise d = whole_image(init, padding, epilogue, scratch + worker * worker_bytes());
      d.in = in + image * shape_.in_h * shape_.in_w * shape_.in_c * 4;
      d.row_begin = shape_.out_h * row_part / row_parts_;
      d.row_end = shape_.out_h * (row_part + 1) / row_parts_;
      d.channel_begin = channel_part * part_channels_;
      d.channel_end = std::min(shape_.in_c, d.channel_begin + part_channels_);
      d.epilogue.out += first_row * epilogue.out_stride;
      if (epilogue.residual) d.epilogue.residual += first_row * epilogue.residual_stride;
      kernels_->grouped_f32(d);
    });
  }
  /// Computes output rows [first, last) of one image on the calling thread, after plan for one thread.
  void run_rows(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& epilogue,
                std::byte* scratch, std::int64_t first, std::int64_t last) const noexcept {
    Depthwise d = whole_image(init, padding, epilogue, scratch);
    d.in = in;
    d.row_begin = first;
    d.row_end = last;
    d.channel_end = shape_.in_c;
    kernels_->grouped_f32(d);
  }

 private:
  std::int64_t worker_bytes() const noexcept { return taps_ * static_cast<std::int64_t>(sizeof(void*)); }
  Depthwise whole_image(const std::byte* init, const std::byte* padding, const Epilogue& epilogue,
                        std::byte* scratch) const noexcept {
    Depthwise d;
    d.shape = shape_;
    d.weights = packed_.data();
    d.init = init;
    d.padding = padding;
    d.taps = reinterpret_cast<const std::byte**>(scratch);
    d.epilogue = epilogue;
    return d;
  }

  const Kernels* kernels_ = nullptr;
  std::int64_t taps_ = 0, width_ = 1;  // width: channels of a vector
  AlignedBytes packed_;                // [vectors][taps][inputs of a group][lanes]
  ConvolutionShape shape_;
  std::int64_t row_parts_ = 1, channel_parts_ = 1, part_channels_ = 0;
};

}  // namespace detail
OCTET_END
