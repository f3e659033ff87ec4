#pragma once
#include <vector>

#include "../core/thread_pool.hpp"
#include "convolution_shape.hpp"
#include "repack.hpp"

OCTET_BEGIN
namespace detail {

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

  /// Takes other weights of the same sizes.
  void set_weights(const WeightsView& w, ThreadPool& pool) noexcept {
    const std::int64_t columns = packed_[0].columns, width = kernels_->panel_columns, k = packed_[0].k;
    const std::int64_t panels = (columns + width - 1) / width;
    pool.parallel(panels * static_cast<std::int64_t>(packed_.size()), [&](std::int64_t task, int) {
      repack_panel(*kernels_, w, task / panels, k / (w.kernel_h * w.kernel_w), task % panels * width,
                   packed_[static_cast<std::size_t>(task / panels)]);
    });
  }

  /// Splits the work for that many threads. Returns the bytes of scratch that run needs. With `dynamic` (1x1 kernels
  /// without groups only) run takes floats, and quantizes each pixel by its own range.
  std::size_t plan(const ConvolutionShape& shape, int threads, bool dynamic = false) {
    const std::int64_t tile = choose_rows(shape, dynamic);
    const std::int64_t rows = std::max<std::int64_t>(1, shape.rows()), columns = shape.group_out();
    std::int64_t row_parts = (rows + block_rows_ - 1) / block_rows_;
    column_parts_ = 1;
    if (row_parts % threads != 0) {
      if (rows >= 4 * tile * threads)
        row_parts = round_up(row_parts, threads);
      else
        column_parts_ =
            std::clamp<std::int64_t>((columns + kernels_->panel_columns - 1) / kernels_->panel_columns, 1, threads);
    }
    block_rows_ = std::min(block_rows_, round_up((rows + row_parts - 1) / row_parts, tile));
    part_columns_ = round_up((columns + column_parts_ - 1) / column_parts_, kernels_->panel_columns);
    row_parts_ = (rows + block_rows_ - 1) / block_rows_;
    return static_cast<std::size_t>(worker_bytes() * threads);
  }

  /// For run_rows, of at most `rows` rows at a time. Returns the bytes of scratch that one call needs.
  std::size_t plan_rows(const ConvolutionShape& shape, std::int64_t rows, bool dynamic) {
    const std::int64_t tile = choose_rows(shape, dynamic);
    block_rows_ = std::min(block_rows_, round_up(rows, tile));
    return static_cast<std::size_t>(worker_bytes());
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
      const std::int64_t rows = std::min(block_rows_, shape_.rows() - first_row);
      run_block({in, init, padding, &epilogue, out_element, scratch + worker * worker_bytes()}, group, first_row, rows,
                first_column, std::min(part_columns_, shape_.group_out() - first_column));
    });
  }

  /// Output rows [first, last), by the calling thread alone.
  void run_rows(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& epilogue,
                std::int64_t out_element, std::byte* scratch, std::int64_t first, std::int64_t last) const noexcept {
    for (std::int64_t row = first; row < last; row += block_rows_)
      for (std::int64_t group = 0; group < shape_.groups; ++group)
        run_block({in, init, padding, &epilogue, out_element, scratch}, group, row, std::min(block_rows_, last - row),
                  0, shape_.group_out());
  }

 private:
  struct Operands {
    const std::byte *in, *init, *padding;
    const Epilogue* epilogue;
    std::int64_t out_element;
    std::byte* scratch;
  };

  /// Rows of a block: it stays in the L2 cache while all panels of weights pass by. Returns those of a tile.
  std::int64_t choose_rows(const ConvolutionShape& shape, bool dynamic) {
    shape_ = shape;
    dynamic_ = dynamic;
    const std::int64_t row_bytes = packed_[0].k * element;
    in_place_ = !dynamic && shape.pointwise() && repeat_ == 1 && row_bytes % 4 == 0;
    row_stride_ = in_place_ ? row_bytes : round_up(row_bytes, 64);
    const std::int64_t tile = element == 1 ? kernels_->rows_u8 : kernels_->rows_f32;
    // Long rows: several tiles all the same, so that the weights, which then are large, pass by less often.
    constexpr std::int64_t block_bytes = 192 * 1024, most_bytes = 1024 * 1024, tiles = 4;
    const std::int64_t stride = std::max<std::int64_t>(row_stride_, 1);
    block_rows_ = std::max(block_bytes / stride / tile, std::min(tiles, most_bytes / stride / tile));
    block_rows_ = std::max<std::int64_t>(block_rows_, 1) * tile;
    return tile;
  }

  std::int64_t gathered_bytes() const noexcept { return in_place_ ? 0 : round_up(block_rows_ * row_stride_ + 64, 64); }
  std::int64_t worker_bytes() const noexcept {
    return gathered_bytes() + (dynamic_ ? round_up(block_rows_ * 8, 64) : 0);  // a scale and a shift for each row
  }

  void run_block(const Operands& o, std::int64_t group, std::int64_t first_row, std::int64_t rows,
                 std::int64_t first_column, std::int64_t columns) const noexcept {
    if (columns <= 0) return;
    const PackedMatrix& b = packed_[static_cast<std::size_t>(group)];
    Gemm g;
    g.rows = rows, g.columns = columns;
    g.steps = b.steps;
    g.b = b.panel(first_column);
    g.a_stride = row_stride_;
    const std::int64_t channel = group * shape_.group_out() + first_column;
    g.init = o.init + channel * 4;
    g.epilogue = shifted(*o.epilogue, first_row, channel, o.out_element);
    g.a = in_place_ ? o.in + first_row * row_stride_ : o.scratch;
    if (dynamic_) {
      auto* scales = reinterpret_cast<float*>(o.scratch + gathered_bytes());
      quantize_rows(o.in, first_row, rows, o.scratch, scales, scales + block_rows_);
      g.epilogue.row_scale = scales, g.epilogue.row_shift = scales + block_rows_;
    } else if (!in_place_) {
      gather(o.in, o.padding, group, first_row, rows, o.scratch);
    }
    element == 1 ? kernels_->gemm_u8s8(g) : kernels_->gemm_f32(g);
  }

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
  std::int64_t row_stride_ = 0, block_rows_ = 1, row_parts_ = 1, column_parts_ = 1, part_columns_ = 0;
};

}  // namespace detail
OCTET_END
