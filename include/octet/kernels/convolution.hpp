#pragma once
#include <vector>

#include "../core/range.hpp"
#include "../core/thread_pool.hpp"
#include "convolution_weights.hpp"
#include "epilogue_at.hpp"
#include "overlapping_windows.hpp"
#include "packed_convolution.hpp"
#include "prefetch_outputs.hpp"
#include "quantize_dynamic.hpp"
#include "split_work.hpp"
#include "sum_parts.hpp"

OCTET_BEGIN
namespace detail {

/// Convolution as a matrix product whose left operand is gathered block by block (implicit GEMM), or read in place if
/// possible. T is the type of the weights: int8, with uint8 or int16 images; or float, fp16 or bf16, with float images.
/// For bf16, images are rounded as well: the whole image first if windows overlap, else block by block.
template <class T>
class GemmConvolution {
 public:
  static constexpr std::int64_t element = sizeof(T) == 1 ? 1 : 4;  // size of the image's elements in bytes
  static constexpr bool rounds = activation_bytes<T> != element;

  GemmConvolution() = default;
  GemmConvolution(const Kernels& kernels, const ConvolutionWeights<T>& w)
      : kernels_(&kernels), panel_columns_(panel_columns<T>(kernels)), repeat_(w.repeat), weights_(kernels, w) {}

  std::size_t packed_bytes() const noexcept { return weights_.bytes(); }
  /// The packed weights, one matrix per group.
  const PackedMatrix* packed() const noexcept { return weights_.matrices(); }
  /// Whether a vector holds several steps of each column.
  bool few_columns() const noexcept { return weights_.few_columns(); }
  /// The algorithm, for display. Valid after plan.
  const char* form() const noexcept {
    if (weights_.by_small()) return "direct, 4-bit weights";
    if (few_columns() && element == 4) return "few channels";
    return in_place_ ? "direct, in place" : quantizes_ ? "direct, quantized by blocks" : "direct, gathered";
  }

  /// Replaces the weights by others of the same shape. T is float or bf16.
  void set_weights(const WeightsView& w, ThreadPool& pool) noexcept {
    weights_.set(*kernels_, w, panel_columns_, pool);
  }

  /// Whether float pixels can be quantized block by block, just before their products (1x1 kernels without padding).
  static bool can_quantize(const ConvolutionShape& s) noexcept {
    return element == 1 && s.taps() == 1 && s.groups == 1 && s.pad_top == 0 && s.pad_left == 0 &&
           (s.out_h - 1) * s.stride_h < s.in_h && (s.out_w - 1) * s.stride_w < s.in_w;
  }
  /// Divides the work among `threads` threads. Returns the size of the scratch memory of run in bytes. `quantizes`: run
  /// takes float images and their scale.
  std::size_t plan(const ConvolutionShape& shape, int threads, bool quantizes = false) {
    quantizes_ = quantizes;
    weights_.choose(*kernels_, shape.rows());
    // If windows overlap, rounding the image once is cheaper than rounding each window.
    const std::int64_t image = shape.batch * shape.in_h * shape.in_w * shape.in_c;
    const bool overlap = shape.taps() > 1 && shape.rows() * shape.groups * weights_.k() >= image;
    image_bytes_ = rounds && overlap ? round_up(image * activation_bytes<T> + 64, 64) : 0;
    choose_rows(shape);
    const std::int64_t rows = std::max<std::int64_t>(1, shape.rows()), columns = shape.group_out();
    const WorkParts parts =
        split_work(shape.groups, rows, (rows + block_rows_ - 1) / block_rows_, columns, panel_columns_, 2, threads);
    block_rows_ = (rows + parts.rows - 1) / parts.rows;
    row_parts_ = (rows + block_rows_ - 1) / block_rows_;
    column_parts_ = parts.columns;
    part_columns_ = round_up((columns + column_parts_ - 1) / column_parts_, panel_columns_);
    return static_cast<std::size_t>(image_bytes_ + worker_bytes() * threads);
  }

  /// As plan, for run_rows with at most `rows` rows at a time. Returns the size of the scratch memory of one call in
  /// bytes.
  std::size_t plan_rows(const ConvolutionShape& shape, std::int64_t rows) {
    quantizes_ = false;
    weights_.choose(*kernels_, rows);
    image_bytes_ = 0;
    const std::int64_t tile = choose_rows(shape);
    block_rows_ = std::min(block_rows_, round_up(rows, tile));
    return static_cast<std::size_t>(worker_bytes());
  }

  /// `padding` holds kernel_w * group_in zero points, `init` one accumulator per output channel (padded). The
  /// epilogue's arrays and output start at channel 0. `scale`: of the image's quantization, if plan was told
  /// `quantizes`.
  void run(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& epilogue,
           std::int64_t out_element, std::byte* scratch, ThreadPool& pool, DynamicScale scale = {}) const noexcept {
    run_columns(in, init, padding, epilogue, out_element, scratch, pool, 0, shape_.group_out(), scale);
  }
  /// As run, for output channels [first, last) of each group; `first` is a multiple of panel_columns.
  void run_columns(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& epilogue,
                   std::int64_t out_element, std::byte* scratch, ThreadPool& pool, std::int64_t first,
                   std::int64_t last, DynamicScale scale = {}) const noexcept {
    const std::int64_t tasks = shape_.rows() == 0 ? 0 : shape_.groups * row_parts_ * column_parts_;
    if (image_bytes_ != 0 && tasks != 0) {
      round_image(in, scratch, pool);
      in = scratch;
      scratch += image_bytes_;
    }
    pool.parallel(tasks, [&](std::int64_t task, int worker) {
      const std::int64_t column_part = task % column_parts_, row_part = task / column_parts_ % row_parts_;
      const std::int64_t group = task / column_parts_ / row_parts_;
      const std::int64_t first_row = row_part * block_rows_, rows = std::min(block_rows_, shape_.rows() - first_row);
      const std::int64_t from = std::max(first, column_part * part_columns_);
      const std::int64_t to = std::min(last, (column_part + 1) * part_columns_);
      const Epilogue own = StoredRange::of_worker(epilogue, *kernels_, worker);
      run_block({in, init, padding, &own, out_element, scratch + worker * worker_bytes(), scale}, group, first_row,
                rows, from, to - from);
    });
  }

  /// Computes output rows [first, last) on the calling thread.
  void run_rows(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& epilogue,
                std::int64_t out_element, std::byte* scratch, std::int64_t first, std::int64_t last) const noexcept {
    for (std::int64_t row = first; row < last; row += block_rows_)
      for (std::int64_t group = 0; group < shape_.groups; ++group)
        run_block({in, init, padding, &epilogue, out_element, scratch, {}}, group, row,
                  std::min(block_rows_, last - row), 0, shape_.group_out());
  }

 private:
  struct Operands {
    const std::byte *in, *init, *padding;
    const Epilogue* epilogue;
    std::int64_t out_element;
    std::byte* scratch;
    DynamicScale scale;
  };

  /// Chooses the rows of a block such that the block stays in the L2 cache while all panels of weights are multiplied
  /// with it. Returns the rows of a register tile.
  std::int64_t choose_rows(const ConvolutionShape& shape) {
    shape_ = shape;
    const std::int64_t row_bytes = weights_.k() * gathered_element();
    overlaps_ = weights_.window_rows() != 0 && OverlappingWindows::pays(shape);
    converted_stride_ = converts_blocks() ? stride_of(weights_.matrices()[0].k * 2) : 0;
    const std::int64_t tile = element == 1 ? kernels_->rows_u8 : kernels_->rows_f32;
    const bool crowded = !converts_blocks() && row_bytes % 4096 == 0 && shape.rows() >= tile;
    const bool close = shape.pointwise() && repeat_ == 1 && row_bytes % 4 == 0 && !crowded;
    in_place_ = close && !quantizes_;
    row_stride_ = close ? row_bytes : stride_of(row_bytes);
    // Small weights: the block should fit into the L1 cache, since it is read again soon. Long rows: several register
    // tiles nevertheless, so that the large weights are read less often.
    if (overlaps_) {
      block_rows_ = windows().pixels(tile);
      return tile;
    }
    constexpr std::int64_t tiles = 4;
    const std::int64_t weight_bytes = static_cast<std::int64_t>(weights_.of_group(0)[0].data.size());
    const std::int64_t block_bytes = std::clamp<std::int64_t>(4 * weight_bytes, 16 * 1024, 192 * 1024);
    const std::int64_t stride = std::max<std::int64_t>({row_stride_, converted_stride_, 1});
    block_rows_ = std::max(block_bytes / stride / tile, std::min(tiles, l2_bytes / stride / tile));
    block_rows_ = std::max<std::int64_t>(block_rows_, 1) * tile;
    return tile;
  }

  /// Rounds up to a stride that is not a multiple of 4096 bytes: rows at such distances would compete for the same sets
  /// of the L1 cache.
  static std::int64_t stride_of(std::int64_t row_bytes) noexcept {
    const std::int64_t stride = round_up(row_bytes, 64);
    return stride % 4096 == 0 ? stride + 64 : stride;
  }
  /// Whether blocks are converted to what products take: rounded to bfloat16, or widened to 16-bit integers.
  bool converts_blocks() const noexcept { return element == 1 ? widens() : rounds && image_bytes_ == 0; }
  bool widens() const noexcept { return kernels_->widen_u8 && !weights_.small() && !weights_.wide_images(); }
  std::int64_t gathered_element() const noexcept {
    return weights_.wide_images() ? 2 : image_bytes_ == 0 ? element : activation_bytes<T>;
  }
  OverlappingWindows windows() const noexcept {
    return {shape_, weights_.wide_images() ? 2 : element, converts_blocks()};
  }
  std::int64_t gathered_bytes() const noexcept { return in_place_ ? 0 : round_up(block_rows_ * row_stride_ + 64, 64); }
  std::int64_t worker_bytes() const noexcept {
    if (overlaps_) return windows().scratch_bytes(std::min(block_rows_, shape_.out_w));
    return gathered_bytes() + round_up(block_rows_ * converted_stride_ + weights_.other_parts() * part_size() * 4, 64);
  }
  void run_block(const Operands& o, std::int64_t group, std::int64_t first_row, std::int64_t rows,
                 std::int64_t first_column, std::int64_t columns) const noexcept {
    if (columns <= 0) return;
    const PackedMatrix* matrices = weights_.of_group(group);
    const PackedMatrix& b = matrices[0];
    Gemm g;
    g.rows = rows;
    g.columns = columns;
    g.steps = b.steps;
    g.block_steps = b.block_steps;
    g.b = b.panel(first_column);
    g.a_stride = row_stride_;
    const std::int64_t channel = group * shape_.group_out() + first_column;
    g.init = o.init + channel * 4;
    g.epilogue = epilogue_at(*o.epilogue, first_row, channel, o.out_element);
    g.a = in_place_ ? o.in + first_row * row_stride_ : o.scratch;
    if (overlaps_)
      return windows().multiply(*kernels_, weights_.product(*kernels_), g,
                                {o.in, o.padding, first_row, o.out_element, o.scratch});
    if (weights_.window_rows() != 0) {
      g.parts = weights_.window_rows();
      g.part_stride = weights_.k() / g.parts * (converts_blocks() ? 2 : gathered_element());
    }
    if (quantizes_)
      quantize(o, first_row, rows);
    else if (!in_place_ && weights_.k() > 0)
      gather(o.in, o.padding, group, first_row, rows, o.scratch);
    if (converts_blocks()) {
      std::byte* converted = o.scratch + gathered_bytes();
      convert(g.a, converted, rows, b.k);
      g.a = converted;
      g.a_stride = converted_stride_;
    }
    if (weights_.wide_images())
      return multiply_parts(weights_.product(*kernels_), g, matrices, first_column,
                            {weights_.other_parts(), weights_.part_k(), part_size()}, o.scratch + gathered_bytes());
    if (g.epilogue.out && shape_.rows() * g.epilogue.out_stride > l2_bytes)
      prefetch_outputs(g.epilogue, rows, columns * o.out_element);
    const auto multiply = weights_.product(*kernels_);
    multiply(g);
  }

  static constexpr std::int64_t l2_bytes = 1024 * 1024;
  std::int64_t part_size() const noexcept { return block_rows_ * shape_.group_out(); }

  void convert(const std::byte* from, std::byte* to, std::int64_t rows, std::int64_t k) const noexcept {
    if constexpr (element == 1) return kernels_->widen_u8({from, to, row_stride_, converted_stride_, rows, k});
    for (std::int64_t r = 0; r < rows; ++r, from += row_stride_, to += converted_stride_)
      kernels_->round_bf16(reinterpret_cast<const float*>(from), to, k);
  }

  void round_image(const std::byte* in, std::byte* rounded, ThreadPool& pool) const noexcept {
    const std::int64_t n = shape_.batch * shape_.in_h * shape_.in_w * shape_.in_c;
    parallel_parts(pool, n, 16384, [&](std::int64_t first, std::int64_t count) {
      kernels_->round_bf16(reinterpret_cast<const float*>(in) + first, rounded + first * activation_bytes<T>, count);
    });
  }

  /// Quantizes the inputs of output pixels [first, first + count) into the scratch memory.
  void quantize(const Operands& o, std::int64_t first, std::int64_t count) const noexcept {
    const auto* in = reinterpret_cast<const float*>(o.in);
    const bool whole = shape_.pointwise() && row_stride_ == shape_.in_c;  // the pixels are contiguous
    QuantizeF32 q = quantized_by(o.scale, in, whole ? count * shape_.in_c : shape_.in_c,
                                 reinterpret_cast<std::uint8_t*>(o.scratch));
    for (std::int64_t row = first; row < first + (whole ? 1 : count); ++row, q.out += row_stride_) {
      const std::int64_t x = row % shape_.out_w, y = row / shape_.out_w % shape_.out_h;
      const std::int64_t image = row / shape_.out_w / shape_.out_h;
      const std::int64_t pixel = (image * shape_.in_h + y * shape_.stride_h) * shape_.in_w + x * shape_.stride_w;
      q.in = in + pixel * shape_.in_c;
      kernels_->quantize_f32(q);
    }
  }

  void gather(const std::byte* in, const std::byte* padding, std::int64_t group, std::int64_t first, std::int64_t count,
              std::byte* rows) const noexcept {
    Gather g;
    g.shape = shape_;
    const std::int64_t size = gathered_element();  // (If it is odd, copy_run writes a zero after a row of bf16.)
    g.in = in + group * shape_.group_in() * size;
    g.pixel_bytes = shape_.in_c * size;
    g.run_bytes = shape_.group_in() * size;
    g.padding = padding;
    g.first = first;
    g.count = count;
    g.rows = rows;
    g.row_stride = row_stride_;
    g.repeat = repeat_;
    kernels_->gather(g);
  }

  const Kernels* kernels_ = nullptr;
  std::int64_t panel_columns_ = 1, repeat_ = 1;
  PackedConvolution<T> weights_;
  bool overlaps_ = false;  // whether windows overlap in copied rows of the image
  ConvolutionShape shape_;
  bool in_place_ = false, quantizes_ = false;
  std::int64_t image_bytes_ = 0;  // size of the rounded image; 0 if blocks are rounded
  std::int64_t row_stride_ = 0, converted_stride_ = 0, block_rows_ = 1, row_parts_ = 1, column_parts_ = 1,
               part_columns_ = 0;
};

}  // namespace detail
OCTET_END
