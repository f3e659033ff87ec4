#pragma once
#include "common.hpp"

OCTET_BEGIN
namespace detail {

/// The gradient by a convolution's weights: for each output channel and element of its windows, the sum over all output
/// pixels of gradient times input. Who adds what does not depend on the threads: tasks own columns (elements of the
/// window); where these are few, pixels are divided as well, into parts whose sums are added in their order.
class WeightGradient {
 public:
  /// Returns the bytes of scratch that run needs.
  std::size_t plan(const Kernels& kernels, const ConvolutionShape& s, int threads) {
    kernels_ = &kernels;
    shape_ = s;
    depthwise_ = s.groups > 1 && s.groups == s.out_c && s.groups == s.in_c;
    size_ = s.out_c * s.kernel_h * s.kernel_w * s.group_in();
    if (depthwise_) {
      blocks_ = (s.in_c + channel_block - 1) / channel_block;
      parts_ = std::clamp<std::int64_t>(tasks_wanted / blocks_, 1, std::max<std::int64_t>(1, s.batch));
      return static_cast<std::size_t>(parts_ * size_ * 4);
    }
    in_place_ = s.pointwise();
    padding_ = Tensor<float>({s.kernel_w * s.group_in()});
    choose_columns();
    const std::int64_t pieces = std::max<std::int64_t>(1, (s.rows() + depth - 1) / depth);
    parts_ = std::clamp<std::int64_t>((tasks_wanted + blocks_ * s.groups - 1) / (blocks_ * s.groups), 1, pieces);
    row_stride_ = round_up(columns_ * 4, 64) + 64;  // no power of two, which would lie in few sets of the cache
    gathered_ = in_place_ ? 0 : round_up(depth * row_stride_ + 64, 64);
    return static_cast<std::size_t>(threads * gathered_ + (parts_ > 1 ? parts_ * size_ * 4 : 0));
  }

  /// in: [N, H, W, I]; gradient: [N, out_h, out_w, O] by the output; out: [O, kernel_h, kernel_w, I / groups].
  void run(const float* in, const float* gradient, float* out, std::byte* scratch, ThreadPool& pool) const noexcept {
    depthwise_ ? by_channel(in, gradient, out, scratch, pool) : by_matrix(in, gradient, out, scratch, pool);
  }

 private:
  static constexpr std::int64_t tasks_wanted = 16;   // enough for the threads to share
  static constexpr std::int64_t depth = 256;         // pixels at a time
  static constexpr std::int64_t channel_block = 64;  // of depthwise convolutions
  static constexpr std::int64_t most_columns = 256;

  /// Columns of a task: whole windows, a row of their taps, or some channels of one tap.
  void choose_columns() {
    const std::int64_t channels = shape_.group_in(), row = shape_.kernel_w * channels;
    channels_ = channels, taps_w_ = shape_.kernel_w, taps_h_ = shape_.kernel_h;
    if (shape_.kernel_h * row > most_columns) taps_h_ = 1;
    if (taps_h_ == 1 && row > most_columns) {
      taps_w_ = 1;
      const std::int64_t taps = shape_.kernel_h * shape_.kernel_w,
                         blocks = std::max((channels + most_columns - 1) / most_columns, tasks_wanted / taps);
      channels_ = std::max<std::int64_t>(64, round_up((channels + blocks - 1) / blocks, 32));
    }
    columns_ = taps_h_ * taps_w_ * std::min(channels_, channels);
    blocks_ = (shape_.kernel_h / taps_h_) * (shape_.kernel_w / taps_w_) * ((channels + channels_ - 1) / channels_);
  }

  void by_matrix(const float* in, const float* gradient, float* out, std::byte* scratch,
                 ThreadPool& pool) const noexcept {
    auto* sums = reinterpret_cast<float*>(scratch + pool.size() * gathered_);
    const std::int64_t channel_blocks = (shape_.group_in() + channels_ - 1) / channels_;
    const std::int64_t pieces = (shape_.rows() + depth - 1) / depth, tasks = parts_ * blocks_ * shape_.groups;
    pool.parallel(tasks, [&](std::int64_t task, int worker) {
      const std::int64_t part = task % parts_, block = task / parts_ % blocks_, group = task / parts_ / blocks_;
      const std::int64_t tap = block / channel_blocks, taps_across = shape_.kernel_w / taps_w_;
      Columns c;
      c.group = group;
      c.ky = tap / taps_across * taps_h_, c.kx = tap % taps_across * taps_w_;
      c.channel = block % channel_blocks * channels_;
      c.channels = std::min(channels_, shape_.group_in() - c.channel);
      float* to = parts_ > 1 ? sums + part * size_ : out;
      add_rows(in, gradient, to, c, pieces * part / parts_ * depth,
               std::min(shape_.rows(), pieces * (part + 1) / parts_ * depth), scratch + worker * gathered_);
    });
    if (parts_ > 1) add_parts(sums, out, pool);
  }

  /// A task's columns.
  struct Columns {
    std::int64_t group = 0, ky = 0, kx = 0, channel = 0, channels = 0;
  };

  /// The sums over the output pixels [first, end).
  void add_rows(const float* in, const float* gradient, float* out, const Columns& c, std::int64_t first,
                std::int64_t end, std::byte* gathered) const noexcept {
    const std::int64_t k = shape_.kernel_h * shape_.kernel_w * shape_.group_in(), channels = shape_.group_in();
    OuterProduct p;
    p.rows = shape_.group_out(), p.columns = taps_h_ * taps_w_ * c.channels;
    p.a_stride = shape_.out_c;
    p.b_stride = in_place_ ? shape_.in_c : row_stride_ / 4;
    p.c = out + c.group * shape_.group_out() * k + (c.ky * shape_.kernel_w + c.kx) * channels + c.channel;
    p.c_stride = k;
    for (std::int64_t o = 0; o < p.rows; ++o) std::fill(p.c + o * k, p.c + o * k + p.columns, 0.0f);
    for (std::int64_t row = first; row < end; row += depth) {
      p.depth = std::min(depth, end - row);
      p.a = gradient + row * shape_.out_c + c.group * shape_.group_out();
      p.b = in_place_ ? in + row * shape_.in_c + c.channel : reinterpret_cast<const float*>(gathered);
      if (!in_place_) gather(in, c, row, p.depth, gathered);
      kernels_->gradient.outer_product(p);
    }
  }

  void gather(const float* in, const Columns& c, std::int64_t first, std::int64_t count,
              std::byte* rows) const noexcept {
    Gather g;
    g.in = reinterpret_cast<const std::byte*>(in + c.group * shape_.group_in() + c.channel);
    g.height = shape_.in_h, g.width = shape_.in_w;
    g.pixel_bytes = shape_.in_c * 4, g.run_bytes = c.channels * 4;
    g.kernel_h = taps_h_, g.kernel_w = taps_w_;
    g.stride_h = shape_.stride_h, g.stride_w = shape_.stride_w;
    g.dilation_h = shape_.dilation_h, g.dilation_w = shape_.dilation_w;
    g.pad_top = shape_.pad_top - c.ky * shape_.dilation_h, g.pad_left = shape_.pad_left - c.kx * shape_.dilation_w;
    g.out_h = shape_.out_h, g.out_w = shape_.out_w;
    g.padding = padding_.bytes();
    g.first = first, g.count = count;
    g.rows = rows, g.row_stride = row_stride_;
    kernels_->gather(g);
  }

  void by_channel(const float* in, const float* gradient, float* out, std::byte* scratch,
                  ThreadPool& pool) const noexcept {
    auto* sums = reinterpret_cast<float*>(scratch);
    const std::int64_t in_image = shape_.in_h * shape_.in_w * shape_.in_c,
                       out_image = shape_.out_h * shape_.out_w * shape_.out_c;
    pool.parallel(parts_ * blocks_, [&](std::int64_t task, int) {
      const std::int64_t part = task % parts_, first = shape_.batch * part / parts_;
      DepthwiseWeights d;
      d.images = shape_.batch * (part + 1) / parts_ - first;
      d.in = in + first * in_image, d.gradient = gradient + first * out_image;
      d.height = shape_.in_h, d.width = shape_.in_w, d.channels = shape_.in_c;
      d.out_h = shape_.out_h, d.out_w = shape_.out_w;
      d.kernel_h = shape_.kernel_h, d.kernel_w = shape_.kernel_w;
      d.stride_h = shape_.stride_h, d.stride_w = shape_.stride_w;
      d.dilation_h = shape_.dilation_h, d.dilation_w = shape_.dilation_w;
      d.pad_top = shape_.pad_top, d.pad_left = shape_.pad_left;
      d.channel_begin = task / parts_ * channel_block;
      d.channel_end = std::min(shape_.in_c, d.channel_begin + channel_block);
      d.sums = sums + part * size_;
      for (std::int64_t t = 0; t < shape_.kernel_h * shape_.kernel_w; ++t)
        std::fill(d.sums + t * d.channels + d.channel_begin, d.sums + t * d.channels + d.channel_end, 0.0f);
      kernels_->gradient.depthwise_weights(d);
    });
    // [taps][channels] of all parts to [channels][taps].
    const std::int64_t taps = shape_.kernel_h * shape_.kernel_w;
    for (std::int64_t t = 0; t < taps; ++t)
      for (std::int64_t c = 0; c < shape_.in_c; ++c) {
        float sum = sums[t * shape_.in_c + c];
        for (std::int64_t part = 1; part < parts_; ++part) sum += sums[part * size_ + t * shape_.in_c + c];
        out[c * taps + t] = sum;
      }
  }

  void add_parts(const float* sums, float* out, ThreadPool& pool) const noexcept {
    constexpr std::int64_t piece = 4096;
    pool.parallel((size_ + piece - 1) / piece, [&](std::int64_t t, int) {
      const std::int64_t from = t * piece, n = std::min(piece, size_ - from);
      std::copy(sums + from, sums + from + n, out + from);
      for (std::int64_t part = 1; part < parts_; ++part)
        kernels_->gradient.add_scaled(sums + part * size_ + from, 1, out + from, n);
    });
  }

  const Kernels* kernels_ = nullptr;
  ConvolutionShape shape_;
  bool depthwise_ = false, in_place_ = false;
  std::int64_t size_ = 0, parts_ = 1, blocks_ = 1;
  std::int64_t taps_h_ = 1, taps_w_ = 1, channels_ = 1, columns_ = 0;  // of a task
  std::int64_t row_stride_ = 0, gathered_ = 0;                         // bytes
  Tensor<float> padding_;
};

}  // namespace detail
OCTET_END
