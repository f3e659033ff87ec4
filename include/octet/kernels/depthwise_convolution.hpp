#pragma once
#include "channel_tasks.hpp"
#include "convolution_weights.hpp"
#include "repack.hpp"

OCTET_BEGIN
namespace detail {

/// Depthwise convolution: one filter per channel (groups = channels). T is the type of the weights: int8, with
/// uint8 images; int16, with int16 images; or float. With int8, groups of four channels, in and out, are possible, too.
template <class T>
class DepthwiseConvolution {
 public:
  static constexpr std::int64_t element = sizeof(T);

  DepthwiseConvolution() = default;
  DepthwiseConvolution(const Kernels& kernels, const ConvolutionWeights<T>& w)
      : kernels_(&kernels), repeat_(w.repeat), fours_(w.group_in == 4), tasks_(round_up(w.k() * w.repeat, 4), element) {
    const KernelWindow& window = w.window;
    by_rows_ = repeat_ == 1 && !fours_ &&
               (window.square(3, 1) || window.square(3, 2) || window.square(5, 1) || window.square(5, 2));
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
    const bool floats_3x3 = element == 4 && tasks_.shape().kernel_h == 3 && tasks_.shape().kernel_w == 3;
    if (fours_) return "groups of four";
    return by_rows_ || floats_3x3 ? "depthwise, along rows" : "depthwise, by pixel";
  }
  /// Replaces the weights by others of the same shape.
  void set_weights(const WeightsView& w, std::int64_t channels) noexcept { repack_depthwise(w, channels, packed_); }
  /// Size in bytes of the padding that run needs: a row of zero points.
  static std::int64_t padding_bytes(const ConvolutionShape& s) noexcept { return s.in_w * s.in_c * element; }

  std::size_t plan(const ConvolutionShape& shape, int threads) {
    return tasks_.plan(shape, 4 * kernels_->lanes, threads);
  }

  void run(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& epilogue,
           std::byte* scratch, ThreadPool& pool) const noexcept {
    tasks_.run(whole(init, padding, epilogue), in, scratch, pool, [&](const Depthwise& d) { run(d); });
  }

  /// Computes output rows [first, last) of one image on the calling thread, with worker_bytes of scratch memory.
  void run_rows(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& epilogue,
                std::byte* scratch, std::int64_t first, std::int64_t last) const noexcept {
    run(tasks_.rows(whole(init, padding, epilogue), in, scratch, first, last));
  }
  std::int64_t worker_bytes() const noexcept { return tasks_.worker_bytes(); }

 private:
  void run(const Depthwise& d) const noexcept {
    if (element == 1)
      kernels_->depthwise_u8s8(d);
    else if (element == 2)
      kernels_->depthwise_s16(d);
    else
      kernels_->depthwise_f32(d);
  }

  Depthwise whole(const std::byte* init, const std::byte* padding, const Epilogue& epilogue) const noexcept {
    Depthwise d;
    d.repeat = repeat_;
    d.by_rows = by_rows_;
    d.fours = fours_;
    d.weights = packed_.data();
    d.init = init;
    d.padding = padding;
    d.epilogue = epilogue;
    return d;
  }

  const Kernels* kernels_ = nullptr;
  std::int64_t repeat_ = 1;
  bool by_rows_ = false, fours_ = false;
  AlignedBytes packed_;
  ChannelTasks tasks_;
};

}  // namespace detail
OCTET_END
