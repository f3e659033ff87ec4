#pragma once
#include <cmath>
#include <vector>

#include "../core/thread_pool.hpp"
#include "convolution_weights.hpp"
#include "stored_range.hpp"
#include "winograd_channels.hpp"

OCTET_BEGIN

namespace detail {

/// 3x3 convolution of stride 1 by Winograd's algorithm (bodies/winograd.inl). With int8, the results have the same bits
/// as direct convolution; channels whose sums might be too large for that are left to direct convolution.
template <class T>
class WinogradConvolution {
 public:
  static constexpr std::int64_t element = sizeof(T);                   // size of an activation in bytes
  static constexpr std::int64_t point_element = element == 1 ? 2 : 4;  // size of a transformed activation in bytes
  static constexpr std::int64_t step = 4 / point_element;              // channels in a step

  WinogradConvolution() = default;
  WinogradConvolution(const Kernels& kernels, const ConvolutionWeights<T>& w)
      : kernels_(&kernels),
        memory_(w.memory),
        varies_(w.varies),
        same_(w.varies || w.same_floats),
        in_c_(w.group_in),
        out_c_(w.out_c) {
    if (memory_ == WeightMemory::small || w.repeat != 1 || !suits_winograd(w.window, w.groups, in_c_, out_c_)) return;
    channels_ = {w, std::max(panel_columns(), detail::panel_columns<T>(kernels))};
    if (!segments().empty() && !varies_) pack_taps(w.values);
  }

  /// The channels that it computes, and those that direct convolution computes.
  const std::vector<OutputChannels>& segments() const noexcept { return channels_.winograd; }
  const std::vector<OutputChannels>& others() const noexcept { return channels_.direct; }
  std::size_t packed_bytes() const noexcept { return taps_.size() + points_.size(); }
  const char* form() const noexcept {
    if (!others().empty()) return "Winograd, some channels direct";
    return compact_ ? "Winograd, weights transformed in each run" : "Winograd";
  }

  /// Whether it is faster than direct convolution for images of this shape. `direct_speed`: speed of direct convolution
  /// relative to weights of type T.
  bool pays(const ConvolutionShape& s, double direct_speed = 1) const noexcept {
    if (segments().empty() || s.out_h * s.out_w == 0) return false;
    // Costs in cycles, from measurements: products at half the rate of bytes (floats: at the same rate),
    // transformations, and reading weights from memory. In training and calibration, where floats have the same bits on
    // every CPU, the choice is that of AVX-512.
    const double in = static_cast<double>(in_c_), out = static_cast<double>(out_c_);
    const double lanes = same_ ? 16 : kernels_->lanes,
                 direct_rate = direct_speed * (element == 1 ? lanes * kernels_->rate_u8 : lanes);
    const double rate = element == 1 ? lanes * kernels_->rate_i16 : lanes;
    const WinogradTiles tiles(s.batch, s.out_h, s.out_w);
    double products = 0;
    for (int p = 0; p < 36; ++p) {
      const WinogradTiles::Range r = tiles.needing(p / 6, p % 6);
      products += static_cast<double>(r.last - r.first);
    }
    const double count = static_cast<double>(tiles.count());
    const double blocks = std::ceil(count / (same_ ? 28 : static_cast<double>(tiles_at_once())));
    const double stream = 36 * in * out * static_cast<double>(point_element) * blocks / 8;
    const double transformed = count * (in * 130 + out * 170) / lanes + (varies_ ? in * out * 80 / lanes : 0);
    const double winograd = std::max(products * in * out / rate, stream) + transformed;
    return winograd < static_cast<double>(s.rows()) * 9 * in * out / direct_rate;
  }

  /// Returns the size of the scratch memory of run in bytes.
  std::size_t plan(const ConvolutionShape& s, int threads) {
    shape_ = s;
    tiles_ = WinogradTiles(s.batch, s.out_h, s.out_w);
    choose_weights();
    const std::int64_t count = tiles_.count(), most = tiles_at_once();
    blocks_ = (count + most - 1) / most;
    block_tiles_ = (count + blocks_ - 1) / blocks_;
    // Each thread processes whole blocks of tiles. If there are few blocks, the remaining ones are processed
    // together: threads share their tiles in the transformation, and then their output channels.
    apart_ = blocks_ < 4 * threads ? blocks_ - blocks_ % threads : blocks_;
    column_parts_ = std::min<std::int64_t>(threads, panels());
    tile_stride_ = round_up(in_c_ * point_element, 4 * kernels_->lanes);
    if (tile_stride_ % 512 == 0) tile_stride_ += 64;
    point_stride_ =
        round_up(block_tiles_ * tile_stride_, 64) + 192;  // points must not be in the same sets of the cache
    inputs_bytes_ = 36 * point_stride_ + 64;
    products_bytes_ = block_tiles_ * 36 * panel_columns() * 4;
    const std::int64_t workers =
        apart_ == 0 ? inputs_bytes_ + threads * products_bytes_ : threads * (inputs_bytes_ + products_bytes_);
    return static_cast<std::size_t>(layer_bytes() + workers);
  }

  /// padding: one pixel of zero points. Other arguments as in GemmConvolution::run. `weights`: of this run, if they
  /// vary.
  void run(const std::byte* in, const std::byte* init, const std::byte* padding, const Epilogue& epilogue,
           std::byte* scratch, ThreadPool& pool, const PackedMatrix* weights = nullptr) const noexcept {
    const std::byte* points = points_.data();
    if (compact_) {
      pool.parallel(panels(), [&](std::int64_t p, int) {
        transform_weights(p, scratch + p * panel_bytes(), varies_ ? weights : nullptr);
      });
      points = scratch;
    }
    std::byte* const rooms = scratch + layer_bytes();
    const auto block = [&](std::int64_t b) {
      Winograd w = whole(in, init, padding, epilogue);
      w.first = tiles_.count() * b / blocks_;
      w.count = tiles_.count() * (b + 1) / blocks_ - w.first;
      return w;
    };
    pool.parallel(apart_, [&](std::int64_t task, int worker) {
      Winograd w = block(task);
      // Products are written with long strides, for which CPUs prefetch beyond the end: that must not be memory that
      // another thread writes.
      w.products = rooms + worker * (inputs_bytes_ + products_bytes_);
      w.inputs = w.products + products_bytes_;
      w.epilogue = StoredRange::of_worker(w.epilogue, *kernels_, worker);
      inputs(w);
      for (const OutputChannels& s : segments()) outputs(w, points, s.first, s.last);
    });
    for (std::int64_t i = apart_; i < blocks_; ++i) {
      Winograd whole = block(i);
      whole.inputs = rooms;
      const std::int64_t parts = std::min<std::int64_t>(whole.count, 2 * pool.size());
      pool.parallel(parts, [&](std::int64_t part, int) {
        Winograd w = whole;
        const std::int64_t from = whole.count * part / parts;
        w.first += from;
        w.count = whole.count * (part + 1) / parts - from;
        w.inputs += from * tile_stride_;
        inputs(w);
      });
      pool.parallel(column_parts_, [&](std::int64_t part, int worker) {
        Winograd w = whole;
        w.products = rooms + inputs_bytes_ + worker * products_bytes_;
        w.epilogue = StoredRange::of_worker(w.epilogue, *kernels_, worker);
        const std::int64_t share = round_up((out_c_ + column_parts_ - 1) / column_parts_, panel_columns());
        for (const OutputChannels& s : segments())
          outputs(w, points, std::max(s.first, part * share), std::min(s.last, (part + 1) * share));
      });
    }
  }

 private:
  std::int64_t panel_columns() const noexcept { return 2 * kernels_->lanes; }
  std::int64_t panels() const noexcept { return (out_c_ + panel_columns() - 1) / panel_columns(); }
  std::int64_t steps() const noexcept { return (in_c_ + step - 1) / step; }
  std::int64_t tiles_at_once() const noexcept {
    const std::int64_t rows = element == 1 ? kernels_->rows_i16 : kernels_->rows_f32;
    return rows * (in_c_ * point_element >= 512 ? 2 : 1);
  }
  std::int64_t step_bytes() const noexcept { return panel_columns() * 4; }
  std::int64_t point_bytes() const noexcept { return steps() * step_bytes() + 192; }  // no power of two
  std::int64_t panel_bytes() const noexcept { return 36 * point_bytes(); }
  std::int64_t layer_bytes() const noexcept { return compact_ ? panels() * panel_bytes() : 0; }

  /// Chooses whether transformed weights are kept, and then transforms them, or are transformed in each run.
  void choose_weights() {
    constexpr std::int64_t many_tiles = 196;  // 56 x 56 outputs: transforming weights costs little in comparison
    if (points_.size() != 0) return;
    compact_ = varies_ || (memory_ == WeightMemory::balanced && tiles_.count() >= many_tiles);
    if (compact_) return;
    points_ = AlignedBytes(static_cast<std::size_t>(panels() * panel_bytes()));
    for (std::int64_t p = 0; p < panels(); ++p) transform_weights(p, points_.data() + p * panel_bytes());
    taps_ = {};  // no longer needed, for images of any size
  }

  /// [panel][step][tap][column][channel of the step]
  void pack_taps(const T* weights) {
    const std::int64_t width = panel_columns();
    taps_ = AlignedBytes(static_cast<std::size_t>(panels() * steps() * 9 * width * step * element));
    std::memset(taps_.data(), 0, taps_.size());
    auto* to = reinterpret_cast<T*>(taps_.data());
    for (std::int64_t o = 0; o < out_c_; ++o) {
      T* panel = to + o / width * steps() * 9 * width * step + o % width * step;
      for (std::int64_t tap = 0; tap < 9; ++tap)
        for (std::int64_t c = 0; c < in_c_; ++c)
          panel[(c / step * 9 + tap) * width * step + c % step] = weights[(o * 9 + tap) * in_c_ + c];
    }
  }
  /// `packed`: weights of GemmConvolution, [panel][tap][channel][column]; null: the taps packed here.
  void transform_weights(std::int64_t panel, std::byte* points, const PackedMatrix* packed = nullptr) const noexcept {
    const std::int64_t width = panel_columns(), first = panel * width;
    WinogradWeights w;
    w.steps = steps();
    w.vectors = 2;
    w.points = points;
    w.point_bytes = point_bytes();
    if (packed) {
      const std::int64_t columns = panel_width(out_c_ - first, kernels_->lanes, kernels_->vectors_f32);
      w.taps = packed->panel(first);
      w.step_stride = columns * element;
      w.tap_stride = in_c_ * w.step_stride;
      w.vectors = static_cast<int>(columns / kernels_->lanes);
    } else {
      w.taps = taps_.data() + panel * steps() * 9 * width * step * element;
      w.tap_stride = width * step * element;
      w.step_stride = 9 * w.tap_stride;
    }
    (element == 1 ? kernels_->winograd_weights_u8 : kernels_->winograd_weights_f32)(w);
  }

  Winograd whole(const std::byte* in, const std::byte* init, const std::byte* padding,
                 const Epilogue& epilogue) const noexcept {
    Winograd w;
    w.in = in;
    w.height = shape_.in_h;
    w.width = shape_.in_w;
    w.channels = in_c_;
    w.pad_top = shape_.pad_top;
    w.pad_left = shape_.pad_left;
    w.tiles = tiles_;
    w.padding = padding;
    w.point_stride = point_stride_;
    w.tile_stride = tile_stride_;
    w.weight_point_bytes = point_bytes();
    w.panel_bytes = panel_bytes();
    w.init = init;
    w.epilogue = epilogue;
    return w;
  }
  void inputs(const Winograd& w) const noexcept {
    (element == 1 ? kernels_->winograd_inputs_u8 : kernels_->winograd_inputs_f32)(w);
  }
  void outputs(Winograd w, const std::byte* points, std::int64_t first, std::int64_t last) const noexcept {
    if (first >= last) return;
    w.weights = points + first / panel_columns() * panel_bytes();
    w.column = first;
    w.columns = last - first;
    w.multiply = kernels_->winograd_products_u8;
    (element == 1 ? kernels_->winograd_outputs_u8 : kernels_->winograd_outputs_f32)(w);
  }

  const Kernels* kernels_ = nullptr;
  WeightMemory memory_ = WeightMemory::small;
  bool varies_ = false, same_ = false;
  std::int64_t in_c_ = 0, out_c_ = 0;
  WinogradChannels<T> channels_;
  AlignedBytes taps_, points_;  // the 3x3 weights, and the transformed ones
  ConvolutionShape shape_;
  WinogradTiles tiles_;
  bool compact_ = false;
  std::int64_t blocks_ = 1, block_tiles_ = 1, apart_ = 0, column_parts_ = 1;
  std::int64_t tile_stride_ = 0, point_stride_ = 0, inputs_bytes_ = 0, products_bytes_ = 0;
};

}  // namespace detail
OCTET_END
