#pragma once
#include "common.hpp"

OCTET_BEGIN
namespace detail {

/// The gradient with respect to a convolution's weights: for each output channel and window element, the sum over all
/// output pixels of gradient times input. The order of additions does not depend on the number of threads: tasks own
/// columns (window elements); if there are few, pixels are also split into parts whose sums are added in order.
class WeightGradient {
 public:
  /// Returns the size of the scratch memory that run needs, in bytes.
  std::size_t plan(const Kernels& kernels, const ConvolutionShape& s, int threads, bool bf16_products) {
    kernels_ = &kernels;
    shape_ = s;
    pairs_ = bf16_products && kernels.gradient.outer_product_bf16;
    depthwise_ = s.groups > 1 && s.groups == s.out_c && s.groups == s.in_c;
    size_ = s.out_c * s.taps() * s.group_in();
    if (depthwise_) {
      blocks_ = (s.in_c + channel_block - 1) / channel_block;
      parts_ = std::clamp<std::int64_t>(tasks_wanted / blocks_, 1, std::max<std::int64_t>(1, s.batch));
      return static_cast<std::size_t>(parts_ * size_ * 4);
    }
    in_place_ = s.pointwise();
    padding_ = Tensor<float>({s.kernel_w * s.group_in()});
    choose_columns();
    parts_ = std::clamp<std::int64_t>((tasks_wanted + blocks_ * s.groups - 1) / (blocks_ * s.groups), 1,
                                      std::max<std::int64_t>(1, (s.rows() + depth - 1) / depth));
    row_stride_ = round_up(columns_ * 4, 64) + 64;  // not a power of two, which would cause cache conflicts
    windows_ = in_place_ ? 0 : round_up(depth * row_stride_ + 64, 64);
    rows_ = skips_ ? round_up(depth * s.group_out() * 4, 64) : 0;
    worker_ = windows_ + rows_ + (pairs_ ? pair_bytes(s.group_out()) + pair_bytes(columns_) : 0);
    return static_cast<std::size_t>(threads * worker_ + (parts_ > 1 ? parts_ * size_ * 4 : 0));
  }

  /// in: [N, H, W, I]; gradient: [N, out_h, out_w, O], with respect to the output; out: [O, kernel_h, kernel_w, I /
  /// groups].
  void run(const float* in, const float* gradient, float* out, std::byte* scratch, ThreadPool& pool) const noexcept {
    if (depthwise_)
      by_channel(in, gradient, out, scratch, pool);
    else
      by_matrix(in, gradient, out, scratch, pool);
  }

 private:
  static constexpr std::int64_t tasks_wanted = 16;   // enough for load balancing
  static constexpr std::int64_t depth = 256;         // pixels per block
  static constexpr std::int64_t channel_block = 64;  // for depthwise convolutions

  /// Chooses the columns of a task: whole windows, a row of taps, or some channels of one tap. With many output
  /// channels, tasks have few columns, so that the sums stay in the cache. For small images, tasks have one tap and
  /// skip the pixels where it is on the padding.
  void choose_columns() {
    const std::int64_t channels = shape_.group_in(), row = shape_.kernel_w * channels, taps = shape_.kernel_h * row;
    const std::int64_t most = shape_.group_out() <= 128 ? 576 : 256;
    const bool padded = shape_.pad_top > 0 || shape_.pad_left > 0;
    skips_ = padded && channels >= 64 && shape_.out_h <= 8 && shape_.out_w <= 8;
    channels_ = channels;
    taps_w_ = shape_.kernel_w;
    taps_h_ = shape_.kernel_h;
    if (taps > most || skips_) taps_h_ = 1;
    if ((taps_h_ == 1 && row > most) || skips_) {
      taps_w_ = 1;
      const std::int64_t blocks = std::max((channels + most - 1) / most, tasks_wanted / (shape_.taps()));
      channels_ = std::max<std::int64_t>(64, round_up((channels + blocks - 1) / blocks, 32));
    }
    columns_ = taps_h_ * taps_w_ * std::min(channels_, channels);
    blocks_ = (shape_.kernel_h / taps_h_) * (shape_.kernel_w / taps_w_) * ((channels + channels_ - 1) / channels_);
  }

  /// The columns of a task, and the output pixels at which they are not all padding.
  struct Task {
    std::int64_t group = 0, ky = 0, kx = 0, channel = 0, channels = 0;
    std::int64_t first_y = 0, first_x = 0, height = 0, width = 0;
    std::int64_t begin = 0, end = 0;  // of these pixels, counted over all images
  };

  Task task(std::int64_t index) const noexcept {
    const std::int64_t channel_blocks = (shape_.group_in() + channels_ - 1) / channels_;
    const std::int64_t part = index % parts_, block = index / parts_ % blocks_, tap = block / channel_blocks;
    const std::int64_t taps_across = shape_.kernel_w / taps_w_;
    Task t;
    t.group = index / parts_ / blocks_;
    t.ky = tap / taps_across * taps_h_;
    t.kx = tap % taps_across * taps_w_;
    t.channel = block % channel_blocks * channels_;
    t.channels = std::min(channels_, shape_.group_in() - t.channel);
    t.height = shape_.out_h;
    t.width = shape_.out_w;
    if (skips_) {
      const TapRange y(t.ky * shape_.dilation_h - shape_.pad_top, shape_.in_h, shape_.stride_h, shape_.out_h);
      const TapRange x(t.kx * shape_.dilation_w - shape_.pad_left, shape_.in_w, shape_.stride_w, shape_.out_w);
      t.first_y = y.first;
      t.height = y.end - y.first;
      t.first_x = x.first;
      t.width = x.end - x.first;
    }
    const std::int64_t pixels = shape_.batch * t.height * t.width, pieces = (pixels + depth - 1) / depth;
    t.begin = pieces * part / parts_ * depth;
    t.end = std::min(pixels, pieces * (part + 1) / parts_ * depth);
    return t;
  }

  void by_matrix(const float* in, const float* gradient, float* out, std::byte* scratch,
                 ThreadPool& pool) const noexcept {
    auto* sums = reinterpret_cast<float*>(scratch + pool.size() * worker_);
    pool.parallel(parts_ * blocks_ * shape_.groups, [&](std::int64_t index, int worker) {
      float* to = parts_ > 1 ? sums + index % parts_ * size_ : out;
      run_task(task(index), in, gradient, to, scratch + worker * worker_);
    });
    if (parts_ > 1) add_parts(sums, out, pool);
  }

  void run_task(const Task& t, const float* in, const float* gradient, float* out, std::byte* scratch) const noexcept {
    const std::int64_t k = shape_.taps() * shape_.group_in();
    auto *windows = reinterpret_cast<float*>(scratch), *rows = reinterpret_cast<float*>(scratch + windows_);
    OuterProduct p;
    p.rows = shape_.group_out();
    p.columns = taps_h_ * taps_w_ * t.channels;
    p.a_stride = skips_ ? shape_.group_out() : shape_.out_c;
    p.b_stride = in_place_ ? shape_.in_c : row_stride_ / 4;
    p.c = out + t.group * shape_.group_out() * k + (t.ky * shape_.kernel_w + t.kx) * shape_.group_in() + t.channel;
    p.c_stride = k;
    for (std::int64_t o = 0; o < p.rows; ++o) std::fill(p.c + o * k, p.c + o * k + p.columns, 0.0f);
    const float* gradients = gradient + t.group * shape_.group_out();
    for (std::int64_t first = t.begin; first < t.end; first += depth) {
      p.depth = std::min(depth, t.end - first);
      p.a = skips_ ? rows : gradients + first * shape_.out_c;
      p.b = in_place_ ? in + first * shape_.in_c + t.channel : windows;
      if (skips_)
        gather_inside(t, in, gradients, first, p.depth, windows, rows);
      else if (!in_place_)
        gather(t, in, first, p.depth, windows);
      if (pairs_)
        add_pairs(p, scratch + windows_ + rows_);
      else
        kernels_->gradient.outer_product(p);
    }
  }

  /// Adds the outer product of both operands rounded to bfloat16.
  void add_pairs(OuterProduct p, std::byte* room) const noexcept {
    const auto pack = [&](const float*& x, std::int64_t& stride, std::int64_t columns) {
      kernels_->gradient.pack_pairs({x, stride, p.depth, columns, room, pair_stride(columns)});
      x = reinterpret_cast<const float*>(room);
      stride = pair_stride(columns);
      room += pair_bytes(columns);
    };
    pack(p.a, p.a_stride, p.rows);
    pack(p.b, p.b_stride, p.columns);
    p.depth = (p.depth + 1) / 2;
    kernels_->gradient.outer_product_bf16(p);
  }
  static std::int64_t pair_stride(std::int64_t columns) noexcept { return round_up(columns, 16) + 16; }
  static std::int64_t pair_bytes(std::int64_t columns) noexcept { return depth / 2 * pair_stride(columns) * 4; }

  /// Gathers windows and gradients of pixels for a task that skips some.
  void gather_inside(const Task& t, const float* in, const float* gradients, std::int64_t first, std::int64_t count,
                     float* windows, float* rows) const noexcept {
    for (std::int64_t i = first, end = first + count; i < end;) {
      const std::int64_t x = i % t.width, y = i / t.width % t.height, image = i / t.width / t.height;
      const std::int64_t n = std::min(t.width - x, end - i);
      const std::int64_t pixel = (image * shape_.out_h + t.first_y + y) * shape_.out_w + t.first_x + x;
      gather(t, in, pixel, n, windows);
      for (std::int64_t k = 0; k < n; ++k, rows += shape_.group_out()) {
        const float* from = gradients + (pixel + k) * shape_.out_c;
        std::copy(from, from + shape_.group_out(), rows);
      }
      windows += n * (row_stride_ / 4);
      i += n;
    }
  }

  /// Gathers the task's columns of the windows of consecutive pixels.
  void gather(const Task& t, const float* in, std::int64_t first, std::int64_t count, float* windows) const noexcept {
    Gather g;
    g.shape = shape_;
    g.in = reinterpret_cast<const std::byte*>(in + t.group * shape_.group_in() + t.channel);
    g.pixel_bytes = shape_.in_c * 4;
    g.run_bytes = t.channels * 4;
    g.shape.kernel_h = taps_h_;
    g.shape.kernel_w = taps_w_;
    g.shape.pad_top -= t.ky * shape_.dilation_h;
    g.shape.pad_left -= t.kx * shape_.dilation_w;
    g.padding = padding_.bytes();
    g.first = first;
    g.count = count;
    g.rows = reinterpret_cast<std::byte*>(windows);
    g.row_stride = row_stride_;
    kernels_->gather(g);
  }

  void by_channel(const float* in, const float* gradient, float* out, std::byte* scratch,
                  ThreadPool& pool) const noexcept {
    auto* sums = reinterpret_cast<float*>(scratch);
    const std::int64_t in_image = shape_.in_h * shape_.in_w * shape_.in_c,
                       out_image = shape_.out_h * shape_.out_w * shape_.out_c;
    pool.parallel(parts_ * blocks_, [&](std::int64_t index, int) {
      const std::int64_t part = index % parts_, first = shape_.batch * part / parts_;
      DepthwiseWeights d;
      d.shape = shape_;
      d.shape.batch = shape_.batch * (part + 1) / parts_ - first;
      d.in = in + first * in_image;
      d.gradient = gradient + first * out_image;
      d.channel_begin = index / parts_ * channel_block;
      d.channel_end = std::min(shape_.in_c, d.channel_begin + channel_block);
      d.sums = sums + part * size_;
      for (std::int64_t t = 0; t < shape_.taps(); ++t)
        std::fill(d.sums + t * d.shape.in_c + d.channel_begin, d.sums + t * d.shape.in_c + d.channel_end, 0.0f);
      kernels_->gradient.depthwise_weights(d);
    });
    // Converts [taps][channels] of all parts to [channels][taps].
    const std::int64_t taps = shape_.taps();
    for (std::int64_t t = 0; t < taps; ++t)
      for (std::int64_t c = 0; c < shape_.in_c; ++c) {
        float sum = sums[t * shape_.in_c + c];
        for (std::int64_t part = 1; part < parts_; ++part) sum += sums[part * size_ + t * shape_.in_c + c];
        out[c * taps + t] = sum;
      }
  }

  void add_parts(const float* sums, float* out, ThreadPool& pool) const noexcept {
    parallel_parts(pool, size_, 4096, [&](std::int64_t from, std::int64_t n) {
      std::copy(sums + from, sums + from + n, out + from);
      for (std::int64_t part = 1; part < parts_; ++part)
        kernels_->gradient.add_scaled(sums + part * size_ + from, 1, out + from, n);
    });
  }

  const Kernels* kernels_ = nullptr;
  ConvolutionShape shape_;
  bool depthwise_ = false, in_place_ = false, skips_ = false, pairs_ = false;
  std::int64_t size_ = 0, parts_ = 1, blocks_ = 1;
  std::int64_t taps_h_ = 1, taps_w_ = 1, channels_ = 1, columns_ = 0;  // of a task
  std::int64_t row_stride_ = 0, windows_ = 0, rows_ = 0, worker_ = 0;  // bytes
  Tensor<float> padding_;
};

}  // namespace detail
OCTET_END
