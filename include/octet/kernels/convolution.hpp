#pragma once
#include <vector>

#include "../core/thread_pool.hpp"
#include "pack.hpp"

OCTET_BEGIN
namespace detail {

/// Sizes of a 2-D convolution on NHWC tensors.
struct ConvolutionShape {
  std::int64_t batch = 1, in_h = 1, in_w = 1, in_c = 1, out_h = 1, out_w = 1, out_c = 1;
  std::int64_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  std::int64_t pad_top = 0, pad_left = 0, groups = 1;

  std::int64_t group_in() const noexcept { return in_c / groups; }
  std::int64_t group_out() const noexcept { return out_c / groups; }
  std::int64_t rows() const noexcept { return batch * out_h * out_w; }
  /// Whether the input, as it lies in memory, is the matrix to multiply.
  bool pointwise() const noexcept {
    return kernel_h == 1 && kernel_w == 1 && stride_h == 1 && stride_w == 1 && in_h == out_h && in_w == out_w &&
           pad_top == 0 && pad_left == 0 && groups == 1;
  }
};

/// Convolution as a matrix product whose left operand is gathered block by block (implicit GEMM), or read in place
/// where it can be. T is float or int8 (the weights' type; activations are then uint8).
template <class T>
class GemmConvolution {
 public:
  static constexpr std::int64_t element = sizeof(T);  // of an activation

  GemmConvolution() = default;
  /// weights: OHWI, [out_c][kernel_h * kernel_w * group_in]. With repeat = 2, two such matrices side by side in each
  /// row, both multiplied with the same activations.
  GemmConvolution(const Kernels& kernels, const T* weights, std::int64_t out_c, std::int64_t k, std::int64_t groups,
                  std::int64_t repeat = 1)
      : kernels_(&kernels), repeat_(repeat) {
    for (std::int64_t g = 0; g < groups; ++g)
      packed_.push_back(pack_matrix(kernels, weights + g * (out_c / groups) * k * repeat, out_c / groups, k * repeat));
  }

  std::size_t packed_bytes() const noexcept {
    std::size_t n = 0;
    for (const PackedMatrix& p : packed_) n += p.data.size();
    return n;
  }

  /// Splits the work for that many threads. Returns the bytes of scratch that run needs. With `dynamic` (1x1 kernels
  /// without groups only) run takes floats, and quantizes each pixel by its own range.
  std::size_t plan(const ConvolutionShape& shape, int threads, bool dynamic = false) {
    shape_ = shape;
    dynamic_ = dynamic;
    const std::int64_t row_bytes = packed_[0].k * element;
    in_place_ = !dynamic && shape.pointwise() && repeat_ == 1 && row_bytes % 4 == 0;
    row_stride_ = in_place_ ? row_bytes : round_up(row_bytes, 64);
    const std::int64_t tile = element == 1 ? kernels_->rows_u8 : kernels_->rows_f32;
    const std::int64_t rows = std::max<std::int64_t>(1, shape.rows()), columns = shape.group_out();
    // A block of rows stays in the L2 cache while all panels of weights pass by.
    constexpr std::int64_t block_bytes = 192 * 1024;
    block_rows_ = std::max(tile, block_bytes / std::max<std::int64_t>(row_stride_, 1) / tile * tile);
    std::int64_t row_parts = (rows + block_rows_ - 1) / block_rows_;
    column_parts_ = 1;
    if (row_parts % threads != 0) {
      if (rows >= 4 * tile * threads)
        row_parts = round_up(row_parts, threads);
      else
        column_parts_ = std::clamp<std::int64_t>((columns + kernels_->panel_columns - 1) / kernels_->panel_columns, 1, threads);
    }
    block_rows_ = std::min(block_rows_, round_up((rows + row_parts - 1) / row_parts, tile));
    part_columns_ = round_up((columns + column_parts_ - 1) / column_parts_, kernels_->panel_columns);
    row_parts_ = (rows + block_rows_ - 1) / block_rows_;
    worker_bytes_ = in_place_ ? 0 : round_up(block_rows_ * row_stride_ + 64, 64);
    if (dynamic) worker_bytes_ += round_up(block_rows_ * 8, 64);  // a scale and a shift for each row
    return static_cast<std::size_t>(worker_bytes_ * threads);
  }

  /// `padding` holds kernel_w * group_in zero points, `init` one accumulator an output channel (padded); the
  /// epilogue's arrays and output begin at channel 0.
  void run(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& epilogue,
           std::int64_t out_element, std::byte* scratch, ThreadPool& pool) const noexcept {
    const std::int64_t tasks = shape_.rows() == 0 ? 0 : shape_.groups * row_parts_ * column_parts_;
    pool.parallel(tasks, [&](std::int64_t task, int worker) {
      const std::int64_t column_part = task % column_parts_, row_part = task / column_parts_ % row_parts_;
      const std::int64_t group = task / column_parts_ / row_parts_;
      const std::int64_t first_row = row_part * block_rows_, first_column = column_part * part_columns_;
      const PackedMatrix& b = packed_[static_cast<std::size_t>(group)];
      Gemm g;
      g.rows = std::min(block_rows_, shape_.rows() - first_row);
      g.columns = std::min(part_columns_, b.columns - first_column);
      if (g.columns <= 0) return;
      g.steps = b.steps;
      g.b = b.panel(first_column);
      g.a_stride = row_stride_;
      const std::int64_t channel = group * shape_.group_out() + first_column;
      g.init = init + channel * 4;
      g.epilogue = shifted(epilogue, first_row, channel, out_element);
      std::byte* block = scratch + worker * worker_bytes_;
      g.a = in_place_ ? in + first_row * row_stride_ : block;
      if (dynamic_) {
        auto* scales = reinterpret_cast<float*>(block + round_up(block_rows_ * row_stride_ + 64, 64));
        quantize_rows(in, first_row, g.rows, block, scales, scales + block_rows_);
        g.epilogue.row_scale = scales, g.epilogue.row_shift = scales + block_rows_;
      } else if (!in_place_) {
        gather(in, padding, group, first_row, g.rows, block);
      }
      element == 1 ? kernels_->gemm_u8s8(g) : kernels_->gemm_f32(g);
    });
  }

 private:
  void gather(const std::byte* in, const std::byte* padding, std::int64_t group, std::int64_t first, std::int64_t count,
              std::byte* rows) const noexcept {
    Gather g;
    g.in = in + group * shape_.group_in() * element;
    g.height = shape_.in_h, g.width = shape_.in_w;
    g.pixel_bytes = shape_.in_c * element;
    g.run_bytes = shape_.group_in() * element;
    g.kernel_h = shape_.kernel_h, g.kernel_w = shape_.kernel_w;
    g.stride_h = shape_.stride_h, g.stride_w = shape_.stride_w;
    g.dilation_h = shape_.dilation_h, g.dilation_w = shape_.dilation_w;
    g.pad_top = shape_.pad_top, g.pad_left = shape_.pad_left;
    g.out_h = shape_.out_h, g.out_w = shape_.out_w;
    g.padding = padding;
    g.first = first, g.count = count;
    g.rows = rows, g.row_stride = row_stride_;
    g.repeat = repeat_;
    kernels_->gather(g);
  }

  void quantize_rows(const std::byte* in, std::int64_t first, std::int64_t count, std::byte* rows, float* scales,
                     float* shifts) const noexcept {
    const std::int64_t plane = shape_.out_h * shape_.out_w;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t row = first + i, y = row % plane / shape_.out_w, x = row % shape_.out_w;
      const std::int64_t pixel = (row / plane * shape_.in_h + y * shape_.stride_h) * shape_.in_w + x * shape_.stride_w;
      kernels_->quantize_row(reinterpret_cast<const float*>(in) + pixel * shape_.in_c, shape_.in_c,
                             reinterpret_cast<std::uint8_t*>(rows + i * row_stride_), scales + i, shifts + i);
    }
  }

  static Epilogue shifted(Epilogue e, std::int64_t row, std::int64_t channel, std::int64_t out_element) noexcept {
    if (e.scale) e.scale += channel;
    if (e.shift) e.shift += channel;
    if (e.sums) e.sums += channel;
    e.out += row * e.out_stride + channel * out_element;
    if (e.residual) e.residual += row * e.residual_stride + channel * out_element;
    e.first_row += row, e.first_column += channel;
    return e;
  }

  const Kernels* kernels_ = nullptr;
  std::int64_t repeat_ = 1;
  std::vector<PackedMatrix> packed_;  // one a group
  ConvolutionShape shape_;
  bool in_place_ = false, dynamic_ = false;
  std::int64_t row_stride_ = 0, block_rows_ = 1, row_parts_ = 1, column_parts_ = 1, part_columns_ = 0, worker_bytes_ = 0;
};

/// Depthwise convolution: one filter a channel (groups = channels).
template <class T>
class DepthwiseConvolution {
 public:
  static constexpr std::int64_t element = sizeof(T);

  DepthwiseConvolution() = default;
  /// weights: [repeat * taps][channels]
  DepthwiseConvolution(const Kernels& kernels, const T* weights, std::int64_t taps, std::int64_t channels,
                       std::int64_t repeat = 1)
      : kernels_(&kernels), repeat_(repeat), taps_(round_up(taps * repeat, 4)),
        packed_(pack_depthwise(weights, taps * repeat, channels)) {}

  std::size_t packed_bytes() const noexcept { return packed_.size(); }
  /// Bytes of padding run wants: a row of zero points.
  static std::int64_t padding_bytes(const ConvolutionShape& s) noexcept { return s.in_w * s.in_c * element; }

  std::size_t plan(const ConvolutionShape& shape, int threads) {
    shape_ = shape;
    // Parts of rows first (neighbouring parts share input rows in the cache), then of channels.
    const std::int64_t blocks = (shape.in_c + depthwise_block - 1) / depthwise_block;
    row_parts_ = std::min<std::int64_t>(shape.out_h, threads);
    channel_parts_ = shape.batch * row_parts_ % threads == 0 ? 1 : std::min<std::int64_t>(blocks, threads);
    part_channels_ = (blocks + channel_parts_ - 1) / channel_parts_ * depthwise_block;
    return static_cast<std::size_t>(threads * taps_) * sizeof(void*);
  }

  void run(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& epilogue,
           std::byte* scratch, ThreadPool& pool) const noexcept {
    const std::int64_t tasks = shape_.batch * row_parts_ * channel_parts_;
    pool.parallel(tasks, [&](std::int64_t task, int worker) {
      const std::int64_t channel_part = task % channel_parts_, row_part = task / channel_parts_ % row_parts_;
      const std::int64_t image = task / channel_parts_ / row_parts_;
      Depthwise d;
      d.in = in + image * shape_.in_h * shape_.in_w * shape_.in_c * element;
      d.height = shape_.in_h, d.width = shape_.in_w, d.channels = shape_.in_c;
      d.kernel_h = shape_.kernel_h, d.kernel_w = shape_.kernel_w;
      d.stride_h = shape_.stride_h, d.stride_w = shape_.stride_w;
      d.dilation_h = shape_.dilation_h, d.dilation_w = shape_.dilation_w;
      d.pad_top = shape_.pad_top, d.pad_left = shape_.pad_left;
      d.repeat = repeat_;
      d.out_w = shape_.out_w;
      d.row_begin = shape_.out_h * row_part / row_parts_, d.row_end = shape_.out_h * (row_part + 1) / row_parts_;
      d.channel_begin = channel_part * part_channels_;
      d.channel_end = std::min(shape_.in_c, d.channel_begin + part_channels_);
      d.weights = packed_.data();
      d.init = init, d.padding = padding;
      d.taps = reinterpret_cast<const std::byte**>(scratch) + worker * taps_;
      d.epilogue = epilogue;
      const std::int64_t first_row = image * shape_.out_h * shape_.out_w;
      d.epilogue.out += first_row * epilogue.out_stride;
      if (epilogue.residual) d.epilogue.residual += first_row * epilogue.residual_stride;
      d.epilogue.first_row += first_row;
      element == 1 ? kernels_->depthwise_u8s8(d) : kernels_->depthwise_f32(d);
    });
  }

 private:
  const Kernels* kernels_ = nullptr;
  std::int64_t repeat_ = 1, taps_ = 0;
  AlignedBytes packed_;
  ConvolutionShape shape_;
  std::int64_t row_parts_ = 1, channel_parts_ = 1, part_channels_ = 0;
};

}  // namespace detail
OCTET_END
