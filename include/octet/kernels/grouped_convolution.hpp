#pragma once
#include "channel_tasks.hpp"
#include "convolution_weights.hpp"

OCTET_BEGIN
namespace detail {

/// Convolution of floats in groups of few channels, as many in as out. The bits are those of GemmConvolution.
class GroupedConvolution {
 public:
  GroupedConvolution() = default;
  GroupedConvolution(const Kernels& kernels, const ConvolutionWeights<float>& w)
      : kernels_(&kernels),
        width_(kernels.lanes / w.group_in * w.group_in),
        tasks_(round_up(w.window.taps(), 4), sizeof(float)) {
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
  std::size_t plan(const ConvolutionShape& shape, int threads) { return tasks_.plan(shape, width_, threads); }
  void run(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& epilogue,
           std::byte* scratch, ThreadPool& pool) const noexcept {
    tasks_.run(whole(init, padding, epilogue), in, scratch, pool, kernels_->grouped_f32);
  }
  /// Computes output rows [first, last) of one image on the calling thread, after plan for one thread.
  void run_rows(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& epilogue,
                std::byte* scratch, std::int64_t first, std::int64_t last) const noexcept {
    kernels_->grouped_f32(tasks_.rows(whole(init, padding, epilogue), in, scratch, first, last));
  }

 private:
  Depthwise whole(const std::byte* init, const std::byte* padding, const Epilogue& epilogue) const noexcept {
    Depthwise d;
    d.weights = packed_.data();
    d.init = init;
    d.padding = padding;
    d.epilogue = epilogue;
    return d;
  }

  const Kernels* kernels_ = nullptr;
  std::int64_t width_ = 1;  // channels of a vector
  AlignedBytes packed_;     // [vectors][taps][inputs of a group][lanes]
  ChannelTasks tasks_;
};

}  // namespace detail
OCTET_END
